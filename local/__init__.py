"""The AWS services that the workflow uses, on loopback."""

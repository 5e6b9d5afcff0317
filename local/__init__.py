"""The services that the workflow uses on AWS, answered on loopback."""

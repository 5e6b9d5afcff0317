"""What the local stack keeps across restarts, in a folder of JSON and of S3 objects as files."""

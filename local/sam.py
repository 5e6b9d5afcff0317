"""What `sam local` needs from the local stack: the sample events' images, and an address that containers reach."""

import ipaddress
import json
from pathlib import Path
from urllib.parse import urlsplit

import boto3

from contracts.files import write_whole
from contracts.layout import Prefix
from local.errors import LocalError
from local.stack import BUCKET, REGION, ROOT, Options, Running
from local.template import Template

ENVIRONMENT_FILE = "env.json"


class BadContainerAddress(LocalError):
    """The local stack refuses to listen on this address."""


def address_to_bind(address: str) -> str | None:
    """Return the address that the stack must listen on besides loopback, or None.

    A name, such as Docker Desktop's, needs nothing but loopback. Of addresses only those of private networks are
    allowed: strangers should not even reach the stack.
    """
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return None
    if parsed.is_unspecified or not parsed.is_private:
        raise BadContainerAddress(
            f"The stack would be open to others on {address}; give the address of Docker's bridge, such as 172.17.0.1."
        )
    return None if parsed.is_loopback else address


def upload_samples() -> None:
    """Put the images that the sample events name under samples/."""
    s3 = boto3.client("s3")
    for path in sorted((ROOT / "events/images").iterdir()):
        s3.put_object(Bucket=BUCKET, Key=f"{Prefix.SAMPLES}{path.name}", Body=path.read_bytes())


def write_environment(stack: Running, options: Options) -> Path:
    """Write what `sam local --env-vars` reads: the variables of each function, with the stack's address."""
    template = Template(ROOT / "template.yaml", {"DataBucketName": BUCKET} | dict(options.parameters or {}), REGION)
    port = urlsplit(stack.environment["AWS_ENDPOINT_URL"]).port
    url = f"http://{options.container_address}:{port}"
    variables = {spec.name: {**spec.environment, "AWS_ENDPOINT_URL": url} for spec in template.functions()}
    path = stack.logs / ENVIRONMENT_FILE
    write_whole(path, json.dumps(variables, indent=2) + "\n")
    return path

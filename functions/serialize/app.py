"""Serialize: read an image from S3, check it, and make it the model's input."""

import base64
import hashlib
import os
import re
from collections.abc import Mapping
from contextlib import closing
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import boto3
from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.config import Config
from botocore.exceptions import ClientError, HTTPClientError, IncompleteReadError, ParamValidationError
from botocore.exceptions import ConnectionError as UnreachableError

from imaging.decoding import MAX_BYTES, model_input
from imaging.errors import ImageTooLarge, InvalidImage

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

ABSENT = {"NoSuchBucket", "NoSuchKey", "NoSuchVersion", "MethodNotAllowed"}
# What S3 answers to a name that nothing can have.
IMPOSSIBLE = {"InvalidArgument", "InvalidBucketName", "InvalidURI", "KeyTooLongError"}
# What S3 answers when the same request may succeed later:
# https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
TRANSIENT = {"InternalError", "OperationAborted", "RequestTimeout", "ServiceUnavailable", "SlowDown"}
# S3 advises against these in keys (https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html); here they
# would break the lines of a log.
CONTROL_CHARACTER = re.compile(r"[\x00-\x1f\x7f]")


class ConfigurationError(Exception):
    """An environment variable of the function is missing or out of range."""


class InvalidEvent(Exception):
    """The event doesn't name an object."""


class ImageNotFound(Exception):
    """The bucket, the object or its version doesn't exist."""


class ImageReadFailed(Exception):
    """S3 is slow, throttles or broke off the answer: the same read may succeed later."""


@dataclass(frozen=True)
class Location:
    """Where an image is: bucket, key and, if the caller pinned one, version."""

    s3_bucket: str
    s3_key: str
    s3_version_id: str | None = None


@dataclass(frozen=True)
class Settings:
    """How pictures are fitted: at most `max_side` pixels a side, or if `exact` a square of exactly that."""

    max_side: int
    exact: bool


def settings_of(environment: Mapping[str, str]) -> Settings:
    """Return what MAX_SIDE (16 to 224) and IMAGE_FIT (bounded or exact) say.

    At 224 the worst PNG is 201 kB in base64, which still passes Step Functions' 256 KiB.
    """
    side, fit = environment.get("MAX_SIDE", ""), environment.get("IMAGE_FIT", "")
    if not side.isascii() or not side.isdigit() or not 16 <= int(side) <= 224:
        raise ConfigurationError(f"MAX_SIDE must be a whole number from 16 to 224, not {side!r}.")
    if fit not in {"bounded", "exact"}:
        raise ConfigurationError(f"IMAGE_FIT must be bounded or exact, not {fit!r}.")
    return Settings(int(side), fit == "exact")


def location_of(event: Any) -> Location:
    """Return what the event names; other keys, such as `image_data` from older callers, are ignored."""
    if not isinstance(event, dict):
        raise InvalidEvent("The event must be an object with s3_bucket and s3_key.")
    for name in ("s3_bucket", "s3_key"):
        if not isinstance(event.get(name), str) or not event[name]:
            raise InvalidEvent(f"The event must have {name}, a non-empty string.")
        if CONTROL_CHARACTER.search(event[name]):
            raise InvalidEvent(f"{name} holds a control character.")
    version = event.get("s3_version_id") or None
    if version is not None and not isinstance(version, str):
        raise InvalidEvent("s3_version_id must be a string.")
    return Location(event["s3_bucket"], event["s3_key"], version)


def read_object(s3: "S3Client", location: Location) -> tuple[bytes, dict[str, str | None]]:
    """Return the object's bytes, and its `s3_version_id` and `etag`."""
    version = {"VersionId": location.s3_version_id} if location.s3_version_id else {}
    try:
        answer = s3.get_object(Bucket=location.s3_bucket, Key=location.s3_key, **version)  # type: ignore[arg-type]
        # As a context manager the body would hand out urllib3's stream, with urllib3's errors.
        with closing(answer["Body"]) as body:
            if answer["ContentLength"] > MAX_BYTES:
                raise ImageTooLarge(
                    f"The object has {answer['ContentLength']:,} bytes; at most {MAX_BYTES:,} are taken."
                )
            data = body.read()
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code in ABSENT:
            raise ImageNotFound(f"s3://{location.s3_bucket}/{location.s3_key} doesn't exist.") from error
        if code in IMPOSSIBLE:
            raise InvalidEvent(f"The event names no possible object: {error}") from error
        if code in TRANSIENT:
            raise ImageReadFailed(f"S3 answered {code}: {error}") from error
        raise
    except (ParamValidationError, UnicodeEncodeError) as error:
        raise InvalidEvent(f"The event names no possible object: {error}") from error
    except (UnreachableError, HTTPClientError, IncompleteReadError) as error:
        raise ImageReadFailed(f"S3 didn't answer in full: {error}") from error
    return data, {"s3_version_id": answer.get("VersionId"), "etag": answer["ETag"].strip('"')}


logger = Logger()
tracer = Tracer(patch_modules=["botocore"])
metrics = Metrics()
SETTINGS = settings_of(os.environ)
S3: "S3Client" = boto3.client(
    "s3", config=Config(connect_timeout=2, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 2})
)


def serialize(event: Any) -> dict[str, Any]:
    """Return the record of the image that the event names, with the model's input."""
    try:
        location = location_of(event)
        data, version = read_object(S3, location)
        given = model_input(data, SETTINGS.max_side, exact=SETTINGS.exact)
    except (InvalidEvent, ImageNotFound, ImageTooLarge, InvalidImage) as error:
        metrics.add_metric("Rejected", MetricUnit.Count, 1)
        logger.warning("rejected", extra={"reason": type(error).__name__, "cause": str(error)})
        raise
    metrics.add_metric("Rejected", MetricUnit.Count, 0)
    digest = hashlib.sha256(data).hexdigest()
    record = asdict(location) | version | {"sha256": digest, "width": given.width, "height": given.height}
    logger.info("serialized", extra=record | {"bytes": len(data)})
    return record | {"image_data": base64.b64encode(given.png).decode("ascii"), "content_type": "image/png"}


@metrics.log_metrics
@tracer.capture_lambda_handler(capture_response=False)
@logger.inject_lambda_context
def lambda_handler(event: Any, context: LambdaContext) -> dict[str, Any]:
    """Step Functions task: `{"s3_bucket", "s3_key"}` in, the model's input out.

    Raises InvalidEvent, ImageNotFound, ImageTooLarge or InvalidImage when the input is at fault; ImageReadFailed is
    worth a retry.
    """
    return serialize(event)

"""Serialize: read an image from S3, check it, and make it the model's input."""

import base64
import hashlib
import io
import os
import struct
import zlib
from collections.abc import Mapping
from contextlib import closing
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import boto3
from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.config import Config
from botocore.exceptions import ClientError, HTTPClientError, IncompleteReadError
from botocore.exceptions import ConnectionError as UnreachableError
from PIL import Image, ImageOps, UnidentifiedImageError, WebPImagePlugin

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

MAX_BYTES = 20 * 1024 * 1024
MAX_PIXELS = 50_000_000
# Pillow itself registers the first four; unless it knows all of them it would import every decoder that it has.
FORMATS = ("BMP", "GIF", "JPEG", "PNG", WebPImagePlugin.WebPImageFile.format)
# Not JPEG: the further pictures of a phone's photograph (MPO) are previews.
ANIMATED_FORMATS = ("GIF", "PNG", "WEBP")
ABSENT = {"NoSuchBucket", "NoSuchKey", "NoSuchVersion", "MethodNotAllowed"}
# What S3 answers when the same request may succeed later:
# https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
TRANSIENT = {"InternalError", "OperationAborted", "RequestTimeout", "ServiceUnavailable", "SlowDown"}
# What Pillow's decoders raise on data that isn't what its header says.
DECODE_ERRORS = (OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error)

# The size is checked against MAX_PIXELS from the header, before anything is decoded.
Image.MAX_IMAGE_PIXELS = None


class ConfigurationError(Exception):
    """An environment variable of the function is missing or out of range."""


class InvalidEvent(Exception):
    """The event doesn't name an object."""


class ImageNotFound(Exception):
    """The bucket, the object or its version doesn't exist."""


class ImageReadFailed(Exception):
    """S3 is slow, throttles or broke off the answer: the same read may succeed later."""


class ImageTooLarge(Exception):
    """The object has more bytes or pixels than the function takes."""


class InvalidImage(Exception):
    """The object isn't one whole still picture of a format that is taken."""


@dataclass(frozen=True)
class Location:
    """Where an image is: bucket, key and, if the caller pinned one, version."""

    s3_bucket: str
    s3_key: str
    s3_version_id: str | None = None


def image_size_of(environment: Mapping[str, str]) -> int:
    """Return IMAGE_SIZE, the side of the model's input in pixels, from 16 to 224.

    At 224 the worst PNG is 201 kB in base64, which still passes Step Functions' 256 KiB.
    """
    text = environment.get("IMAGE_SIZE", "")
    if not text.isascii() or not text.isdigit() or not 16 <= int(text) <= 224:
        raise ConfigurationError(f"IMAGE_SIZE must be a whole number from 16 to 224, not {text!r}.")
    return int(text)


def location_of(event: Any) -> Location:
    """Return what the event names; other keys, such as `image_data` from older callers, are ignored."""
    if not isinstance(event, dict):
        raise InvalidEvent("The event must be an object with s3_bucket and s3_key.")
    for name in ("s3_bucket", "s3_key"):
        if not isinstance(event.get(name), str) or not event[name]:
            raise InvalidEvent(f"The event must have {name}, a non-empty string.")
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
        if code in TRANSIENT:
            raise ImageReadFailed(f"S3 answered {code}: {error}") from error
        raise
    except (UnreachableError, HTTPClientError, IncompleteReadError) as error:
        raise ImageReadFailed(f"S3 didn't answer in full: {error}") from error
    return data, {"s3_version_id": answer.get("VersionId"), "etag": answer["ETag"].strip('"')}


def to_rgb(image: Image.Image) -> Image.Image:
    """Return the picture upright, opaque (over white) and with 8 bits a channel."""
    image = ImageOps.exif_transpose(image)
    if image.mode == "I" or image.mode.startswith("I;16"):
        image = image.convert("I").point([value >> 8 for value in range(65536)], "L")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image.convert("RGB")


def model_input(data: bytes, size: int) -> tuple[bytes, int, int]:
    """Return the picture as a PNG of `size` x `size` pixels, and the width and height it is stored with.

    Decoding all of it is what verifies it; encoding it anew leaves behind whatever else the file carried.
    """
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            width, height = image.size
            if width * height > MAX_PIXELS:
                raise ImageTooLarge(f"The image has {width}x{height} pixels; at most {MAX_PIXELS:,} are taken.")
            if image.format in ANIMATED_FORMATS and getattr(image, "n_frames", 1) > 1:
                raise InvalidImage("The image is animated; a still one is needed.")
            # A JPEG decoder can scale by 1/2, 1/4 or 1/8 as it goes: a large photograph costs a fraction.
            image.draft("RGB", (2 * size, 2 * size))
            picture = to_rgb(image).resize((size, size), Image.Resampling.LANCZOS, reducing_gap=2.0)
    except UnidentifiedImageError as error:
        raise InvalidImage(f"The object isn't a picture of a format that is taken: {', '.join(FORMATS)}.") from error
    except DECODE_ERRORS as error:
        raise InvalidImage(f"The object can't be decoded as an image: {error or type(error).__name__}") from error
    png = io.BytesIO()
    picture.save(png, "PNG")
    return png.getvalue(), width, height


logger = Logger()
tracer = Tracer(patch_modules=["botocore"])
metrics = Metrics()
IMAGE_SIZE = image_size_of(os.environ)
S3: "S3Client" = boto3.client(
    "s3", config=Config(connect_timeout=2, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 2})
)


@metrics.log_metrics
@tracer.capture_lambda_handler(capture_response=False)
@logger.inject_lambda_context
def lambda_handler(event: Any, context: LambdaContext) -> dict[str, Any]:
    """Step Functions task: `{"s3_bucket", "s3_key"}` in, the model's input out.

    Raises InvalidEvent, ImageNotFound, ImageTooLarge or InvalidImage when the input is at fault; ImageReadFailed is
    worth a retry.
    """
    try:
        location = location_of(event)
        data, version = read_object(S3, location)
        png, width, height = model_input(data, IMAGE_SIZE)
    except (InvalidEvent, ImageNotFound, ImageTooLarge, InvalidImage) as error:
        metrics.add_metric("Rejected", MetricUnit.Count, 1)
        logger.warning("rejected", extra={"reason": type(error).__name__, "cause": str(error)})
        raise
    metrics.add_metric("Rejected", MetricUnit.Count, 0)
    record = asdict(location) | version | {"sha256": hashlib.sha256(data).hexdigest(), "width": width, "height": height}
    logger.info("serialized", extra=record | {"bytes": len(data)})
    return record | {"image_data": base64.b64encode(png).decode("ascii"), "content_type": "image/png"}

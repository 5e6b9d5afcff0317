"""An image that waits for a person: what its message says, and its bytes as they are stored."""

import hashlib
import json
from contextlib import closing
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from contracts.addresses import S3Address
from contracts.labels import InvalidLabels, LabelledImage, ModelAnswer, is_place
from contracts.outcomes import ReviewReason
from imaging.decoding import MAX_BYTES
from review.errors import ReviewError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

ABSENT = {"NoSuchBucket", "NoSuchKey", "NoSuchVersion", "MethodNotAllowed"}


class InvalidMessage(ReviewError):
    """A message in the review queue doesn't say which image to look at, or what the model answered."""


class ImageUnavailable(ReviewError):
    """The image was deleted or replaced since it was classified."""


@dataclass(frozen=True, slots=True)
class ReviewImage:
    """What a message in the review queue says: which image, its size in pixels, the model's answer, and why it is here.

    `familiarity_limit` is the familiarity below which an image is unfamiliar, None where the model can't tell.
    """

    sha256: str
    s3_bucket: str
    s3_key: str
    s3_version_id: str | None
    width: int
    height: int
    endpoint: str
    reason: ReviewReason
    familiarity_limit: float | None
    model: ModelAnswer

    @property
    def address(self) -> S3Address:
        """Where the image is."""
        return S3Address(self.s3_bucket, self.s3_key)

    def to_body(self) -> str:
        """Write the message that `from_body` reads."""
        record = asdict(self)
        return json.dumps(record | record.pop("model") | {"review_reason": record.pop("reason")})

    @classmethod
    def from_body(cls, body: str) -> "ReviewImage":
        """Read a message; raises InvalidMessage."""
        try:
            record: dict[str, Any] = json.loads(body)
            place = (record["sha256"], record["s3_bucket"], record["s3_key"], record.get("s3_version_id"))
            size = (int(record["width"]), int(record["height"]))
            reason, limit = ReviewReason(record["review_reason"]), record.get("familiarity_limit")
            image = cls(*place, *size, str(record["endpoint"]), reason, limit, ModelAnswer.from_dict(record))
        except (ValueError, KeyError, TypeError, RecursionError, InvalidLabels) as error:
            raise InvalidMessage(f"A message is not the record of an image to review ({error!r}).") from error
        if not is_place(*place) or not all(side > 0 for side in size) or not isinstance(limit, float | int | None):
            raise InvalidMessage("A message names no image, or one without a size.")
        return image


def read_original(s3: "S3Client", image: ReviewImage | LabelledImage) -> bytes:
    """Return the image's bytes as they are stored, in the version that was classified.

    Raises:
        ImageUnavailable: it was deleted, or other bytes are there.
    """
    address = S3Address(image.s3_bucket, image.s3_key)
    version = {"VersionId": image.s3_version_id} if image.s3_version_id else {}
    try:
        answer = s3.get_object(Bucket=image.s3_bucket, Key=image.s3_key, **version)  # type: ignore[arg-type]
        with closing(answer["Body"]) as body:
            # One byte more than Serialize takes, so that a larger object is not read whole to find that it changed.
            data = body.read(MAX_BYTES + 1)
    except ClientError as error:
        if error.response["Error"]["Code"] in ABSENT:
            raise ImageUnavailable(f"{address} was deleted since it was classified.") from error
        raise
    if hashlib.sha256(data).hexdigest() != image.sha256:
        raise ImageUnavailable(f"{address} was replaced since it was classified.")
    return data

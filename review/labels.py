"""Write what people decide, so that nobody overwrites anybody, and read it all back."""

import random
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from contracts.addresses import S3Address
from contracts.labels import Decision, LabelledImage, label_key, labels_folder
from review.errors import ReviewError
from review.image import ReviewImage
from review.queue import Message

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# Somebody else wrote the object since it was read, or deleted it, or is just writing it:
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
CONFLICTS = {"PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey"}
ATTEMPTS = 12
LONGEST_PAUSE = 0.2
# Fewer than the ten connections that a client of the SDK keeps.
AT_ONCE = 8


class LabelConflict(ReviewError):
    """Others kept writing the same label."""


@dataclass(frozen=True)
class Labels:
    """The label objects of a data set in a bucket."""

    s3: "S3Client"
    bucket: str
    dataset: str

    def __post_init__(self) -> None:
        """Raise DatasetError where the data set's name can't be part of a key."""
        labels_folder(self.dataset)

    def read(self, sha256: str) -> LabelledImage | None:
        """Read what was decided about an image; None where nobody decided. Raises InvalidLabels."""
        return self._read(sha256)[0]

    def add(self, image: ReviewImage, decision: Decision) -> LabelledImage:
        """Add a decision beside those that are there; adding it once more changes nothing.

        Raises:
            InvalidLabels: what is there isn't a record of decisions.
            LabelConflict: others kept writing it.
        """

        def added(found: LabelledImage | None) -> LabelledImage:
            place = (image.sha256, image.s3_bucket, image.s3_key, image.s3_version_id)
            found = found or LabelledImage(*place, ())
            # A request that is repeated, because its answer was lost, finds what it wrote.
            return found if decision in found.decisions else replace(found, decisions=(*found.decisions, decision))

        return self._update(image.sha256, added)

    def undo(self, sha256: str, decision: Decision) -> LabelledImage:
        """Mark a decision as undone; raises as `add` does."""

        def undone(found: LabelledImage | None) -> LabelledImage:
            if found is None:
                raise ReviewError(f"The label of {sha256} was deleted; there is nothing to undo.")
            marked = (replace(one, undone=True) if one == decision else one for one in found.decisions)
            return replace(found, decisions=tuple(marked))

        return self._update(sha256, undone)

    def _update(self, sha256: str, change: Callable[[LabelledImage | None], LabelledImage]) -> LabelledImage:
        key = label_key(self.dataset, sha256)
        for attempt in range(ATTEMPTS):
            found, etag = self._read(sha256)
            changed = change(found)
            if changed == found:
                return found
            condition: dict[str, Any] = {"IfMatch": etag} if etag else {"IfNoneMatch": "*"}
            try:
                self.s3.put_object(
                    Bucket=self.bucket,
                    Key=key,
                    Body=changed.to_json().encode(),
                    ContentType="application/json",
                    **condition,
                )
            except ClientError as error:
                if error.response["Error"]["Code"] not in CONFLICTS:
                    raise
                time.sleep(random.uniform(0, min(LONGEST_PAUSE, 0.01 * 2**attempt)))  # noqa: S311 - not a secret
            else:
                return changed
        raise LabelConflict(f"{S3Address(self.bucket, key)} changed {ATTEMPTS} times while it was written; try again.")

    def _read(self, sha256: str) -> tuple[LabelledImage | None, str | None]:
        """Return what is there, and its ETag."""
        address = S3Address(self.bucket, label_key(self.dataset, sha256))
        try:
            answer = self.s3.get_object(Bucket=address.bucket, Key=address.key)
        except ClientError as error:
            if error.response["Error"]["Code"] == "NoSuchKey":
                return None, None
            raise
        return LabelledImage.from_json(answer["Body"].read(), str(address)), answer["ETag"]


def read_labels(s3: "S3Client", bucket: str, dataset: str) -> list[LabelledImage]:
    """Read all that people decided about the images of a data set, in the order of the checksums.

    Raises:
        DatasetError: the data set's name can't be part of a key.
        InvalidLabels: an object isn't a record of decisions.
    """
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=labels_folder(dataset))
    keys = [found["Key"] for page in pages for found in page.get("Contents", ())]

    def read(key: str) -> LabelledImage:
        body = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        return LabelledImage.from_json(body, str(S3Address(bucket, key)))

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(read, keys))


def still_open(labels: Labels, taken: Sequence[Message]) -> list[Message]:
    """Return the messages whose images nobody decided since they were sent."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = list(pool.map(lambda message: labels.read(message.image.sha256), taken))
    return [one for one, labelled in zip(taken, found, strict=True) if not is_answered(one, labelled)]


def is_answered(message: Message, labelled: LabelledImage | None) -> bool:
    """Whether somebody decided about the image, for the same reason and release, after the message was sent."""
    if labelled is None or labelled.sha256 != message.image.sha256:
        return False
    asked = (message.image.reason, message.image.model.release)
    votes = labelled.votes.values()
    return any((vote.reason, vote.model.release) == asked and vote.time >= message.sent for vote in votes)

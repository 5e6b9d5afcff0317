import json
from typing import TYPE_CHECKING, Any

import pytest

from review.image import ImageUnavailable, InvalidMessage, ReviewImage, read_original
from tests.unit.review.samples import record
from tests.unit.samples import BUCKET, png

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def image(**changes: Any) -> ReviewImage:
    return ReviewImage.from_body(json.dumps(record(png(), **changes)))


def test_a_message_says_which_image_and_what_the_model_answered() -> None:
    read = image(s3_version_id="v1", review_reason="unfamiliar")
    assert (read.address.key, read.s3_version_id, read.reason) == ("incoming/0.png", "v1", "unfamiliar")
    assert (read.model.label, read.model.inferences, read.familiarity_limit) == ("cat", (0.7, 0.3), 0.05)


@pytest.mark.parametrize("body", ["", "[]", "null", "{}", "[" * 100_000, '"text"'])
def test_what_is_no_record_is_refused(body: str) -> None:
    with pytest.raises(InvalidMessage):
        ReviewImage.from_body(body)


@pytest.mark.parametrize(
    "changes",
    [
        {"sha256": "x"},
        {"s3_key": ""},
        {"s3_bucket": None},
        {"s3_version_id": 5},
        {"width": 0},
        {"height": "tall"},
        {"review_reason": "curiosity"},
        {"labels": ["cat"]},
        {"label": "fox"},
        {"confidence": "high"},
        {"familiarity_limit": "low"},
    ],
)
def test_a_record_that_makes_no_sense_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidMessage):
        image(**changes)


def test_the_original_is_read_in_the_version_that_was_classified(s3: "S3Client") -> None:
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    versions = [
        s3.put_object(Bucket=BUCKET, Key="incoming/0.png", Body=png(number))["VersionId"] for number in range(2)
    ]
    try:
        assert read_original(s3, image(s3_version_id=versions[0])) == png()
        with pytest.raises(ImageUnavailable, match="replaced"):
            read_original(s3, image())
        s3.delete_object(Bucket=BUCKET, Key="incoming/0.png")
        assert read_original(s3, image(s3_version_id=versions[0])) == png()
        with pytest.raises(ImageUnavailable, match="deleted"):
            read_original(s3, image())
    finally:
        for found in s3.list_object_versions(Bucket=BUCKET).get("Versions", []):
            s3.delete_object(Bucket=BUCKET, Key=found["Key"], VersionId=found["VersionId"])
        for marker in s3.list_object_versions(Bucket=BUCKET).get("DeleteMarkers", []):
            s3.delete_object(Bucket=BUCKET, Key=marker["Key"], VersionId=marker["VersionId"])


def test_an_image_in_a_bucket_that_is_gone_is_unavailable(s3: "S3Client") -> None:
    with pytest.raises(ImageUnavailable, match="deleted"):
        read_original(s3, image(s3_bucket="gone"))

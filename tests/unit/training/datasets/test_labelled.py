"""What people decided becomes training images of the next data set."""

import hashlib
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import pytest
from moto import mock_aws

from contracts.dataset import RECORD, DatasetError, DatasetRecord
from contracts.labels import Decision, ModelAnswer
from contracts.outcomes import ReviewReason
from review.image import ReviewImage
from review.labels import Labels
from tests.unit.samples import BUCKET, png
from training.datasets.labelled import DISPUTED, GONE, KNOWN, NO_CLASS, OTHER_CLASS, TESTED
from training.stage import stage, stage_labels

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

CLASSES = ("cat", "dog", "owl")
Decide = Callable[..., str]


@pytest.fixture(autouse=True)
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator["S3Client"]:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket=BUCKET)
        client.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
        yield client


@pytest.fixture
def base(tmp_path: Path) -> DatasetRecord:
    for number in range(60):
        file = tmp_path / "pets" / CLASSES[number % 2] / f"{number}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(png(number))
    return stage(str(tmp_path / "pets"), tmp_path / "out", bucket=BUCKET)


@pytest.fixture
def decide(s3: "S3Client") -> Decide:
    """Upload an image and write one decision about it."""

    def decided(data: bytes, label: str | None, reviewer: str = "ann", key: str = "") -> str:
        sha256 = hashlib.sha256(data).hexdigest()
        key = key or f"incoming/{sha256[:8]}.png"
        version = s3.put_object(Bucket=BUCKET, Key=key, Body=data)["VersionId"]
        model = ModelAnswer("r1", "cat", 0.6, 0.9, 0.5, (0.6, 0.3, 0.1), CLASSES)
        image = ReviewImage(sha256, BUCKET, key, version, 32, 32, "pets", ReviewReason.LOW_CONFIDENCE, 0.05, model)
        now = datetime.now(UTC).isoformat()
        Labels(s3, BUCKET, "pets").add(image, Decision(label, reviewer, now, 1.0, image.reason, model))
        return sha256

    return decided


def lists(folder: Path) -> dict[str, list[str]]:
    return {split: (folder / f"{split}.lst").read_text().splitlines() for split in ("train", "test")}


def test_labelled_images_are_added_to_training_and_the_test_images_stay(
    base: DatasetRecord, decide: Decide, tmp_path: Path
) -> None:
    decide(png(100), "cat")
    decide(png(101), "dog")
    made = stage_labels("pets", tmp_path / "out", BUCKET, "pets-2")
    assert made.count("train") == base.count("train") + 2
    before, after = (tmp_path / "out" / one.folder for one in (base, made))
    assert {path.read_bytes() for path in (before / "test").iterdir()} == {
        path.read_bytes() for path in (after / "test").iterdir()
    }
    assert made.lineage is not None
    assert (made.lineage.base, made.lineage.base_sha256) == ("pets", base.sha256)
    assert (made.lineage.added, made.lineage.relabelled, made.lineage.left_out) == ({"cat": 1, "dog": 1}, 0, {})
    assert DatasetRecord.from_json((after / RECORD).read_text()) == made


def test_an_image_that_was_staged_for_tests_never_becomes_a_training_image(
    base: DatasetRecord, decide: Decide, tmp_path: Path
) -> None:
    tested = next((tmp_path / "out" / base.folder / "test").iterdir()).read_bytes()
    decide(tested, "cat")
    made = stage_labels("pets", tmp_path / "out", BUCKET, "pets-2")
    assert made.counts == base.counts
    assert made.lineage is not None
    assert made.lineage.left_out == {TESTED: 1}


def test_a_training_image_takes_the_label_that_people_gave_it(
    base: DatasetRecord, decide: Decide, tmp_path: Path
) -> None:
    folder = tmp_path / "out" / base.folder
    first = lists(folder)["train"][0].split("\t")
    other = 1 - int(first[1])
    decide((folder / "train" / first[2]).read_bytes(), base.classes[other])
    decide((folder / "train" / lists(folder)["train"][1].split("\t")[2]).read_bytes(), None)
    made = stage_labels("pets", tmp_path / "out", BUCKET, "pets-2")
    assert made.count("train") == base.count("train")
    assert lists(tmp_path / "out" / made.folder)["train"][0].split("\t")[1] == str(other)
    assert made.lineage is not None
    assert (made.lineage.relabelled, made.lineage.left_out) == (1, {NO_CLASS: 1})


@pytest.mark.usefixtures("base")
def test_copies_of_one_picture_are_added_once(decide: Decide, tmp_path: Path) -> None:
    decide(png(100), "cat")
    # Another file with the same pixels.
    decide(png(100) + b"\0", "cat")
    made = stage_labels("pets", tmp_path / "out", BUCKET, "pets-2")
    assert made.lineage is not None
    assert (made.lineage.added, made.lineage.left_out) == ({"cat": 1}, {KNOWN: 1})


@pytest.mark.usefixtures("base")
def test_what_people_disagree_about_and_what_no_class_fits_is_left_out_and_counted(
    decide: Decide, tmp_path: Path
) -> None:
    decide(png(100), "cat", "ann")
    decide(png(100), "dog", "bob")
    decide(png(101), None)
    decide(png(102), "owl")
    decide(png(103), "cat")
    made = stage_labels("pets", tmp_path / "out", BUCKET, "pets-2")
    assert made.lineage is not None
    assert made.lineage.left_out == {DISPUTED: 1, NO_CLASS: 1, OTHER_CLASS: 1}
    assert made.lineage.added == {"cat": 1}


@pytest.mark.usefixtures("base")
def test_an_image_that_was_deleted_since_is_left_out_and_named(
    decide: Decide, s3: "S3Client", tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    decide(png(100), "cat", key="incoming/gone.png")
    decide(png(101), "dog")
    for version in s3.list_object_versions(Bucket=BUCKET, Prefix="incoming/gone.png")["Versions"]:
        s3.delete_object(Bucket=BUCKET, Key="incoming/gone.png", VersionId=version["VersionId"])
    made = stage_labels("pets", tmp_path / "out", BUCKET, "pets-2")
    assert made.lineage is not None
    assert (made.lineage.added, made.lineage.left_out) == ({"dog": 1}, {GONE: 1})
    assert "incoming/gone.png was deleted" in caplog.text


@pytest.mark.usefixtures("base")
def test_the_same_labels_make_the_same_data_set(decide: Decide, tmp_path: Path) -> None:
    for number in range(100, 110):
        decide(png(number), CLASSES[number % 2])
    made = [stage_labels("pets", tmp_path / "out", BUCKET, name) for name in ("pets-2", "pets-3")]
    assert made[0].sha256 == made[1].sha256
    assert made[0].lineage == made[1].lineage


@pytest.mark.usefixtures("base")
def test_a_data_set_without_labels_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="`workflow review`"):
        stage_labels("pets", tmp_path / "out", BUCKET, "pets-2")


@pytest.mark.parametrize("name", ["", "pets"])
def test_the_data_set_before_is_never_replaced(
    base: DatasetRecord, decide: Decide, s3: "S3Client", tmp_path: Path, name: str
) -> None:
    decide(png(100), "cat")
    with pytest.raises(DatasetError, match="a name of its own; --name pets-2"):
        stage_labels("pets", tmp_path / "out", BUCKET, name)
    body = s3.get_object(Bucket=BUCKET, Key=f"{base.folder}/{RECORD}")["Body"].read()
    assert json.loads(body)["sha256"] == base.sha256


def test_a_data_set_that_is_not_in_the_bucket_says_so(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="stage the data set first"):
        stage_labels("pets", tmp_path / "out", BUCKET, "pets-2")

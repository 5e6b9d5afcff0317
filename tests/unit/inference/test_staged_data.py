import re
from typing import TYPE_CHECKING

import pytest

from contracts.dataset import DatasetError, DatasetRecord
from inference.staged_data import Dataset, ListedImage, read_object
from tests.unit.samples import BUCKET

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

FOLDER = "datasets/pets"
OUT_OF_RANGE = "test.lst, line 1 has class 2, but there are 2 classes; stage the data set again."
RECORD = DatasetRecord(
    name="pets",
    classes=("cat", "dog"),
    max_side=64,
    exact=False,
    counts={"train": {"cat": 1, "dog": 1}, "test": {"cat": 1, "dog": 1}},
    source="here",
    source_sha256="0" * 64,
    sha256="1" * 64,
)


@pytest.fixture
def pets(s3: "S3Client") -> "S3Client":
    """A staged data set named pets, whose lists are in no order."""
    s3.put_object(Bucket=BUCKET, Key=f"{FOLDER}/dataset.json", Body=RECORD.to_json().encode())
    s3.put_object(Bucket=BUCKET, Key=f"{FOLDER}/test.lst", Body=b"7\t1\tb.png\n3\t0\ta.png\n")
    s3.put_object(Bucket=BUCKET, Key=f"{FOLDER}/train.lst", Body="1\t0\tgröße.png\n0\t1\tc.png\n".encode())
    return s3


def test_a_data_set_has_the_classes_of_its_record_and_the_images_of_its_test_list(pets: "S3Client") -> None:
    images = ListedImage(7, "dog", f"{FOLDER}/test/b.png"), ListedImage(3, "cat", f"{FOLDER}/test/a.png")
    trained_on = {"cat": 1, "dog": 1}
    expected = Dataset("pets", BUCKET, ("cat", "dog"), 64, False, images, trained_on)
    assert Dataset.read(pets, BUCKET, "pets") == expected


def test_its_training_images_come_in_the_order_of_their_list(pets: "S3Client") -> None:
    keys = Dataset.read(pets, BUCKET, "pets").train_keys(pets)
    assert keys == [f"{FOLDER}/train/größe.png", f"{FOLDER}/train/c.png"]


@pytest.mark.parametrize("file", ["dataset.json", "test.lst"])
def test_a_file_that_is_missing_is_named(pets: "S3Client", file: str) -> None:
    pets.delete_object(Bucket=BUCKET, Key=f"{FOLDER}/{file}")
    message = f"There is no s3://{BUCKET}/{FOLDER}/{file}; stage the data set first"
    with pytest.raises(DatasetError, match=rf"\A{re.escape(message)}.*\Z"):
        Dataset.read(pets, BUCKET, "pets")


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("dataset.json", b"{}", "dataset.json is not the record of a data set (it has no name); stage it again."),
        ("test.lst", b"\xff\xfe", "test.lst is not text; stage the data set again."),
        ("test.lst", b"", "test.lst is empty or repeats an index; stage the data set again."),
        (
            "test.lst",
            b"0\t2\ta.png\n",
            OUT_OF_RANGE,
        ),
    ],
)
def test_a_file_that_is_none_is_named_with_what_to_do(
    pets: "S3Client", file: str, content: bytes, message: str
) -> None:
    pets.put_object(Bucket=BUCKET, Key=f"{FOLDER}/{file}", Body=content)
    with pytest.raises(DatasetError) as refusal:
        Dataset.read(pets, BUCKET, "pets")
    assert str(refusal.value) == f"s3://{BUCKET}/{FOLDER}/{message}"


def test_a_training_list_that_is_none_is_refused_when_it_is_asked_for(pets: "S3Client") -> None:
    pets.put_object(Bucket=BUCKET, Key=f"{FOLDER}/train.lst", Body=b"0\t0\n")
    dataset = Dataset.read(pets, BUCKET, "pets")
    with pytest.raises(DatasetError, match=rf"s3://{BUCKET}/{FOLDER}/train\.lst, line 1 is not 'index"):
        dataset.train_keys(pets)


def test_the_bytes_of_an_object_are_read_as_they_are(pets: "S3Client") -> None:
    pets.put_object(Bucket=BUCKET, Key="k", Body=b"\x00\xff")
    assert read_object(pets, BUCKET, "k") == b"\x00\xff"


def test_a_name_that_is_no_data_sets_is_refused_before_s3_is_asked(pets: "S3Client") -> None:
    with pytest.raises(DatasetError, match="can't name a data set"):
        Dataset.read(pets, BUCKET, "../secrets")

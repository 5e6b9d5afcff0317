"""Read a staged data set back from S3: its classes and its images."""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from inference.errors import InferenceError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class DatasetError(InferenceError):
    """The data set in S3 is missing or does not hold together."""


@dataclass(frozen=True)
class ListedImage:
    """One line of a `.lst` file: its unique index, its true label and where the image is."""

    index: int
    label: str
    key: str


@dataclass(frozen=True)
class Dataset:
    """A staged data set; `classes` stand in label order, `test` in the order of `test.lst`."""

    name: str
    bucket: str
    classes: tuple[str, ...]
    image_size: int
    test: tuple[ListedImage, ...]

    @classmethod
    def read(cls, s3: "S3Client", bucket: str, name: str) -> "Dataset":
        """Read `datasets/<name>/dataset.json` and `test.lst`.

        Raises DatasetError where either is missing, malformed, empty, or names a class that does not exist.
        """
        folder = f"datasets/{name}"
        try:
            description = json.loads(_read_text(s3, bucket, f"{folder}/dataset.json"))
            classes, image_size = tuple(map(str, description["classes"])), int(description["image_size"])
        except (ValueError, TypeError, KeyError) as error:
            raise DatasetError(
                f"s3://{bucket}/{folder}/dataset.json is not a data set's description ({error!r}); stage it again."
            ) from error
        return cls(name, bucket, classes, image_size, _listed(s3, bucket, folder, "test", classes))

    def train_keys(self, s3: "S3Client") -> list[str]:
        """The keys of the training images, in the order of `train.lst`; DatasetError as for `read`."""
        return [image.key for image in _listed(s3, self.bucket, f"datasets/{self.name}", "train", self.classes)]


def read_object(s3: "S3Client", bucket: str, key: str) -> bytes:
    """The bytes of one object; DatasetError where it can't be had."""
    try:
        return s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    except ClientError as error:
        raise DatasetError(f"s3://{bucket}/{key} can't be read: {error}.") from error


def _read_text(s3: "S3Client", bucket: str, key: str) -> str:
    try:
        return read_object(s3, bucket, key).decode()
    except UnicodeDecodeError as error:
        raise DatasetError(f"s3://{bucket}/{key} is not text; stage the data set again.") from error


def _listed(s3: "S3Client", bucket: str, folder: str, split: str, classes: tuple[str, ...]) -> tuple[ListedImage, ...]:
    where = f"s3://{bucket}/{folder}/{split}.lst"
    lines = enumerate(_read_text(s3, bucket, f"{folder}/{split}.lst").splitlines(), 1)
    images = tuple(_parse(line, classes, f"{folder}/{split}", f"{where}, line {number}") for number, line in lines)
    if not images or len({image.index for image in images}) < len(images):
        raise DatasetError(f"{where} is empty or repeats an index; stage the data set again.")
    return images


def _parse(line: str, classes: tuple[str, ...], folder: str, where: str) -> ListedImage:
    fields = line.split("\t")
    if len(fields) != 3 or not fields[0].isdecimal() or not fields[1].isdecimal() or not fields[2]:
        raise DatasetError(f"{where} is not 'index<TAB>class<TAB>path'; stage the data set again.")
    number = int(fields[1])
    if number >= len(classes):
        raise DatasetError(f"{where} has class {number}, but dataset.json names {len(classes)}; stage it again.")
    return ListedImage(int(fields[0]), classes[number], f"{folder}/{fields[2]}")

"""Read a staged data set back from S3: its classes and its test images."""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from monitoring.errors import MonitoringError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class DatasetError(MonitoringError):
    """The data set in S3 is missing or does not hold together."""


@dataclass(frozen=True)
class TestImage:
    """One line of `test.lst`: its unique index, its true label and where the image is."""

    __test__ = False  # pytest would otherwise take the class for a test.

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
    test: tuple[TestImage, ...]

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
        listing = f"{folder}/test.lst"
        lines = _read_text(s3, bucket, listing).splitlines()
        where = f"s3://{bucket}/{listing}"
        test = tuple(_parse(line, classes, folder, f"{where}, line {number}") for number, line in enumerate(lines, 1))
        if not test or len({image.index for image in test}) < len(test):
            raise DatasetError(f"{where} is empty or repeats an index; stage the data set again.")
        return cls(name, bucket, classes, image_size, test)


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


def _parse(line: str, classes: tuple[str, ...], folder: str, where: str) -> TestImage:
    fields = line.split("\t")
    if len(fields) != 3 or not fields[0].isdecimal() or not fields[1].isdecimal() or not fields[2]:
        raise DatasetError(f"{where} is not 'index<TAB>class<TAB>path'; stage the data set again.")
    number = int(fields[1])
    if number >= len(classes):
        raise DatasetError(f"{where} has class {number}, but dataset.json names {len(classes)}; stage it again.")
    return TestImage(int(fields[0]), classes[number], f"{folder}/test/{fields[2]}")

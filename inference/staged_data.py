"""Read a staged data set back from S3: its classes and its images."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from contracts.addresses import S3Address
from contracts.dataset import RECORD, DatasetError, DatasetRecord, dataset_folder, parse_lst
from contracts.errors import refusal

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@dataclass(frozen=True)
class ListedImage:
    """One line of a `.lst` file: its unique index, its true label and where the image is."""

    index: int
    label: str
    key: str


@dataclass(frozen=True)
class Dataset:
    """A staged data set: `classes` in label order, `test` in the order of `test.lst`, training images by class."""

    name: str
    bucket: str
    classes: tuple[str, ...]
    max_side: int
    exact: bool
    test: tuple[ListedImage, ...]
    trained_on: dict[str, int]

    @classmethod
    def read(cls, s3: "S3Client", bucket: str, name: str) -> "Dataset":
        """Read `datasets/<name>/dataset.json` and `test.lst`.

        Raises DatasetError where either is missing, malformed, empty, or names a class that does not exist.
        """
        address = S3Address(bucket, f"{dataset_folder(name)}/{RECORD}")
        record = DatasetRecord.from_json(read_object(s3, bucket, address.key), str(address))
        test = _listed(s3, bucket, name, "test", record.classes)
        return cls(name, bucket, record.classes, record.max_side, record.exact, test, record.counts["train"])

    def train_keys(self, s3: "S3Client") -> list[str]:
        """The keys of the training images, in the order of `train.lst`; DatasetError as for `read`."""
        return [image.key for image in _listed(s3, self.bucket, self.name, "train", self.classes)]


def read_object(s3: "S3Client", bucket: str, key: str) -> bytes:
    """The bytes of one object; DatasetError where it can't be had."""
    try:
        return s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    except ClientError as error:
        address = S3Address(bucket, key)
        if error.response["Error"]["Code"] in {"NoSuchKey", "NoSuchBucket"}:
            raise DatasetError(f"There is no {address}; stage the data set first, or name another.") from error
        raise DatasetError(f"{address} can't be read: {refusal(error.response)}.") from error


def _listed(s3: "S3Client", bucket: str, name: str, split: str, classes: tuple[str, ...]) -> tuple[ListedImage, ...]:
    folder = f"{dataset_folder(name)}/{split}"
    address = S3Address(bucket, f"{folder}.lst")
    try:
        text = read_object(s3, bucket, address.key).decode()
    except UnicodeDecodeError as error:
        raise DatasetError(f"{address} is not text; stage the data set again.") from error
    entries = parse_lst(text, len(classes), str(address))
    return tuple(ListedImage(entry.index, classes[entry.label], f"{folder}/{entry.file}") for entry in entries)

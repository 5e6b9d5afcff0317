"""What a staged data set is: its record, its label lists, and where it stands on disk and in S3."""

import json
import re
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import ClientError

from training.errors import DatasetError

SPLITS = ("train", "test")
RECORD = "dataset.json"


@dataclass(frozen=True)
class Sample:
    """One line of a `.lst` file: a unique index, the class number from 0, and the image's file name."""

    index: int
    label: int
    file: str


@dataclass(frozen=True)
class Dataset:
    """A staged data set, as `dataset.json` describes it.

    `counts` holds the number of images by split and class. `sha256` covers the content: for each split its `.lst`, then
    its PNG files in that order. `source_sha256` covers what the data set was made from.
    """

    name: str
    classes: tuple[str, ...]
    image_size: int
    counts: dict[str, dict[str, int]]
    source: str
    source_sha256: str
    sha256: str

    @property
    def prefix(self) -> str:
        """Where the data set stands, below the bucket or the output folder."""
        return prefix(self.name)

    def count(self, split: str) -> int:
        """Count the images of a split."""
        return sum(self.counts[split].values())

    def to_json(self) -> str:
        """Write the record as the text of `dataset.json`."""
        return json.dumps(asdict(self), indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str | bytes) -> "Dataset":
        """Read the text of `dataset.json`.

        Raises:
            DatasetError: it isn't JSON, or isn't such a record.
        """
        try:
            record: dict[str, Any] = json.loads(text)
            values = {field.name: record[field.name] for field in fields(cls)}
            return cls(**values | {"classes": tuple(values["classes"])})
        except (ValueError, KeyError, TypeError) as error:
            raise DatasetError(f"this {RECORD} is not the record of a data set ({error!r}); stage it again") from error

    @classmethod
    def from_folder(cls, out: Path, name: str) -> "Dataset":
        """Read the record of the data set `name` below the output folder `out`.

        Raises:
            DatasetError: there is no such data set.
        """
        path = out / prefix(name) / RECORD
        try:
            return cls.from_json(path.read_bytes())
        except FileNotFoundError as error:
            raise DatasetError(f"there is no data set {name!r} under {out}; stage it first") from error

    @classmethod
    def from_s3(cls, bucket: str, name: str) -> "Dataset":
        """Read the record of the data set `name` in `bucket`.

        Raises:
            DatasetError: there is no such data set, or no such bucket.
        """
        try:
            answer = boto3.client("s3").get_object(Bucket=bucket, Key=f"{prefix(name)}/{RECORD}")
        except ClientError as error:
            if error.response["Error"]["Code"] in {"NoSuchKey", "NoSuchBucket"}:
                raise DatasetError(f"there is no data set {name!r} in the bucket {bucket!r}; stage it first") from error
            raise
        return cls.from_json(answer["Body"].read())


def prefix(name: str) -> str:
    """Where the data set `name` stands, below the bucket or the output folder.

    Raises:
        DatasetError: the name can't be part of a key and a path.
    """
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,62}", name):
        raise DatasetError(f"{name!r} can't name a data set: use small letters, digits, - and _ (63 at most)")
    return f"datasets/{name}"


def format_lst(samples: list[Sample]) -> str:
    """Write samples as SageMaker's image list: `index<TAB>class<TAB>relative path`, one line each."""
    return "".join(f"{sample.index}\t{sample.label}\t{sample.file}\n" for sample in samples)


def parse_lst(text: str) -> list[Sample]:
    """Read SageMaker's image list.

    Raises:
        DatasetError: a line isn't `index<TAB>class<TAB>relative path`.
    """
    samples = []
    for number, line in enumerate(text.splitlines(), start=1):
        try:
            index, label, file = line.split("\t")
            samples.append(Sample(int(index), int(label), file))
        except ValueError as error:
            raise DatasetError(f"line {number} of the image list is not index, class and file: {line!r}") from error
    return samples

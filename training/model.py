"""What a trained model is: the record `model.json`, which leads from an endpoint back to the data."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Self

from contracts.addresses import S3Address
from contracts.errors import in_words
from contracts.files import write_whole
from contracts.release import InvalidRelease, Release
from training.errors import ModelRecordError

MODEL_FILE = "model.json"
JOB_FILE = "job.json"
OUTPUT_FILE = "output.tar.gz"


@dataclass(frozen=True)
class Job:
    """A training job and what it learns from.

    `image` is the container that trains and later serves, `dataset_sha256` the checksum of the data set's content. The
    model takes images of at most `max_side` pixels a side, or if `exact` squares of exactly that.
    """

    training_job: str
    algorithm: str
    image: str
    region: str
    dataset: str
    dataset_sha256: str
    labels: tuple[str, ...]
    max_side: int
    exact: bool

    @property
    def image_parameters(self) -> dict[str, str]:
        """The app stack's parameters that make its images such as the model takes."""
        return {"MaxSide": str(self.max_side), "ImageFit": "exact" if self.exact else "bounded"}

    def write(self, path: Path) -> None:
        """Write the record as JSON."""
        write_whole(path, self.to_json())

    def to_json(self) -> str:
        """Return the text of the record."""
        return json.dumps(asdict(self), indent=2) + "\n"

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read the record.

        Raises:
            ModelRecordError: there is none, or it isn't one.
        """
        try:
            return cls.from_json(path.read_bytes(), str(path))
        except FileNotFoundError as error:
            raise ModelRecordError(f"There is no {path}; train a model first.") from error
        except OSError as error:
            raise ModelRecordError(f"{path} can't be read: {error.strerror}.") from error

    @classmethod
    def from_json(cls, text: str | bytes, where: str) -> Self:
        """Read the text of the record, which is at *where*.

        Raises:
            ModelRecordError: it isn't one.
        """
        try:
            record = json.loads(text)
            values = {field.name: record[field.name] for field in fields(cls)}
            if values.get("release") is not None:
                values["release"] = Release.from_record(values["release"])
            return cls(**values | {"labels": tuple(values["labels"])})
        except (ValueError, KeyError, TypeError, InvalidRelease) as error:
            what = f"{where} is not the record that `train` writes ({in_words(error)}); train again."
            raise ModelRecordError(what) from error


@dataclass(frozen=True)
class Model(Job):
    """A job that ended well: `artifact` is the S3 URI of model.tar.gz, `metrics` the last value of each metric.

    `package` is the ARN of the model package by which the model registry knows it, empty where it isn't registered.
    `release` is what the model says of itself, None for an algorithm whose models don't.
    """

    artifact: str
    metrics: Mapping[str, float]
    billable_seconds: int
    package: str = ""
    release: Release | None = None

    @property
    def output(self) -> S3Address:
        """Where SageMaker puts what the training program leaves beside its model."""
        return beside(S3Address.parse(self.artifact), OUTPUT_FILE)


def beside(artifact: S3Address, name: str) -> S3Address:
    """Return the address of a file beside a model's artifact."""
    return S3Address(artifact.bucket, f"{artifact.key.rpartition('/')[0]}/{name}")

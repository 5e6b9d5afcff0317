"""What a trained model is: the record `model.json`, which leads from an endpoint back to the data."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Self

from contracts.files import write_whole
from training.errors import ModelRecordError

MODEL_FILE = "model.json"
JOB_FILE = "job.json"


@dataclass(frozen=True)
class Job:
    """A training job and what it learns from.

    `image` is the container that trains and later serves, `image_size` the pixels a side of what the model takes,
    `dataset_sha256` the checksum of the data set's content.
    """

    training_job: str
    algorithm: str
    image: str
    region: str
    dataset: str
    dataset_sha256: str
    labels: tuple[str, ...]
    image_size: int

    def write(self, path: Path) -> None:
        """Write the record as JSON."""
        write_whole(path, json.dumps(asdict(self), indent=2) + "\n")

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read the record.

        Raises:
            ModelRecordError: there is none, or it isn't one.
        """
        try:
            record = json.loads(path.read_text())
            values = {field.name: record[field.name] for field in fields(cls)}
            return cls(**values | {"labels": tuple(values["labels"])})
        except FileNotFoundError as error:
            raise ModelRecordError(f"There is no {path}; train a model first.") from error
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ModelRecordError(f"{path} is not the record that `train` writes ({error!r}); train again.") from error


@dataclass(frozen=True)
class Model(Job):
    """A job that ended well: `artifact` is the S3 URI of model.tar.gz, `metrics` the last value of each metric."""

    artifact: str
    metrics: Mapping[str, float]
    billable_seconds: int

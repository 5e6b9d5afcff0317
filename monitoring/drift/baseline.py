"""The reference that drift is measured against: the data set's images, and what the model said of the test images.

It lies in `<out>/baseline.npz` and, for whoever watches the endpoint from elsewhere, in
`s3://<bucket>/baselines/<endpoint>.npz`. The images are those of both splits; the scores are of the test images alone,
as a model is surer of the images that it was trained on than it will ever be again.
"""

import dataclasses
import io
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import numpy as np
from botocore.exceptions import BotoCoreError, ClientError

from contracts.addresses import S3Address
from contracts.files import write_whole
from contracts.layout import baseline_key
from monitoring.drift.measures import MEASURES
from monitoring.drift.window import Sample
from monitoring.errors import MonitoringError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

BASELINE_FILE = "baseline.npz"


class BaselineError(MonitoringError):
    """The baseline can't be made or read."""


@dataclass(frozen=True)
class Baseline:
    """A reference sample and where it comes from; `created` is ISO 8601, UTC."""

    dataset: str
    endpoint: str
    classes: tuple[str, ...]
    max_side: int
    exact: bool
    created: str
    measures: tuple[str, ...]
    sample: Sample

    def to_bytes(self) -> bytes:
        """NumPy's archive of plain arrays, with the rest as JSON: nothing in it can run."""
        about = {field.name: getattr(self, field.name) for field in dataclasses.fields(self) if field.name != "sample"}
        buffer = io.BytesIO()
        np.savez_compressed(
            buffer,
            about=np.array(json.dumps(about)),
            measures=self.sample.measures,
            descriptions=self.sample.descriptions.astype(np.float32),
            confidence=self.sample.confidence,
            labels=np.array(self.sample.labels, dtype=str),
        )
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, content: bytes, where: str) -> "Baseline":
        """The baseline of `to_bytes`; BaselineError, naming *where*, if it is none or measures other things."""
        try:
            with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
                about = json.loads(str(arrays["about"]))
                labels = tuple(map(str, arrays["labels"]))
                sample = Sample(arrays["measures"], arrays["descriptions"].astype(float), arrays["confidence"], labels)
            about |= {"classes": tuple(about["classes"]), "measures": tuple(about["measures"])}
            baseline = cls(**about, sample=sample)
        except (ValueError, TypeError, KeyError, OSError, EOFError, zipfile.BadZipFile) as error:
            raise BaselineError(f"{where} is not a baseline ({error!r}); make it with `workflow baseline`.") from error
        if baseline.measures != MEASURES:
            raise BaselineError(f"{where} was made by another version; make it again with `workflow baseline`.")
        return baseline


def write_baseline(baseline: Baseline, out: Path, bucket: str, s3: "S3Client | None" = None) -> None:
    """Write *baseline* to *out* and to the bucket."""
    content = baseline.to_bytes()
    write_whole(out / BASELINE_FILE, content)
    (s3 or boto3.client("s3")).put_object(Bucket=bucket, Key=baseline_key(baseline.endpoint), Body=content)


def find_baseline(out: Path, bucket: str | None, endpoint: str) -> Baseline | None:
    """The baseline in *out*, else the one in the bucket; None if neither exists. BaselineError if it is malformed."""
    if (out / BASELINE_FILE).exists():
        return read_file(out / BASELINE_FILE)
    return read_s3(bucket, endpoint) if bucket is not None else None


def require_baseline(out: Path, bucket: str | None, endpoint: str) -> Baseline:
    """As `find_baseline`, but raises BaselineError if neither exists."""
    found = find_baseline(out, bucket, endpoint)
    if found is None:
        raise BaselineError(f"There is no baseline for {endpoint}; make it with `workflow baseline`.")
    return found


def read_file(path: Path) -> Baseline:
    """The baseline in *path*; BaselineError where it is missing or malformed."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BaselineError(f"{path} can't be read: {error}; make it with `workflow baseline`.") from error
    return Baseline.from_bytes(content, str(path))


def read_s3(bucket: str, endpoint: str, s3: "S3Client | None" = None) -> Baseline | None:
    """The baseline of *endpoint* in *bucket*, None where there is none; BaselineError where it is malformed."""
    s3 = s3 or boto3.client("s3")
    where = str(S3Address(bucket, baseline_key(endpoint)))
    try:
        content = s3.get_object(Bucket=bucket, Key=baseline_key(endpoint))["Body"].read()
    except s3.exceptions.NoSuchKey:
        return None
    except (ClientError, BotoCoreError) as error:
        raise BaselineError(f"{where} can't be read: {error}.") from error
    return Baseline.from_bytes(content, where)

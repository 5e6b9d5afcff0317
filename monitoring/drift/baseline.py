"""The reference that drift is measured against: the data set's images, and what the model said of the test images.

It lies in `<out>/baseline.npz` and, for whoever watches the endpoint from elsewhere, in
`s3://<bucket>/baselines/<endpoint>.npz`. The images are those of both splits; the scores are of the test images alone,
as a model is surer of the images that it was trained on than it will ever be again.
"""

import dataclasses
import io
import json
import zipfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import numpy as np
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from PIL import Image, UnidentifiedImageError

from contracts.addresses import S3Address
from contracts.files import write_whole
from contracts.layout import baseline_key
from inference.staged_data import Dataset, read_object
from monitoring.drift.measures import MEASURES, Images, measure, prepared
from monitoring.drift.window import SAMPLE, Sample
from monitoring.errors import MonitoringError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from monitoring.quality.evaluate import Evaluation

BASELINE_FILE = "baseline.npz"
FETCHED_AT_ONCE = 8


class BaselineError(MonitoringError):
    """The baseline can't be made or read."""


@dataclass(frozen=True)
class Baseline:
    """A reference sample and where it comes from; `created` is ISO 8601, UTC."""

    dataset: str
    endpoint: str
    classes: tuple[str, ...]
    image_size: int
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


def make(bucket: str, evaluation: "Evaluation", out: Path, *, s3: "S3Client | None" = None) -> Baseline:
    """Measure the images of the data set that was evaluated, and write the baseline to *out* and to the bucket.

    The scores are those of *evaluation*. Of more than SAMPLE images a random part is taken. Raises DatasetError, or
    BaselineError where an image can't be decoded.
    """
    s3 = s3 or boto3.client("s3", config=Config(max_pool_connections=FETCHED_AT_ONCE))
    staged = Dataset.read(s3, bucket, evaluation.dataset)
    keys = [*staged.train_keys(s3), *(image.key for image in staged.test)]
    if len(keys) > SAMPLE:
        chosen = np.random.default_rng(0).choice(len(keys), SAMPLE, replace=False)
        keys = [keys[number] for number in sorted(chosen)]

    def fetch(key: str) -> tuple[Images, float]:
        try:
            with Image.open(io.BytesIO(read_object(s3, bucket, key))) as image:
                return prepared(image, staged.image_size)
        except (UnidentifiedImageError, OSError) as error:
            raise BaselineError(f"s3://{bucket}/{key} is not an image ({error}); stage the data set again.") from error

    with ThreadPoolExecutor(FETCHED_AT_ONCE) as pool:
        images, aspects = zip(*pool.map(fetch, keys), strict=True)
    confidence = np.array([prediction.confidence for prediction in evaluation.predictions])
    labels = tuple(prediction.label for prediction in evaluation.predictions)
    baseline = Baseline(
        dataset=staged.name,
        endpoint=evaluation.endpoint,
        classes=staged.classes,
        image_size=staged.image_size,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        measures=MEASURES,
        sample=Sample(*measure(np.array(images), aspects), confidence, labels),
    )
    content = baseline.to_bytes()
    write_whole(out / BASELINE_FILE, content)
    s3.put_object(Bucket=bucket, Key=baseline_key(baseline.endpoint), Body=content)
    return baseline


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

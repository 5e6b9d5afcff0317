"""Make a baseline: measure the images of a data set, and take the scores of its evaluation."""

import io
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import numpy as np
from botocore.config import Config
from PIL import Image, UnidentifiedImageError

from contracts.addresses import S3Address
from inference.staged_data import Dataset, read_object
from monitoring.drift.baseline import Baseline, BaselineError, write_baseline
from monitoring.drift.measures import MEASURES, Images, measure, prepared
from monitoring.drift.window import SAMPLE, Sample
from monitoring.quality.evaluation import Evaluation

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

FETCHED_AT_ONCE = 8


def make_baseline(bucket: str, evaluation: "Evaluation", out: Path, *, s3: "S3Client | None" = None) -> Baseline:
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
                return prepared(image, staged.max_side, exact=staged.exact)
        except (UnidentifiedImageError, OSError) as error:
            raise BaselineError(
                f"{S3Address(bucket, key)} is not an image ({error}); stage the data set again."
            ) from error

    with ThreadPoolExecutor(FETCHED_AT_ONCE) as pool:
        images, aspects = zip(*pool.map(fetch, keys), strict=True)
    confidence = np.array([prediction.confidence for prediction in evaluation.predictions])
    labels = tuple(prediction.label for prediction in evaluation.predictions)
    baseline = Baseline(
        dataset=staged.name,
        endpoint=evaluation.endpoint,
        classes=staged.classes,
        max_side=staged.max_side,
        exact=staged.exact,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        measures=MEASURES,
        sample=Sample(*measure(images, aspects), confidence, labels),
    )
    write_baseline(baseline, out, bucket, s3)
    return baseline

"""Drift: compare what the endpoint captured in the last hours with the baseline, and send the verdict to CloudWatch.

Sends also how wrong the accepted answers are, by what people decided about those that they audited.

What it needs fits into a zip file: NumPy, SciPy, Pillow, boto3 and our own packages, to which links lead from
here. `sam build` packs what the links lead to. Charts stay with `workflow drift`.
"""

import math
import os
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3

from contracts.addresses import S3Address
from contracts.layout import baseline_key
from monitoring.capture.sources import S3Capture
from monitoring.capture.span import Span
from monitoring.drift.baseline import BaselineError, read_s3
from monitoring.drift.check import check_drift
from monitoring.drift.verdict import publish_drift
from monitoring.quality.live_accuracy import live_accuracy
from monitoring.quality.live_metrics import publish_live_accuracy
from review.labels import read_labels


class ConfigurationError(Exception):
    """An environment variable of the function is missing or out of range."""


def bucket_of(environment: Mapping[str, str]) -> str:
    """Return DATA_BUCKET."""
    name = environment.get("DATA_BUCKET", "")
    if not name:
        raise ConfigurationError("DATA_BUCKET must name the bucket of baselines and captured data.")
    return name


def endpoint_of(environment: Mapping[str, str]) -> str:
    """Return ENDPOINT_NAME."""
    name = environment.get("ENDPOINT_NAME", "")
    if not name:
        raise ConfigurationError("ENDPOINT_NAME must name the endpoint to watch.")
    return name


def window_of(environment: Mapping[str, str]) -> timedelta:
    """Return the length of the window, WINDOW_HOURS, from 1 hour to 168."""
    text = environment.get("WINDOW_HOURS", "")
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 168:
        raise ConfigurationError(f"WINDOW_HOURS must be a whole number from 1 to 168, not {text!r}.")
    return timedelta(hours=int(text))


def max_error_of(environment: Mapping[str, str]) -> float:
    """Return MAX_ERROR, the error that was promised for accepted images, above 0 and below 0.5."""
    text = environment.get("MAX_ERROR", "")
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < 0.5:
        raise ConfigurationError(f"MAX_ERROR must be a number above 0 and below 0.5, not {text!r}.")
    return value


DATA_BUCKET = bucket_of(os.environ)
ENDPOINT_NAME = endpoint_of(os.environ)
WINDOW = window_of(os.environ)
MAX_ERROR = max_error_of(os.environ)


def lambda_handler(event: Any, context: object) -> dict[str, Any]:
    """Judge the images of the window that ends now, and all audited answers, and publish what is found.

    Raises:
        BaselineError: there is no baseline, which also names the data set that the labels are for.
        InvalidLabels: a label object can't be read.
    """
    start = datetime.now(UTC) - WINDOW
    baseline = read_s3(DATA_BUCKET, ENDPOINT_NAME)
    if baseline is None:
        missing = S3Address(DATA_BUCKET, baseline_key(ENDPOINT_NAME))
        raise BaselineError(f"{missing} does not exist; make it with `workflow baseline`.")
    drift = check_drift(ENDPOINT_NAME, baseline, S3Capture(DATA_BUCKET, ENDPOINT_NAME), Span(start)).drift
    publish_drift(drift)
    audited = _judge_audited(baseline.dataset)
    drifted = [check.name for check in drift.drifted]
    return {"verdict": drift.verdict, "records": drift.records, "drifted": drifted, "audited": audited}


def _judge_audited(dataset: str) -> int:
    """Publish the live accuracy of the release that answered last, and return how many of its answers were audited."""
    labels = read_labels(boto3.client("s3"), DATA_BUCKET, dataset)
    if not labels:
        return 0
    found = live_accuracy(labels, MAX_ERROR)
    publish_live_accuracy(ENDPOINT_NAME, found)
    return found.watched.images

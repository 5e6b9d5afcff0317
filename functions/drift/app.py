"""Drift: compare what the endpoint captured in the last hours with the baseline, and send the verdict to CloudWatch.

What it needs fits into a zip file: NumPy, SciPy, Pillow, boto3 and our own packages, to which links lead from
here. `sam build` packs what the links lead to. Charts stay with `workflow drift`.
"""

import os
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from contracts.addresses import S3Address
from contracts.layout import baseline_key
from monitoring.capture.sources import S3Capture
from monitoring.capture.span import Span
from monitoring.drift.baseline import BaselineError, read_s3
from monitoring.drift.check import check_drift
from monitoring.drift.verdict import publish_drift


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


DATA_BUCKET = bucket_of(os.environ)
ENDPOINT_NAME = endpoint_of(os.environ)
WINDOW = window_of(os.environ)


def lambda_handler(event: Any, context: object) -> dict[str, Any]:
    """Judge the images of the window that ends now and publish the verdict; BaselineError without a baseline."""
    start = datetime.now(UTC) - WINDOW
    baseline = read_s3(DATA_BUCKET, ENDPOINT_NAME)
    if baseline is None:
        missing = S3Address(DATA_BUCKET, baseline_key(ENDPOINT_NAME))
        raise BaselineError(f"{missing} does not exist; make it with `workflow baseline`.")
    drift = check_drift(ENDPOINT_NAME, baseline, S3Capture(DATA_BUCKET, ENDPOINT_NAME), Span(start)).drift
    publish_drift(drift)
    return {"verdict": drift.verdict, "records": drift.records, "drifted": [check.name for check in drift.drifted]}

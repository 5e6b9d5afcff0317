"""The regular drift check as a Lambda function: baseline and captured data from S3, the verdict to CloudWatch.

It needs NumPy, SciPy, Pillow and boto3, which together fit into a zip file; charts stay with `workflow drift`.
"""

import os
from datetime import UTC, datetime, timedelta
from typing import Any

from monitoring.baseline import BaselineError, baseline_key, read_s3
from monitoring.capture import read_capture
from monitoring.capture_sources import S3Capture
from monitoring.drift import judge, publish
from monitoring.window import Window


def lambda_handler(event: dict[str, Any], context: object) -> dict[str, Any]:  # noqa: ARG001 - the schedule's, not used
    """Judge the last WINDOW_HOURS of ENDPOINT_NAME's capture in DATA_BUCKET; BaselineError without a baseline."""
    bucket, endpoint = os.environ["DATA_BUCKET"], os.environ["ENDPOINT_NAME"]
    start = datetime.now(UTC) - timedelta(hours=float(os.environ["WINDOW_HOURS"]))
    baseline = read_s3(bucket, endpoint)
    if baseline is None:
        raise BaselineError(f"s3://{bucket}/{baseline_key(endpoint)} does not exist; make it with `workflow baseline`.")
    window = Window(baseline.classes, baseline.image_size)
    for record in read_capture(S3Capture(bucket, endpoint), start):
        window.add(record)
    drift = judge(endpoint, baseline, window, window.sample())
    publish(drift)
    return {"verdict": drift.verdict, "records": drift.records, "drifted": [check.name for check in drift.drifted]}

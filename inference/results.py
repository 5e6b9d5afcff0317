"""What a Distributed Map's ResultWriter left in S3, as rows, however many there are.

The files: https://docs.aws.amazon.com/step-functions/latest/dg/input-output-resultwriter.html.
"""

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from contracts.layout import batch_results_key
from contracts.outcomes import Outcome
from inference.errors import InferenceError
from inference.executions import once_known

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_stepfunctions import SFNClient


# How ClassifyBatch ends a child of which no image was classified or rejected.
ALL_FAILED = "AllImagesFailed"


class ResultsError(InferenceError):
    """The results aren't as ResultWriter writes them."""


def rows_of(s3: "S3Client", states: "SFNClient", arn: str, bucket: str, batch: str) -> Iterator[dict[str, Any]]:
    """Every image's row from the results of one execution for a *batch*; no rows where it wrote none.

    A child that failed gives a FAILED row for each of its images. Children that never ran are in no file.
    """
    for one in once_known(states, lambda: states.list_map_runs(executionArn=arn))["mapRuns"]:
        map_run = one["mapRunArn"].rsplit(":", 1)[-1]
        key = batch_results_key(batch, map_run)
        try:
            manifest = json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
        except s3.exceptions.NoSuchKey:
            continue
        for file in (file for files in manifest["ResultFiles"].values() for file in files):
            for line in s3.get_object(Bucket=manifest["DestinationBucket"], Key=file["Key"])["Body"].iter_lines():
                yield from _rows(line, file["Key"])


def _rows(line: bytes, key: str) -> Iterator[dict[str, Any]]:
    try:
        child = json.loads(line)
        if child["Status"] == "SUCCEEDED":
            yield from json.loads(child["Output"])
            return
        # One that was still waiting or running when the Map Run ended has no outcome.
        if child["Status"] in ("FAILED", "TIMED_OUT"):
            items = json.loads(child["Input"])["Items"]
            for item, error in zip(items, _errors(child, len(items)), strict=True):
                yield {"item": item, "outcome": Outcome.FAILED, "error": error}
    except (ValueError, KeyError, TypeError) as error:
        raise ResultsError(f"{key} isn't a file of ClassifyBatch's results: {error!r}.") from error


def _errors(child: Mapping[str, Any], count: int) -> list[str]:
    """Return the error of each of a failed child's images: its cause lists them where all images failed."""
    error = child.get("Error") or "States.Timeout"
    return json.loads(child["Cause"]) if error == ALL_FAILED else [error] * count

"""What the tests of batches share: objects to classify, and a look at the ledger."""

import csv
from collections import Counter
from pathlib import Path
from typing import Any

import boto3

from benchmarks.batch import Photos
from inference.batch import Batch, Request
from inference.ledger import LEDGER_FILE
from local import stack
from tests.images import encoded, gradient
from tests.waiting import wait_until
from tests.workflow.conftest import Deployed
from tests.workflow.review_queue import waiting_for_review

IMAGES = 160
GOOD = encoded(gradient(32, 32))


def machine(deployed: Deployed) -> str:
    return deployed.stack.environment["WORKFLOW_BATCH_STATE_MACHINE_ARN"]


def request(deployed: Deployed, **source: str) -> Request:
    return Request(stack.BUCKET, machine(deployed), **source)


def put(key: str, body: bytes = GOOD) -> str:
    boto3.client("s3").put_object(Bucket=stack.BUCKET, Key=key, Body=body)
    return key


def rows_of(folder: Path) -> list[dict[str, str]]:
    with (folder / LEDGER_FILE).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def end_of(execution: str) -> Any:
    """Return an execution's description once it has ended."""
    states = boto3.client("stepfunctions")
    wait_until(lambda: states.describe_execution(executionArn=execution)["status"] != "RUNNING")
    return states.describe_execution(executionArn=execution)


def outcomes(ended: Batch) -> dict[str, tuple[str, str]]:
    return {row["s3_key"]: (row["outcome"], row["error"]) for row in rows_of(ended.folder)}


def check(photos: Photos, folder: Path) -> None:
    """The ledger has each key once, each broken one with its error, and the queue what the ledger sends to review."""
    rows = rows_of(folder)
    assert Counter(row["s3_key"] for row in rows) == Counter(list(photos.errors))
    for row in rows:
        error = photos.errors[row["s3_key"]]
        assert row["error"] == (error or ""), row
        assert row["outcome"] == "REJECTED" if error else row["outcome"] in ("ACCEPTED", "REVIEW"), row
    review = [row["s3_key"] for row in rows if row["outcome"] == "REVIEW"]
    assert sorted(waiting_for_review()) == sorted(review)

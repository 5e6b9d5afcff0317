"""Accepted images that a person should check: the real state machines, STANDARD and EXPRESS, send all of them."""

import json
from pathlib import Path
from typing import Any

import boto3
import pytest

from cli.labels import waiting_line
from contracts.outcomes import Outcome, ReviewReason
from inference.batch import require_account, run_batch
from tests.workflow.batches import end_of, request, rows_of
from tests.workflow.conftest import ENDPOINT, Deployed
from tests.workflow.review_queue import queue, waiting_for_review
from tests.workflow.test_classify_image import classify, put
from training.sagemaker.stacks import Stacks


@pytest.fixture
def photos(deployed: Deployed) -> list[bytes]:
    """Let the stack accept every familiar image and audit every accepted one; return the test images."""
    deployed.stack.deploy({"EndpointName": ENDPOINT, "ConfidenceThreshold": "0", "AuditRate": "1"})
    list(waiting_for_review())
    return [path.read_bytes() for path in sorted((deployed.out / deployed.dataset.folder / "test").iterdir())]


def sent() -> list[dict[str, Any]]:
    """Take the messages of the review queue, for good."""
    sqs, found = boto3.client("sqs"), []
    while messages := sqs.receive_message(QueueUrl=queue(), MaxNumberOfMessages=10).get("Messages"):
        for message in messages:
            sqs.delete_message(QueueUrl=queue(), ReceiptHandle=message["ReceiptHandle"])
            found.append(json.loads(message["Body"]))
    return found


def test_a_standard_execution_accepts_an_audited_image_and_sends_its_record_to_review(
    photos: list[bytes],
) -> None:
    states = boto3.client("stepfunctions")
    events = (put("pictures/audited.png", photo) for photo in photos)
    event = next(one for one in events if json.loads(classify(one)["output"])["outcome"] == Outcome.ACCEPTED)
    sent()
    arn = states.start_execution(stateMachineArn=Stacks().state_machine_arn, input=json.dumps(event))["executionArn"]
    end = end_of(arn)
    assert end["status"] == "SUCCEEDED"
    record = json.loads(end["output"])
    assert (record["outcome"], record["review_reason"]) == (Outcome.ACCEPTED, ReviewReason.AUDIT)
    assert sent() == [record]


def test_a_batch_accepts_audited_images_counts_them_as_accepted_and_sends_them_to_review(
    deployed: Deployed, photos: list[bytes], tmp_path: Path
) -> None:
    for number, photo in enumerate(photos):
        put(f"audited/{number}.png", photo)
    ended = run_batch(request(deployed, prefix="audited/"), tmp_path)
    require_account(ended)
    rows = {row["s3_key"]: (row["outcome"], row["review_reason"]) for row in rows_of(ended.folder)}
    accepted = [reason for outcome, reason in rows.values() if outcome == Outcome.ACCEPTED]
    assert len(accepted) > len(photos) / 2
    assert accepted == [ReviewReason.AUDIT] * ended.account.accepted
    assert waiting_line(Stacks()) == f"{len(photos)} images wait for review: `workflow review`"
    assert {one["s3_key"]: (one["outcome"], one["review_reason"]) for one in sent()} == rows

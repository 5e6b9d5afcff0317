import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import pytest

from local.moto_patches import one_at_a_time
from review.export import Exported, export
from review.labels import Labels
from review.queue import ReviewQueue
from tests.unit.review.samples import Waiting
from tests.unit.samples import BUCKET

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@pytest.fixture
def waiting(aws: str, s3: "S3Client", monkeypatch: pytest.MonkeyPatch) -> Iterator[Waiting]:
    """An empty review queue with dead letters; to ask it never takes longer than it must."""
    # Without them two reviewers at once would get the same message, and overwrite each other's labels.
    for patch in one_at_a_time.PATCHES:
        patch.apply()
    monkeypatch.setattr("review.queue.POLL_SECONDS", 0)
    monkeypatch.setattr("review.session.REST_SECONDS", 0)
    sqs = boto3.client("sqs", endpoint_url=aws)
    dead = sqs.create_queue(QueueName="ReviewDeadLetters")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 5})
    url = sqs.create_queue(QueueName="ReviewQueue", Attributes={"RedrivePolicy": policy})["QueueUrl"]
    yield Waiting(sqs, s3, url, dead)
    for one in (url, dead):
        sqs.delete_queue(QueueUrl=one)
    sqs.close()


@pytest.fixture
def queue(waiting: Waiting) -> ReviewQueue:
    """What a reviewer takes messages from."""
    return ReviewQueue(waiting.sqs, waiting.urls)


@pytest.fixture
def labels(s3: "S3Client") -> Labels:
    """Where a reviewer's decisions go."""
    return Labels(s3, BUCKET, "pets")


@pytest.fixture
def exported(waiting: Waiting, queue: ReviewQueue, labels: Labels, tmp_path: Path) -> Exported:
    """Three images in a folder, and a message that is none."""
    for number in range(3):
        waiting.send(number)
    waiting.send_text("not a record")
    return export(queue, labels, tmp_path / "waiting", 100)


@pytest.fixture
def folder(exported: Exported, tmp_path: Path) -> Path:
    """Where they are."""
    assert exported.images == 3
    return tmp_path / "waiting"

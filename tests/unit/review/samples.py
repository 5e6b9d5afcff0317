"""Records as Classify makes them, and a review queue to send them to."""

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.unit.samples import BUCKET, png

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient


def record(data: bytes, key: str = "incoming/0.png", **changes: Any) -> dict[str, Any]:
    """Return a record of an image that the model was not sure of."""
    return {
        "s3_bucket": BUCKET,
        "s3_key": key,
        "s3_version_id": None,
        "etag": "0",
        "sha256": hashlib.sha256(data).hexdigest(),
        "width": 32,
        "height": 32,
        "inferences": [0.7, 0.3],
        "labels": ["cat", "dog"],
        "label": "cat",
        "confidence": 0.7,
        "threshold": 0.93,
        "release": "3fa4c0d1e2b7",
        "familiarity": 0.41,
        "familiarity_limit": 0.05,
        "endpoint": "pets",
        "variant": "AllTraffic",
        "inference_id": "i1",
        "outcome": "REVIEW",
        "review_reason": "low confidence",
    } | changes


@dataclass(frozen=True)
class Waiting:
    """The review queue and its dead letters, to which images can be sent that are in the bucket."""

    sqs: "SQSClient"
    s3: "S3Client"
    url: str
    dead_letters: str

    @property
    def urls(self) -> tuple[str, str]:
        """Both, the review queue first."""
        return self.url, self.dead_letters

    def send(self, number: int, url: str | None = None, **changes: Any) -> str:
        """Upload an image, let it wait, and return its checksum."""
        data, key = png(number), f"incoming/{number}.png"
        self.s3.put_object(Bucket=BUCKET, Key=key, Body=data)
        sent = record(data, key, **changes)
        self.send_text(json.dumps(sent), url)
        return str(sent["sha256"])

    def send_text(self, body: str, url: str | None = None) -> None:
        """Send any message."""
        self.sqs.send_message(QueueUrl=url or self.url, MessageBody=body)

    def counts(self) -> tuple[int, int]:
        """Return how many messages are visible, and how many somebody holds, in both queues."""
        found = [self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"] for url in self.urls]
        visible = sum(int(one["ApproximateNumberOfMessages"]) for one in found)
        return visible, sum(int(one["ApproximateNumberOfMessagesNotVisible"]) for one in found)

    def show_all(self) -> None:
        """Let all leases run out now, as if their time were over."""
        from moto.sqs.models import sqs_backends

        for backends in sqs_backends.values():
            for queue in backends["us-east-1"].queues.values():
                for message in list(queue._messages):
                    message.visible_at = 0
                queue.pending_messages.clear()

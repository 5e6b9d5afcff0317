"""The review queue, as the tests read it."""

import json
from collections.abc import Iterator

import boto3


def queue() -> str:
    return str(boto3.client("sqs").get_queue_url(QueueName="ReviewQueue")["QueueUrl"])


def waiting_for_review() -> Iterator[str]:
    """Take all messages from the review queue, for good, and yield the keys that they name."""
    sqs = boto3.client("sqs")
    while found := sqs.receive_message(QueueUrl=queue(), MaxNumberOfMessages=10).get("Messages"):
        for message in found:
            sqs.delete_message(QueueUrl=queue(), ReceiptHandle=message["ReceiptHandle"])
            yield json.loads(message["Body"])["s3_key"]

"""The review queue: messages are taken for a while, kept longer, given back, or deleted once a person has decided.

A message that is neither deleted nor kept comes back by itself when its visibility timeout is over, at most 12 hours
after it was received:
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-visibility-timeout.html
"""

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from review.image import InvalidMessage, ReviewImage

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageTypeDef

LEASE_SECONDS = 300
LONGEST_LEASE_SECONDS = 43_200
# What ReceiveMessage, DeleteMessageBatch and ChangeMessageVisibilityBatch take.
BATCH = 10
# With a wait, SQS asks all of its servers, and an empty answer means that nothing waits.
POLL_SECONDS = 1
COUNTS = (
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesDelayed",
    "ApproximateNumberOfMessagesNotVisible",
)
logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Message:
    """A message that is taken, and the image that it is about; `receipt` is what this taking is named by."""

    id: str
    queue_url: str
    receipt: str
    sent: datetime
    image: ReviewImage


class ReviewQueue:
    """Takes messages from several queues, the first one first: the review queue, then its dead letters.

    Messages that can't be read are left where they are, and counted in `unreadable`; received often enough, SQS moves
    them to the dead letters, where an alarm fires.
    """

    def __init__(self, sqs: "SQSClient", urls: Sequence[str]) -> None:
        self._sqs = sqs
        self._urls = urls
        self.unreadable: set[str] = set()

    def take(self, count: int, seconds: int = LEASE_SECONDS) -> list[Message]:
        """Take at most *count* messages, hidden from everybody else for *seconds*; fewer only where no more wait."""
        taken: list[Message] = []
        for url in self._urls:
            while len(taken) < count:
                received = self._sqs.receive_message(
                    QueueUrl=url,
                    MaxNumberOfMessages=min(BATCH, count - len(taken)),
                    VisibilityTimeout=seconds,
                    WaitTimeSeconds=POLL_SECONDS,
                    MessageSystemAttributeNames=["SentTimestamp"],
                ).get("Messages", [])
                if not received:
                    break
                taken += filter(None, (self._read(url, one) for one in received))
        return taken

    def extend(self, messages: Iterable[Message], seconds: int = LEASE_SECONDS) -> list[Message]:
        """Hide messages for *seconds* from now; return those that are gone, or are held for as long as SQS admits."""
        return self._in_batches(
            messages,
            lambda url, entries: self._sqs.change_message_visibility_batch(QueueUrl=url, Entries=entries),
            VisibilityTimeout=seconds,
        )

    def give_back(self, messages: Iterable[Message]) -> None:
        """Let others have messages at once."""
        self.extend(messages, 0)

    def delete(self, messages: Iterable[Message]) -> list[Message]:
        """Delete messages for good; return those that SQS didn't delete, which come back."""
        return self._in_batches(
            messages, lambda url, entries: self._sqs.delete_message_batch(QueueUrl=url, Entries=entries)
        )

    def count(self) -> int:
        """Return how many messages there are, with those that somebody holds; SQS counts approximately."""
        answers = (self._sqs.get_queue_attributes(QueueUrl=url, AttributeNames=COUNTS) for url in self._urls)  # type: ignore[arg-type]
        return sum(int(number) for answer in answers for number in answer["Attributes"].values())

    def _read(self, url: str, received: "MessageTypeDef") -> Message | None:
        try:
            image = ReviewImage.from_body(received["Body"])
        except InvalidMessage as error:
            if received["MessageId"] not in self.unreadable:
                logger.warning("%s Its id is %s.", error, received["MessageId"])
            self.unreadable.add(received["MessageId"])
            return None
        sent = datetime.fromtimestamp(int(received["Attributes"]["SentTimestamp"]) / 1000, UTC)
        return Message(received["MessageId"], url, received["ReceiptHandle"], sent, image)

    def _in_batches(
        self, messages: Iterable[Message], call: Callable[[str, list[Any]], Any], **more: int
    ) -> list[Message]:
        """Call for messages of each queue, ten at once; return those that failed."""
        failed: list[Message] = []
        for url, of_queue in groupby(sorted(messages, key=_url), key=_url):
            waiting = list(of_queue)
            for batch in (waiting[start : start + BATCH] for start in range(0, len(waiting), BATCH)):
                entries = [{"Id": str(n), "ReceiptHandle": one.receipt, **more} for n, one in enumerate(batch)]
                try:
                    answer = call(url, entries)
                except ClientError as error:
                    # A single entry can make the whole call invalid, such as a receipt that never was one.
                    if error.response["Error"]["Code"] not in {"InvalidParameterValue", "ReceiptHandleIsInvalid"}:
                        raise
                    failed += batch
                else:
                    failed += (batch[int(entry["Id"])] for entry in answer.get("Failed", ()))
        return failed


def _url(message: Message) -> str:
    return message.queue_url

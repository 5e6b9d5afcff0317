"""Patches for what several callers do at once: who gets a message, for how long, and who writes an object first."""

import threading
import time
from collections.abc import Callable
from typing import Any

from moto.core.utils import unix_time_millis
from moto.s3.responses import S3Response
from moto.sqs.constants import MAXIMUM_VISIBILITY_TIMEOUT
from moto.sqs.exceptions import ReceiptHandleIsInvalid
from moto.sqs.models import Message, SQSBackend

from local.moto_patches.patch import Patch

POLL_SECONDS = 0.1


def receive_each_message_once(receive: Callable[..., list[Message]]) -> Callable[..., list[Message]]:
    """Moto looks for visible messages and hides them in two steps, so that two callers at once get the same one."""
    lock = threading.Lock()

    def receive_message(
        self: SQSBackend, queue_name: str, count: int, wait_seconds_timeout: int, *given: Any
    ) -> list[Message]:
        until = time.monotonic() + (wait_seconds_timeout or 0)
        while True:
            with lock:
                received = receive(self, queue_name, count, 0, *given)
                ids = {message.id for message in received}
                for message in self.get_queue(queue_name)._messages if received else ():
                    if message.id in ids:
                        message.received_at = unix_time_millis()  # type: ignore[attr-defined]
            if received or time.monotonic() >= until:
                return received
            time.sleep(POLL_SECONDS)

    return receive_message


def count_twelve_hours_from_the_receipt(_: Callable[..., None]) -> Callable[..., None]:
    """Moto counts a message's twelve hours from when it was sent: what waited longer can't be kept nor given back.

    They begin when the message is received:
    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-visibility-timeout.html
    """

    def change_message_visibility(
        self: SQSBackend, queue_name: str, receipt_handle: str, visibility_timeout: int
    ) -> None:
        queue = self.get_queue(queue_name)
        message = next((one for one in queue._messages if one.had_receipt_handle(receipt_handle)), None)
        held = unix_time_millis() - getattr(message, "received_at", unix_time_millis())
        if message is None or held + visibility_timeout * 1000 > MAXIMUM_VISIBILITY_TIMEOUT * 1000:
            # As the only error that moto reports for a single entry of a batch.
            raise ReceiptHandleIsInvalid
        message.change_visibility(visibility_timeout)
        if message.visible:
            queue.pending_messages.discard(message)

    return change_message_visibility


def write_under_a_condition_one_at_a_time(put: Callable[[S3Response], Any]) -> Callable[[S3Response], Any]:
    """Moto checks If-Match and If-None-Match and writes in two steps, so that two callers at once both succeed."""
    lock = threading.Lock()

    def put_object(self: S3Response) -> Any:
        if self.headers.get("If-Match") or self.headers.get("If-None-Match"):
            with lock:
                return put(self)
        return put(self)

    return put_object


PATCHES = (
    Patch(SQSBackend, "receive_message", "065f3e5e7d21", receive_each_message_once),
    Patch(SQSBackend, "change_message_visibility", "f0e9df5f6662", count_twelve_hours_from_the_receipt),
    Patch(S3Response, "put_object", "992229be920b", write_under_a_condition_one_at_a_time),
)

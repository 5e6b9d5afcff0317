"""The messages that wait in queues or are hidden from others, without attributes of the sender's own."""

from typing import Any

from moto.sqs.models import Message, Queue, SQSBackend

FIELDS = (
    "sent_timestamp",
    "approximate_first_receive_timestamp",
    "approximate_receive_count",
    "visible_at",
    "delayed_until",
    # Whoever holds a message while the stack starts again can still keep, give back or delete it.
    "receipt_handle",
    "_old_receipt_handles",
)
# Set by the patch that counts how long a message is held.
RECEIVED = "received_at"


class Queues:
    """Every queue of the account, with its messages."""

    def __init__(self, backend: SQSBackend) -> None:
        self._backend = backend

    def snapshot(self) -> dict[str, list[dict[str, Any]]]:
        """Return the messages of each queue by its name, in their order."""
        return {name: list(map(_saved, list(queue._messages))) for name, queue in list(self._backend.queues.items())}

    def restore(self, saved: dict[str, list[dict[str, Any]]]) -> None:
        """Make the queues, with their messages."""
        for name, messages in saved.items():
            queue: Queue = self._backend.create_queue(name)
            queue._messages = list(map(_message, messages))


def _saved(message: Message) -> dict[str, Any]:
    fields = {field: getattr(message, field) for field in FIELDS}
    return {"id": message.id, "body": message.body, RECEIVED: getattr(message, RECEIVED, None)} | fields


def _message(saved: dict[str, Any]) -> Message:
    message = Message(saved["id"], saved["body"])
    for field in FIELDS:
        setattr(message, field, saved[field])
    if saved[RECEIVED] is not None:
        setattr(message, RECEIVED, saved[RECEIVED])
    return message

"""Keep messages from everybody else for as long as somebody works on them."""

import logging
import threading
from collections.abc import Callable, Iterable
from types import TracebackType

from botocore.exceptions import BotoCoreError, ClientError

from review.queue import LEASE_SECONDS, Message, ReviewQueue

# A third: two attempts may fail before a message is somebody else's.
EXTEND_SECONDS = LEASE_SECONDS / 3
logger = logging.getLogger(__name__)


class Leases:
    """Extends the leases of the messages that it keeps, from a thread of its own, until it is closed.

    A message whose lease can't be extended any more is let go: it is gone, somebody else has it, or it was held for
    twelve hours.
    """

    def __init__(self, queue: ReviewQueue, then: Callable[[], None]) -> None:
        """Keep messages of *queue*, and call *then* after each round of extensions."""
        self._queue = queue
        self._then = then
        self._kept: dict[str, Message] = {}
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="review-leases", daemon=True)

    def __enter__(self) -> "Leases":
        """Start to extend."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop, and give back what is still kept."""
        self._closed.set()
        self._thread.join()
        self._queue.give_back(self._kept.values())

    def keep(self, messages: Iterable[Message]) -> None:
        """Keep messages; one that is kept already, and came again, has a new receipt."""
        with self._lock:
            self._kept |= {message.id: message for message in messages}

    def let_go(self, messages: Iterable[Message]) -> None:
        """Stop keeping messages."""
        with self._lock:
            for message in messages:
                self._kept.pop(message.id, None)

    def has(self, message: Message) -> bool:
        """Whether a message is kept."""
        return message.id in self._kept

    def extend(self) -> None:
        """Extend all leases now."""
        with self._lock:
            kept = list(self._kept.values())
        self.let_go(self._queue.extend(kept))

    def _run(self) -> None:
        while not self._closed.wait(EXTEND_SECONDS):
            try:
                self.extend()
                self._then()
            except (BotoCoreError, ClientError) as error:
                # The next round may succeed; a lease that ran out meanwhile costs no more than a second look.
                logger.warning("The images on the screen could not be kept from others: %s", error)

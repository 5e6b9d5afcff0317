"""Which open page shows which image, so that no two pages of one session show the same one.

A page says that it closes, and while it is open that it is still there; browsers slow down what a hidden page does to
once a minute. When no page is open any more, what waits goes back to the queue for others.
"""

import logging
import threading
import time
from collections.abc import Callable
from types import TracebackType

from botocore.exceptions import BotoCoreError, ClientError

from review.queue import Message
from review.session import Session

# A page that was silent for so long is closed.
SILENT_SECONDS = 150.0
# A reload closes a page and opens another; meanwhile its images stay here.
RELOAD_SECONDS = 5.0
SWEEP_SECONDS = 1.0
MOST_TABS = 16
logger = logging.getLogger(__name__)


class Tabs:
    """Deals the session's images out to open pages; a context manager that notices the closed ones."""

    def __init__(self, session: Session, clock: Callable[[], float] = time.monotonic) -> None:
        self._session, self._clock = session, clock
        self._lock = threading.Lock()
        self._dealt: dict[str, set[str]] = {}
        self._heard: dict[str, float] = {}
        self._emptied: float | None = None
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="review-tabs", daemon=True)

    def __enter__(self) -> "Tabs":
        """Start to notice pages that closed."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop; the session gives its images back itself."""
        self._ended.set()
        self._thread.join()

    def deal(self, tab: str, count: int) -> list[Message]:
        """Return the next *count* images for a page, fewer where no more wait; none is on another page."""
        with self._lock:
            self._hear(tab)
            elsewhere = {one for other, dealt in self._dealt.items() if other != tab for one in dealt}
            upcoming = self._session.upcoming(count + len(elsewhere))
            messages = [message for message in upcoming if message.id not in elsewhere][:count]
            self._dealt[tab] = {message.id for message in messages}
        return messages

    def undo(self, tab: str) -> Message:
        """Undo the session's last decision, and give its image to a page; raises as `Session.undo`."""
        with self._lock:
            self._hear(tab)
            message = self._session.undo()
            self._dealt[tab].add(message.id)
        return message

    def close(self, tab: str) -> None:
        """Take a page's images back, for other pages of the session or for other people."""
        with self._lock:
            self._close(tab)

    def sweep(self) -> None:
        """Close the pages that were silent for too long; with none open, give what waits back to the queue."""
        with self._lock:
            now = self._clock()
            for tab in [one for one, heard in self._heard.items() if now - heard > SILENT_SECONDS]:
                self._close(tab)
            if self._emptied is not None and now - self._emptied >= RELOAD_SECONDS:
                self._session.give_back()
                self._emptied = None

    def _hear(self, tab: str) -> None:
        if tab not in self._heard and len(self._heard) >= MOST_TABS:
            self._close(min(self._heard, key=lambda one: self._heard[one]))
        self._heard[tab] = self._clock()
        self._dealt.setdefault(tab, set())
        self._emptied = None

    def _close(self, tab: str) -> None:
        if self._heard.pop(tab, None) is None:
            return
        self._session.hide(self._dealt.pop(tab))
        if not self._heard:
            self._emptied = self._clock()

    def _run(self) -> None:
        while not self._ended.wait(SWEEP_SECONDS):
            try:
                self.sweep()
            except (BotoCoreError, ClientError) as error:
                # Their leases run out, which gives them back too.
                logger.warning("The images of a closed page could not be given back: %s", error)

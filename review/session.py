"""What one person does: look at the next images, decide, skip and undo; the page and its tests drive it.

A decision is written to S3 first. Its message is deleted only when it can no longer be undone: after UNDO more
decisions, UNDO_SECONDS, or when the session is closed. So whatever is killed at whatever moment, the message is still
there or the decision is. A message that comes back after its image was decided is recognized by that decision, and
deleted without being shown again.
"""

import logging
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType

from botocore.exceptions import BotoCoreError, ClientError

from contracts.labels import Decision, LabelledImage, is_name
from review.errors import NothingToUndo, NotWaiting, ReviewError
from review.labels import Labels, is_answered, still_open
from review.leases import Leases
from review.queue import BATCH, Message, ReviewQueue

AHEAD = 20
UNDO = 20
UNDO_SECONDS = 600.0
# Beyond this number, the image skipped first goes back to the queue when its lease is over.
MOST_SKIPPED = 100
# After SQS had no more, it is asked again only after this time.
REST_SECONDS = 3.0
logger = logging.getLogger(__name__)

Order = Callable[[Sequence[Message]], list[Message]]


@dataclass(frozen=True, slots=True)
class Progress:
    """How many images this session decided and skipped, and how many wait, those that others look at included.

    `left` is approximate, as SQS's counts are; `unreadable` counts the messages of it that name no image.
    """

    decided: int
    skipped: int
    left: int
    unreadable: int


@dataclass(frozen=True, slots=True)
class _Decided:
    message: Message
    decision: Decision
    at: float


class Session:
    """One reviewer at work, safe to use from several threads; a context manager that gives back what is left.

    `ahead` messages are held at once; with an `order`, all of them are put into that order as they come.
    """

    def __init__(
        self,
        queue: ReviewQueue,
        labels: Labels,
        reviewer: str,
        *,
        ahead: int = AHEAD,
        order: Order = list,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if not is_name(reviewer):
            raise ReviewError(f"{reviewer[:80]!r} can't name a reviewer; give a short printable name by --reviewer.")
        self.reviewer = reviewer
        self._queue, self._labels, self._order, self._clock = queue, labels, order, clock
        self._ahead = ahead
        self._lock = threading.RLock()
        self._fetching = threading.Lock()
        self._waiting: OrderedDict[str, Message] = OrderedDict()
        self._skipped: OrderedDict[str, Message] = OrderedDict()
        self._shown: dict[str, float] = {}
        self._decided: deque[_Decided] = deque()
        self._count = 0
        self._last = clock()
        self._ask_again = self._last
        self._leases = Leases(queue, self._settle_old)
        self._background = ThreadPoolExecutor(1, "review-fetch")
        self._fetching_more: Future[None] | None = None
        self._closing = ExitStack()

    def __enter__(self) -> "Session":
        """Begin to keep messages."""
        self._closing.enter_context(self._leases)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Delete the messages of what was decided, and give the others back."""
        self._background.shutdown(cancel_futures=True)
        with self._closing:
            self._settle(len(self._decided))

    def upcoming(self, count: int = 1) -> list[Message]:
        """Return the next *count* images to decide, fewer where no more wait; those that were skipped come last.

        It waits for SQS only while there is nothing to show; more is fetched in the background.
        """
        with self._lock:
            waiting = len(self._waiting)
            self._ahead = max(self._ahead, 2 * count)
            if 0 < waiting < self._ahead // 2 and (self._fetching_more is None or self._fetching_more.done()):
                self._fetching_more = self._background.submit(self._fetch_quietly)
        if not waiting:
            self._fetch()
        with self._lock:
            self._drop_lost()
            return [*self._waiting.values(), *self._skipped.values()][:count]

    def show(self, message_id: str) -> None:
        """Say that an image is on the screen: its decision is timed from now, or from the decision before it."""
        with self._lock:
            self._shown.setdefault(self.find(message_id).id, self._clock())

    def hide(self, message_ids: Iterable[str]) -> None:
        """Say that images are on no screen any more."""
        with self._lock:
            for message_id in message_ids:
                self._shown.pop(message_id, None)

    def give_back(self) -> None:
        """Let others have all that waits here, because nobody looks at present; decisions can still be undone."""
        with self._fetching:
            with self._lock:
                waiting = [*self._waiting.values(), *self._skipped.values()]
                for among in (self._waiting, self._skipped, self._shown):
                    among.clear()
                self._ask_again = self._clock()
            self._leases.let_go(waiting)
            self._queue.give_back(waiting)

    def decide(self, message_id: str, label: str | None) -> LabelledImage:
        """Write one of the model's labels, or None for none of them; return all decisions about the image.

        Raises:
            NotWaiting: the image isn't this session's to decide.
            ReviewError: the label isn't one of the model's.
        """
        with self._lock:
            message = self.find(message_id)
            if label is not None and label not in message.image.model.labels:
                raise ReviewError(f"{label[:80]!r} is not one of the labels {', '.join(message.image.model.labels)}.")
            skipped = message_id in self._skipped
            self._remove(message)
            now = self._clock()
            shown = self._shown.pop(message_id, None)
            seconds = None if shown is None else round(now - max(shown, self._last), 3)
            self._last = now
        when = datetime.now(UTC).isoformat(timespec="microseconds")
        decision = Decision(label, self.reviewer, when, seconds, message.image.reason, message.image.model)
        try:
            labelled = self._labels.add(message.image, decision)
        except BaseException:
            with self._lock:
                self._put_first(message, skipped=skipped)
            raise
        with self._lock:
            self._count += 1
            self._decided.append(_Decided(message, decision, now))
            surplus = len(self._decided) - UNDO
            # The same picture may wait under several names.
            same = [one for one in self._waiting.values() if is_answered(one, labelled)]
            for one in same:
                del self._waiting[one.id]
        self._delete(same)
        if surplus >= BATCH:
            self._settle(surplus)
        return labelled

    def skip(self, message_id: str) -> None:
        """Put an image behind all others; raises NotWaiting."""
        with self._lock:
            message = self.find(message_id)
            self._remove(message)
            self._shown.pop(message_id, None)
            self._skipped[message_id] = message
            if len(self._skipped) > MOST_SKIPPED:
                _, first = self._skipped.popitem(last=False)
                self._leases.let_go([first])

    def undo(self) -> Message:
        """Mark the last decision as undone, and put its image first again.

        Raises:
            NothingToUndo: there is none, or its message went to somebody else or was deleted.
        """
        with self._lock:
            if not self._decided:
                raise NothingToUndo("There is no decision that can still be undone.")
            last = self._decided.pop()
        # Only a message that is still there brings the image back if this process ends now.
        if self._queue.extend([last.message]):
            self._leases.let_go([last.message])
            raise NothingToUndo(f"{last.message.image.address} is out of this session's hands, and stays decided.")
        try:
            self._labels.undo(last.message.image.sha256, last.decision)
        except BaseException:
            with self._lock:
                self._decided.append(last)
            raise
        with self._lock:
            self._leases.keep([last.message])
            self._count -= 1
            self._put_first(last.message)
        return last.message

    def progress(self) -> Progress:
        """Return how far it is."""
        waiting = self._queue.count()
        with self._lock:
            left = max(0, waiting - len(self._decided))
            return Progress(self._count, len(self._skipped), left, len(self._queue.unreadable))

    def _fetch(self) -> None:
        """Take what is missing, drop what was decided already, and put the rest into order."""
        with self._fetching:
            with self._lock:
                wanted = self._ahead - len(self._waiting)
            if wanted <= self._ahead // 2 or self._clock() < self._ask_again:
                return
            taken = self._queue.take(wanted)
            if len(taken) < wanted:
                self._ask_again = self._clock() + REST_SECONDS
            self._leases.keep(taken)
            fresh = still_open(self._labels, taken)
            self._delete([one for one in taken if one not in fresh])
            with self._lock:
                shown = [one for one in self._waiting.values() if one.id in self._shown]
                others = {one.id: one for one in [*self._waiting.values(), *fresh] if one.id not in self._shown}
            ordered = [*shown, *self._order([*others.values()])]
            with self._lock:
                # Meanwhile some may have been decided or skipped; what was undone comes first.
                places = {one.id: place for place, one in enumerate(ordered)}
                waiting = self._waiting | {one.id: one for one in fresh if one.id not in self._skipped}
                self._waiting = OrderedDict(sorted(waiting.items(), key=lambda item: places.get(item[0], -1)))

    def _fetch_quietly(self) -> None:
        try:
            self._fetch()
        except (BotoCoreError, ClientError, ReviewError) as error:
            # It is raised as soon as there is nothing else to show.
            logger.warning("The next images could not be fetched: %s", error)

    def find(self, message_id: str) -> Message:
        """Return an image that is this session's to decide; raises NotWaiting."""
        message = self._waiting.get(message_id) or self._skipped.get(message_id)
        if message is None:
            raise NotWaiting("This image was decided already, or has gone to somebody else; go on with the next one.")
        return message

    def _remove(self, message: Message) -> None:
        self._waiting.pop(message.id, None)
        self._skipped.pop(message.id, None)

    def _put_first(self, message: Message, *, skipped: bool = False) -> None:
        among = self._skipped if skipped else self._waiting
        among[message.id] = message
        among.move_to_end(message.id, last=False)

    def _drop_lost(self) -> None:
        """Forget images whose messages are somebody else's by now, but not those on the screen."""
        for among in (self._waiting, self._skipped):
            for message in [one for one in among.values() if one.id not in self._shown and not self._leases.has(one)]:
                del among[message.id]

    def _settle_old(self) -> None:
        with self._lock:
            old = sum(self._clock() - decided.at >= UNDO_SECONDS for decided in self._decided)
        self._settle(old)

    def _settle(self, count: int) -> None:
        """Delete the messages of the oldest decisions; one that isn't deleted comes back, and is recognized then."""
        with self._lock:
            done = [self._decided.popleft().message for _ in range(min(count, len(self._decided)))]
        self._delete(done)

    def _delete(self, done: Sequence[Message]) -> None:
        self._queue.delete(done)
        self._leases.let_go(done)

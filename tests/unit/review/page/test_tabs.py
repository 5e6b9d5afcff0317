from collections.abc import Iterator

import pytest

from review.labels import Labels
from review.page.tabs import MOST_TABS, RELOAD_SECONDS, SILENT_SECONDS, Tabs
from review.queue import Message, ReviewQueue
from review.session import Session
from tests.unit.review.samples import Waiting
from tests.waiting import wait_until


class Clock:
    """A clock that goes on only when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def session(queue: ReviewQueue, labels: Labels) -> Iterator[Session]:
    with Session(queue, labels, "ann") as session:
        yield session


@pytest.fixture
def tabs(session: Session, clock: Clock) -> Tabs:
    return Tabs(session, clock)


def ids(messages: list[Message]) -> list[str]:
    return [message.id for message in messages]


def test_two_pages_of_one_person_never_show_the_same_image(waiting: Waiting, tabs: Tabs) -> None:
    for number in range(12):
        waiting.send(number)
    first, second = tabs.deal("a", 5), tabs.deal("b", 5)
    assert len({*ids(first), *ids(second)}) == 10
    assert ids(tabs.deal("a", 5)) == ids(first)
    assert len({*ids(first), *ids(second), *ids(tabs.deal("c", 5))}) == 12


def test_what_a_page_had_goes_to_another_one_when_it_closes(waiting: Waiting, tabs: Tabs) -> None:
    waiting.send(0)
    first = tabs.deal("a", 5)
    assert tabs.deal("b", 5) == []
    tabs.close("a")
    assert ids(tabs.deal("b", 5)) == ids(first)
    tabs.close("a")
    tabs.close("never open")


def test_a_reload_keeps_the_image_that_was_on_the_screen(
    waiting: Waiting, session: Session, tabs: Tabs, clock: Clock
) -> None:
    for number in range(5):
        waiting.send(number)
    first = tabs.deal("a", 3)
    session.show(first[0].id)
    tabs.close("a")
    clock.now += RELOAD_SECONDS - 0.1
    tabs.sweep()
    assert ids(tabs.deal("b", 3)) == ids(first)
    clock.now += RELOAD_SECONDS
    tabs.sweep()
    assert waiting.counts() == (0, 5)


def test_the_last_page_gives_all_that_waits_back_to_other_people(waiting: Waiting, tabs: Tabs, clock: Clock) -> None:
    for number in range(5):
        waiting.send(number)
    tabs.deal("a", 3)
    tabs.deal("b", 1)
    for tab in ("a", "b"):
        assert waiting.counts() == (0, 5)
        tabs.close(tab)
        clock.now += RELOAD_SECONDS
        tabs.sweep()
    assert waiting.counts() == (5, 0)
    assert len(tabs.deal("c", 5)) == 5


def test_a_page_that_says_nothing_any_more_is_closed(waiting: Waiting, tabs: Tabs, clock: Clock) -> None:
    waiting.send(0)
    tabs.deal("a", 1)
    clock.now += SILENT_SECONDS
    tabs.sweep()
    assert waiting.counts() == (0, 1)
    clock.now += 0.1
    tabs.sweep()
    clock.now += RELOAD_SECONDS
    tabs.sweep()
    assert waiting.counts() == (1, 0)


def test_what_was_decided_can_be_undone_after_a_reload(
    waiting: Waiting, session: Session, tabs: Tabs, clock: Clock
) -> None:
    for number in range(3):
        waiting.send(number)
    (first,) = tabs.deal("a", 1)
    session.decide(first.id, "cat")
    tabs.close("a")
    clock.now += RELOAD_SECONDS
    tabs.sweep()
    assert waiting.counts() == (2, 1)
    tabs.deal("b", 1)
    assert tabs.undo("b").id == first.id
    assert first.id not in ids(tabs.deal("c", 3))
    assert ids(tabs.deal("b", 1)) == [first.id]


def test_pages_without_end_hold_no_memory(waiting: Waiting, tabs: Tabs) -> None:
    waiting.send(0)
    for number in range(3 * MOST_TABS):
        tabs.deal(str(number), 1)
    assert len(tabs._heard) == len(tabs._dealt) == MOST_TABS


def test_closed_pages_are_noticed_by_themselves(
    waiting: Waiting, session: Session, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("review.page.tabs.SWEEP_SECONDS", 0.01)
    waiting.send(0)
    with Tabs(session, clock) as tabs:
        tabs.deal("a", 1)
        clock.now += SILENT_SECONDS + 1
        wait_until(lambda: not tabs._heard)
        clock.now += RELOAD_SECONDS
        wait_until(lambda: waiting.counts() == (1, 0))

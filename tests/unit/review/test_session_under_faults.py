"""What several reviewers, killed pages, lost messages and threads do to a session."""

import tracemalloc
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import count
from typing import Any

import pytest
from botocore.exceptions import ClientError

from contracts.labels import Decision, LabelledImage
from review.errors import NotWaiting
from review.image import ReviewImage
from review.labels import Labels, read_labels
from review.queue import Message, ReviewQueue
from review.session import Session
from tests.unit.review.samples import Waiting
from tests.unit.review.working import decided, work_off
from tests.unit.samples import BUCKET
from tests.waiting import wait_until


@pytest.mark.drill("Review")
def test_two_reviewers_never_see_the_same_image(waiting: Waiting, labels: Labels) -> None:
    sent = {waiting.send(number) for number in range(40)}

    def review(name: str) -> list[Message]:
        with Session(ReviewQueue(waiting.sqs, waiting.urls), labels, name, ahead=5) as session:
            return work_off(session)

    with ThreadPoolExecutor(2) as pool:
        ann, bob = pool.map(review, ["ann", "bob"])
    assert {message.image.sha256 for message in [*ann, *bob]} == sent
    assert len(ann) + len(bob) == 40
    assert {*decided(labels)} == sent
    assert waiting.counts() == (0, 0)


@pytest.mark.drill("Review")
@pytest.mark.parametrize("reviewer", ["ann", "bob"])
def test_a_page_that_is_killed_between_label_and_deletion_loses_nothing_and_asks_nothing_again(
    waiting: Waiting, queue: ReviewQueue, labels: Labels, reviewer: str
) -> None:
    sent = [waiting.send(number) for number in range(5)]
    killed = Session(queue, labels, "ann")
    for message in killed.upcoming(2):
        killed.decide(message.id, "dog")
    # It neither deletes nor gives back anything; the leases run out.
    waiting.show_all()
    with Session(ReviewQueue(waiting.sqs, waiting.urls), labels, reviewer) as session:
        assert len(work_off(session)) == 3
    assert {*decided(labels)} == {*sent}
    assert all(len(image.decisions) == 1 for image in read_labels(labels.s3, BUCKET, "pets"))
    assert waiting.counts() == (0, 0)


@pytest.mark.drill("Review")
def test_an_image_that_two_people_decide_after_a_lease_ran_out_shows_both(
    waiting: Waiting, queue: ReviewQueue, labels: Labels
) -> None:
    sha256 = waiting.send(0)
    with Session(queue, labels, "ann") as slow, Session(queue, labels, "bob") as other:
        (message,) = slow.upcoming()
        slow.show(message.id)
        waiting.show_all()
        (same,) = other.upcoming()
        assert not other.decide(same.id, "cat").disputed
        labelled = slow.decide(message.id, "dog")
        assert {name: vote.label for name, vote in labelled.votes.items()} == {"bob": "cat", "ann": "dog"}
        assert labelled.disputed
    assert decided(labels) == {sha256: "-"}
    assert waiting.counts() == (0, 0)


def test_an_image_is_asked_again_for_another_release_or_reason_and_after_an_undo(
    waiting: Waiting, queue: ReviewQueue, labels: Labels
) -> None:
    with Session(queue, labels, "ann") as session:
        waiting.send(0)
        waiting.send(0)
        waiting.send(0, release="000000000000")
        waiting.send(0, review_reason="unfamiliar")
        # All at once: none was decided when they came.
        assert len(session.upcoming(4)) == 4
        assert len(work_off(session)) == 3
        waiting.send(0)
        assert len(work_off(session)) == 1


def test_the_same_picture_twice_in_the_queue_is_asked_once(
    waiting: Waiting, queue: ReviewQueue, labels: Labels
) -> None:
    for number in (0, 0, 1, 2, 3, 4, 0):
        waiting.send(number)
    with Session(queue, labels, "ann", ahead=4) as session:
        assert len(work_off(session)) == 5
        assert session.undo().image.s3_key != "incoming/0.png"
    assert waiting.counts() == (1, 0)


def test_what_is_left_when_a_page_closes_goes_back_at_once(
    waiting: Waiting, queue: ReviewQueue, labels: Labels
) -> None:
    for number in range(3):
        waiting.send(number)
    with Session(queue, labels, "ann") as session:
        (message,) = session.upcoming()
        assert waiting.counts() == (0, 3)
        session.decide(message.id, "cat")
    assert waiting.counts() == (2, 0)


def test_a_page_extends_its_leases_while_it_is_open(
    waiting: Waiting, queue: ReviewQueue, labels: Labels, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("review.leases.EXTEND_SECONDS", 0.02)
    waiting.send(0)
    with Session(queue, labels, "ann") as session:
        session.upcoming()
        waiting.show_all()
        wait_until(lambda: waiting.counts() == (0, 1))
    assert waiting.counts() == (1, 0)


def test_an_image_whose_message_is_gone_is_not_shown_unless_it_is_on_the_screen(
    waiting: Waiting, queue: ReviewQueue, labels: Labels
) -> None:
    for number in range(2):
        waiting.send(number)
    with Session(queue, labels, "ann") as session:
        first, second = session.upcoming(2)
        session.show(first.id)
        for message in (first, second):
            waiting.sqs.delete_message(QueueUrl=waiting.url, ReceiptHandle=message.receipt)
        waiting.sqs.purge_queue(QueueUrl=waiting.url)
        session._leases.extend()
        assert session.upcoming(2) == [first]
        session.decide(first.id, "cat")
    assert decided(labels) == {first.image.sha256: "cat"}


def test_a_label_that_can_not_be_written_leaves_the_image_where_it_was(
    waiting: Waiting, queue: ReviewQueue, labels: Labels, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(2):
        waiting.send(number)
    with Session(queue, labels, "ann") as session:
        first, _ = before = session.upcoming(2)

        def refuse(*_: Any, **__: Any) -> LabelledImage:
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "PutObject")

        with monkeypatch.context() as patch:
            patch.setattr(Labels, "add", refuse)
            with pytest.raises(ClientError):
                session.decide(first.id, "cat")
        assert session.upcoming(2) == before
        assert session.progress().decided == 0


def test_messages_that_are_no_images_are_counted_and_kept(
    waiting: Waiting, queue: ReviewQueue, labels: Labels, caplog: pytest.LogCaptureFixture
) -> None:
    waiting.send_text("not JSON")
    waiting.send(0)
    waiting.send_text('{"s3_key": "alone"}')
    with Session(queue, labels, "ann") as session:
        assert len(work_off(session)) == 1
        assert (session.progress().unreadable, session.progress().left) == (2, 2)
    assert sum(waiting.counts()) == 2
    assert "not the record of an image to review" in caplog.text


def test_images_that_ended_in_the_dead_letters_are_shown_too(
    waiting: Waiting, queue: ReviewQueue, labels: Labels
) -> None:
    sent = [waiting.send(0, waiting.dead_letters), waiting.send(1)]
    with Session(queue, labels, "ann") as session:
        assert [message.image.sha256 for message in work_off(session)] == sent[::-1]
    assert waiting.counts() == (0, 0)


def test_the_order_is_made_of_all_that_wait_but_for_those_on_the_screen(
    waiting: Waiting, queue: ReviewQueue, labels: Labels
) -> None:
    for number in range(6):
        waiting.send(number)

    def last_first(found: Sequence[Message]) -> list[Message]:
        return sorted(found, key=lambda one: one.image.s3_key, reverse=True)

    with Session(queue, labels, "ann", ahead=4, order=last_first) as session:

        def upcoming() -> list[str]:
            return [message.image.s3_key[9] for message in session.upcoming(2)]

        assert upcoming() == ["3", "2"]
        for message in session.upcoming(2):
            session.decide(message.id, "cat")
        on_screen, other = session.upcoming(2)
        session.show(on_screen.id)
        session.decide(other.id, "cat")
        wait_until(lambda: upcoming() == ["1", "5"])


def test_several_threads_decide_at_once_and_each_image_once(
    waiting: Waiting, queue: ReviewQueue, labels: Labels
) -> None:
    for number in range(20):
        waiting.send(number)
    with Session(queue, labels, "ann") as session:
        ids = [message.id for message in session.upcoming(20)]

        def decide(message_id: str) -> bool:
            try:
                session.decide(message_id, "cat")
            except NotWaiting:
                return False
            return True

        with ThreadPoolExecutor(8) as pool:
            assert sum(pool.map(decide, [*ids, *ids])) == 20
    assert len(decided(labels)) == 20


def test_memory_stays_flat_over_many_decisions(
    waiting: Waiting, queue: ReviewQueue, labels: Labels, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting.send(0)
    (message,) = queue.take(1)
    numbers = count()

    def take(_: ReviewQueue, wanted: int) -> list[Message]:
        return [replace(message, id=str(next(numbers)), receipt="x" * 400) for _ in range(wanted)]

    def add(_: Labels, image: ReviewImage, decision: Decision) -> LabelledImage:
        return LabelledImage("0" * 64, BUCKET, image.s3_key, None, (decision,))

    for owner, name, instead in (
        (ReviewQueue, "take", take),
        (ReviewQueue, "delete", lambda *_: []),
        (ReviewQueue, "extend", lambda *_: []),
        (Labels, "read", lambda *_: None),
        (Labels, "add", add),
    ):
        monkeypatch.setattr(owner, name, instead)
    with Session(queue, labels, "ann") as session:

        def decide(decisions: int) -> int:
            for _ in range(decisions):
                (upcoming,) = session.upcoming()
                session.show(upcoming.id)
                session.decide(upcoming.id, "cat")
            return tracemalloc.get_traced_memory()[0]

        tracemalloc.start()
        try:
            before = decide(500)
            assert decide(2000) - before < 100_000
        finally:
            tracemalloc.stop()

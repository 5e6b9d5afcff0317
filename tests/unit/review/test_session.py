"""What one reviewer does: decide, undo and skip."""

import pytest

from review.errors import NothingToUndo, NotWaiting, ReviewError
from review.labels import Labels, read_labels
from review.queue import ReviewQueue
from review.session import UNDO, UNDO_SECONDS, Session
from tests.unit.review.samples import Waiting
from tests.unit.review.working import Clock, decided, work_off
from tests.unit.samples import BUCKET


def test_every_image_that_is_decided_has_its_label_and_leaves_the_queue(
    waiting: Waiting, queue: ReviewQueue, labels: Labels
) -> None:
    sent = [waiting.send(number) for number in range(30)]
    with Session(queue, labels, "ann") as session:
        assert session.progress().left == 30
        for number in range(30):
            (message,) = session.upcoming()
            session.decide(message.id, ("cat", "dog", None)[number % 3])
        assert not session.upcoming()
        assert (session.progress().decided, session.progress().left) == (30, 0)
    assert waiting.counts() == (0, 0)
    assert {*decided(labels)} == {*sent}
    assert sorted(map(str, decided(labels).values())) == ["None"] * 10 + ["cat"] * 10 + ["dog"] * 10


def test_a_decision_says_who_when_why_how_long_and_what_the_model_had_said(
    waiting: Waiting, queue: ReviewQueue, labels: Labels
) -> None:
    waiting.send(0, review_reason="audit", outcome="ACCEPTED", threshold=None)
    waiting.send(1)
    clock = Clock()
    with Session(queue, labels, "Ann Ö. <script>", clock=clock) as session:
        first, second = session.upcoming(2)
        session.show(first.id)
        session.show(second.id)
        clock.now += 3
        session.show(first.id)
        clock.now += 1
        (decision,) = session.decide(first.id, "dog").decisions
        clock.now += 2
        (other,) = session.decide(second.id, None).decisions
    assert (decision.label, decision.reviewer, decision.seconds) == ("dog", "Ann Ö. <script>", 4.0)
    assert decision.time >= first.sent
    assert (decision.reason, decision.model.release, decision.model.threshold) == ("audit", "3fa4c0d1e2b7", None)
    # A grid shows many at once: each is timed from the decision before it.
    assert other.seconds == 2.0


def test_the_time_of_an_image_that_was_never_on_the_screen_is_not_known(
    waiting: Waiting, queue: ReviewQueue, labels: Labels
) -> None:
    waiting.send(0)
    with Session(queue, labels, "ann") as session:
        (message,) = session.upcoming()
        assert session.decide(message.id, "cat").decisions[0].seconds is None


def test_an_image_is_decided_once_and_only_by_a_label_of_the_model(
    waiting: Waiting, queue: ReviewQueue, labels: Labels
) -> None:
    waiting.send(0)
    with Session(queue, labels, "ann") as session:
        (message,) = session.upcoming()
        with pytest.raises(ReviewError, match="not one of the labels cat, dog"):
            session.decide(message.id, "fox")
        session.decide(message.id, "cat")
        with pytest.raises(NotWaiting):
            session.decide(message.id, "cat")
        with pytest.raises(NotWaiting):
            session.skip("made up")
    assert len(read_labels(labels.s3, BUCKET, "pets")[0].decisions) == 1


@pytest.mark.parametrize("reviewer", ["", "a\nb", "a" * 257])
def test_a_reviewer_needs_a_name(queue: ReviewQueue, labels: Labels, reviewer: str) -> None:
    with pytest.raises(ReviewError, match="can't name a reviewer"):
        Session(queue, labels, reviewer)


def test_what_is_undone_comes_first_again_and_its_label_no_longer_counts(
    waiting: Waiting, queue: ReviewQueue, labels: Labels
) -> None:
    for number in range(3):
        waiting.send(number)
    with Session(queue, labels, "ann") as session:
        first, second, _ = session.upcoming(3)
        session.decide(first.id, "cat")
        session.decide(second.id, "cat")
        assert session.undo() == second
        assert session.undo() == first
        assert session.upcoming(2) == [first, second]
        assert session.progress().decided == 0
        assert {*decided(labels).values()} == {"-"}
        with pytest.raises(NothingToUndo):
            session.undo()
        session.decide(first.id, "dog")
    assert decided(labels)[first.image.sha256] == "dog"
    (image,) = (one for one in read_labels(labels.s3, BUCKET, "pets") if one.sha256 == first.image.sha256)
    assert [(one.label, one.undone) for one in image.decisions] == [("cat", True), ("dog", False)]


@pytest.mark.drill("Review")
def test_an_image_that_was_undone_is_still_in_the_queue_when_the_page_is_killed(
    waiting: Waiting, queue: ReviewQueue, labels: Labels
) -> None:
    waiting.send(0)
    killed = Session(queue, labels, "ann")
    (message,) = killed.upcoming()
    killed.decide(message.id, "cat")
    killed.undo()
    waiting.show_all()
    with Session(queue, labels, "bob") as session:
        assert [one.image for one in session.upcoming()] == [message.image]
        work_off(session, "dog")
    assert decided(labels) == {message.image.sha256: "dog"}
    assert waiting.counts() == (0, 0)


def test_only_what_can_still_be_undone_stays_in_the_queue(waiting: Waiting, queue: ReviewQueue, labels: Labels) -> None:
    for number in range(UNDO + 10):
        waiting.send(number)
    clock = Clock()
    with Session(queue, labels, "ann", clock=clock) as session:
        work_off(session)
        assert waiting.counts() == (0, UNDO)
        assert session.progress().left == 0
        clock.now += UNDO_SECONDS
        session._settle_old()
        assert waiting.counts() == (0, 0)
        with pytest.raises(NothingToUndo):
            session.undo()


def test_an_undo_is_refused_when_the_message_is_gone(waiting: Waiting, queue: ReviewQueue, labels: Labels) -> None:
    waiting.send(0)
    with Session(queue, labels, "ann") as session:
        (message,) = work_off(session)
        waiting.sqs.delete_message(QueueUrl=waiting.url, ReceiptHandle=message.receipt)
        waiting.sqs.purge_queue(QueueUrl=waiting.url)
        with pytest.raises(NothingToUndo, match="stays decided"):
            session.undo()
    assert decided(labels) == {message.image.sha256: "cat"}


def test_what_is_skipped_comes_after_all_others(waiting: Waiting, queue: ReviewQueue, labels: Labels) -> None:
    for number in range(3):
        waiting.send(number)
    with Session(queue, labels, "ann") as session:
        first, second, third = session.upcoming(3)
        session.skip(first.id)
        session.skip(second.id)
        assert session.progress().skipped == 2
        assert [one.id for one in session.upcoming(3)] == [third.id, first.id, second.id]
        session.decide(third.id, "cat")
        assert session.upcoming() == [first]
        session.decide(first.id, "cat")
    assert len(decided(labels)) == 2
    assert waiting.counts() == (1, 0)


def test_what_is_skipped_too_often_goes_back_to_the_queue_in_time(
    waiting: Waiting, queue: ReviewQueue, labels: Labels, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("review.session.MOST_SKIPPED", 1)
    first = waiting.send(0)
    waiting.send(1)
    with Session(queue, labels, "ann") as session:
        for message in session.upcoming(2):
            session.skip(message.id)
        waiting.show_all()
        assert first in {one.image.sha256 for one in session.upcoming(2)}

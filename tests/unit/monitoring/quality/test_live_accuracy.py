"""How good accepted answers are in use, by what people decided."""

from datetime import timedelta

import pytest

from contracts.outcomes import ReviewReason
from monitoring.quality.calibration import upper_bound
from monitoring.quality.live_accuracy import Promise, images_needed, live_accuracy
from tests.unit.monitoring.quality.audited import STARTED, decision, image


def test_an_audited_answer_is_wrong_where_a_person_gives_another_label_or_finds_that_none_fits() -> None:
    found = live_accuracy([image(decision(n, label)) for n, label in enumerate(["cat", "dog", None, "cat"])], 0.02)
    assert (found.error.images, found.error.wrong, found.error.share) == (4, 2, 0.5)


def test_nothing_audited_says_nothing_of_the_error() -> None:
    found = live_accuracy([image(decision(0, "cat", reason=ReviewReason.LOW_CONFIDENCE))], 0.02)
    assert (found.error.images, found.error.share, found.error.upper_bound) == (0, None, 1.0)
    assert (found.error.interval.low, found.error.interval.high) == (0.0, 1.0)
    assert (found.release, found.watch.alarm) == ("", None)


def test_images_that_the_model_did_not_accept_count_as_reviewed_and_never_as_accepted() -> None:
    reviewed = [image(decision(n, label, reason=ReviewReason.UNFAMILIAR)) for n, label in enumerate(["cat", "dog"])]
    found = live_accuracy([*reviewed, image(decision(3, "cat"))], 0.02)
    assert (found.error.images, found.reviewed, found.confirmed) == (1, 2, 1)


def test_an_image_in_dispute_is_left_out_until_a_third_person_decides() -> None:
    two = (decision(0, "cat"), decision(1, "dog", reviewer="bob"))
    disputed = live_accuracy([image(*two)], 0.02)
    assert (disputed.error.images, disputed.agreement.disputed) == (0, 1)
    assert (disputed.agreement.pairs, disputed.agreement.same) == (1, 0)
    settled = live_accuracy([image(*two, decision(2, "dog", reviewer="eve"))], 0.02)
    assert (settled.error.wrong, settled.agreement.disputed) == (1, 0)
    assert (settled.agreement.pairs, settled.agreement.same) == (3, 1)


def test_an_undone_decision_counts_for_nothing() -> None:
    assert live_accuracy([image(decision(0, "dog", undone=True))], 0.02).error.images == 0
    assert live_accuracy([image(decision(0, "dog", undone=True), decision(1, "cat"))], 0.02).error.wrong == 0


def test_each_release_and_each_class_has_its_own_error_and_the_last_release_is_watched() -> None:
    old = [image(decision(n, "dog", release="r1")) for n in range(10)]
    new = [image(decision(100 + n, "bus", answer="bus", release="r2")) for n in range(5)]
    found = live_accuracy([*new, *old], 0.02)
    assert [(one.name, one.images, one.wrong) for one in found.by_release] == [("r1", 10, 10), ("r2", 5, 0)]
    assert [(one.name, one.images, one.wrong) for one in found.by_class] == [("bus", 5, 0), ("cat", 10, 10)]
    assert (found.release, found.watch.score, found.watch.alarm) == ("r2", 0, None)


def test_answers_are_watched_in_the_order_of_the_decisions() -> None:
    images = [image(decision(n, "dog" if n >= 20 else "cat")) for n in range(30)]
    assert live_accuracy(reversed(images), 0.02).watch == live_accuracy(images, 0.02).watch
    assert live_accuracy(images, 0.02).watch.alarm is not None


@pytest.mark.parametrize(("wrong", "images", "bound"), [(0, 149, 0.02), (1, 236, 0.02)])
def test_the_upper_bound_is_where_so_few_errors_have_a_probability_of_5_percent(
    wrong: int, images: int, bound: float
) -> None:
    tail = (1 - upper_bound(wrong, images)) ** images
    if wrong:
        p = upper_bound(wrong, images)
        tail += images * p * (1 - p) ** (images - 1)
    assert tail == pytest.approx(0.05)
    assert upper_bound(wrong, images) < bound < upper_bound(wrong, images - 1)


def test_no_image_bounds_nothing() -> None:
    assert upper_bound(0, 0) == upper_bound(3, 3) == 1.0


def test_the_promise_holds_once_the_upper_bound_of_the_last_release_is_no_higher_than_promised() -> None:
    right = [image(decision(n, "cat")) for n in range(149)]
    before, after = live_accuracy(right[:148], 0.02), live_accuracy(right, 0.02)
    assert (before.promise, before.images_missing) == (Promise.UNKNOWN, 1)
    assert (after.promise, after.images_missing) == (Promise.HOLDS, 0)
    other = live_accuracy([*right, image(decision(200, "cat", release="r2"))], 0.02)
    assert (other.promise, other.images_missing, other.watched.images) == (Promise.UNKNOWN, 148, 1)


def test_a_broken_promise_stays_broken_from_the_decision_that_broke_it_until_another_release_answers() -> None:
    images = [image(decision(n, "dog" if 20 <= n < 40 else "cat")) for n in range(2000)]
    found = live_accuracy(images, 0.02)
    assert found.watch.alarm is not None
    assert found.watch.score < found.watch.limit
    assert found.broken_since == STARTED + timedelta(minutes=found.watch.alarm - 1)
    assert found.promise is Promise.BROKEN
    assert live_accuracy([*images, image(decision(3000, "cat", release="r2"))], 0.02).promise is Promise.UNKNOWN


def test_nothing_audited_leaves_the_promise_unknown() -> None:
    found = live_accuracy([], 0.02)
    assert (found.promise, found.images_missing, found.watched.images) == (Promise.UNKNOWN, 149, 0)


@pytest.mark.parametrize(("wrong", "promised"), [(0, 0.02), (1, 0.02), (7, 0.02), (0, 0.499), (3, 0.001)])
def test_fewer_images_than_needed_do_not_show_the_promise(wrong: int, promised: float) -> None:
    needed = images_needed(wrong, promised)
    assert upper_bound(wrong, needed) <= promised < upper_bound(wrong, needed - 1)

"""Two models on the same images: the tests against sums written out, the figures by hand, and when one is worse."""

from collections.abc import Sequence
from math import comb

import pytest

from contracts.judged import Judged
from monitoring.quality.comparison import NotComparable, compare, mcnemar
from tests.judged import LABELS, judged


def two_sided(first_only: int, second_only: int) -> float:
    """The exact test as its definition has it: whatever split of the discordant images is no more likely than this."""
    total = first_only + second_only
    likely = [comb(total, one) for one in range(total + 1)]
    return sum(one for one in likely if one <= likely[first_only]) / float(2**total)


@pytest.mark.parametrize("pair", [(one, other) for one in range(9) for other in range(9)])
def test_mcnemars_test_is_a_sum_of_binomials(pair: tuple[int, int]) -> None:
    assert mcnemar(*pair) == pytest.approx(two_sided(*pair), abs=1e-12)


def test_six_against_none_is_more_than_chance_and_five_is_not() -> None:
    assert mcnemar(6, 0) == pytest.approx(0.03125)
    assert mcnemar(5, 0) == pytest.approx(0.0625)


def test_the_figures_are_those_of_each_model_by_its_own_threshold() -> None:
    found = compare(judged("RRRRrrrWww", "old"), judged("RRRRRrrrWw", "new", threshold=0.5))
    assert (found.images, found.first.release, found.second.release) == (10, "old", "new")
    assert (found.first.accuracy, found.first.coverage, found.first.error) == (0.7, 0.5, 0.2)
    assert (found.second.accuracy, found.second.coverage, found.second.error) == (0.8, 1.0, 0.2)
    assert found.first.accuracy_interval.low < 0.7 < found.first.accuracy_interval.high
    # Of the sure answers 4 in 5 are right, of the unsure ones 3 in 5.
    assert found.first.expected_calibration_error == pytest.approx(0.5 * (0.95 - 0.8) + 0.5 * (0.6 - 0.6))
    assert (found.right.first_only, found.right.second_only, found.right.p_value) == (0, 1, 1.0)
    assert (found.accepted.first_only, found.accepted.second_only) == (0, 5)


def test_the_images_on_which_models_differ_are_named_with_both_answers() -> None:
    (label, accepted) = compare(judged("RRrW"), judged("RWRW")).differences
    assert (label.file, label.truth, label.first.label, label.second.label) == ("1.png", LABELS[0], *LABELS)
    assert (accepted.file, accepted.first.accepted, accepted.second.accepted) == ("2.png", False, True)


def test_images_are_matched_by_content_whatever_their_order() -> None:
    first = judged("RRWrw" * 8)
    assert compare(first, first[::-1]).differences == ()


@pytest.mark.parametrize(
    "second",
    [judged("RRR"), judged("RRRRR"), judged("rRRRR")[1:], ()],
    ids=["fewer", "more", "another", "none"],
)
def test_models_that_were_tested_on_different_images_can_not_be_compared(second: Sequence[Judged]) -> None:
    with pytest.raises(NotComparable, match="tested on different images: 4 and"):
        compare(judged("RRRR"), second)


def test_the_same_image_with_another_class_is_another_test() -> None:
    other = [Judged(one.file, LABELS[0], one.sha256, one.answer) for one in judged("RRRR")]
    with pytest.raises(NotComparable, match="with 2 in common"):
        compare(judged("RRRR"), other)


@pytest.mark.parametrize(
    ("first", "second", "faults"),
    [
        ("R" * 100, "R" * 100, ()),
        ("R" * 100, "R" * 95 + "w" * 5, ()),
        ("R" * 100, "R" * 94 + "w" * 6, ("accuracy is 94.0% instead of 100.0%", "accepts 94.0%")),
        ("R" * 95 + "w" * 5, "R" * 100, ()),
        ("R" * 100, "R" * 96 + "r" * 4, ()),
        ("R" * 200, "R" * 191 + "r" * 9, ()),
        ("R" * 200, "R" * 190 + "r" * 10, ("accepts 95.0% of the images instead of 100.0%",)),
        ("R" * 100 + "w" * 100, "R" * 100 + "W" * 100, ("50.0% are wrong instead of 0.0%",)),
        # A model that accepts ten times as many images may be wrong in a few of them.
        ("R" * 40 + "r" * 260 + "w" * 100, "R" * 393 + "W" * 7, ()),
    ],
    ids=["same", "5 of 100", "6 of 100", "better", "4 less", "4.5% less", "5% less", "wrong ones", "covers more"],
)
def test_a_model_is_worse_where_it_is_so_by_more_than_chance(first: str, second: str, faults: tuple[str, ...]) -> None:
    found = compare(judged(first), judged(second)).faults
    assert len(found) == len(faults)
    assert all(said in fault for said, fault in zip(faults, found, strict=True))


def test_a_model_that_accepts_nothing_has_no_error_and_covers_nothing() -> None:
    found = compare(judged("R" * 20), judged("R" * 20, threshold=None))
    assert (found.second.coverage, found.second.error) == (0.0, None)
    assert found.faults == ("it accepts 0.0% of the images instead of 100.0%",)

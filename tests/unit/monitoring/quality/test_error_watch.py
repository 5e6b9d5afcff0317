"""Whether a promised error still holds, judged by simulated streams whose error is known."""

import numpy as np
import pytest

from monitoring.quality.calibration import interval
from monitoring.quality.error_watch import FALSE_ALARMS, HORIZON, limit_of, watch_error, weight_of

STREAMS = 1000


def streams(*parts: tuple[int, float]) -> list[list[bool]]:
    """STREAMS streams of answers that are wrong or not, each of parts with a number of images and their error."""
    random = np.random.default_rng(20)
    drawn = [random.random((STREAMS, images)) < error for images, error in parts]
    return [row.tolist() for row in np.concatenate(drawn, axis=1)]


def test_the_interval_of_the_live_error_covers_the_true_error_in_95_of_100_streams() -> None:
    wrong = [sum(stream) for stream in streams((400, 0.02))]
    covered = [interval(count, 400).low <= 0.02 <= interval(count, 400).high for count in wrong]
    assert np.mean(covered) >= 0.94


def test_while_the_promise_holds_at_most_one_stream_in_twenty_raises_an_alarm() -> None:
    alarms = [watch_error(stream, 0.02).alarm is not None for stream in streams((HORIZON, 0.02))]
    # The limit is computed for 5 in 100; 3 standard errors of a simulation are 2 in 100.
    assert 0.02 < np.mean(alarms) < FALSE_ALARMS + 0.02


@pytest.mark.parametrize("before", [0, 200, 1000])
def test_a_rise_from_2_to_6_percent_is_found_within_400_images_9_times_in_10(before: int) -> None:
    found, early = 0, 0
    for stream in streams((before, 0.02), (400, 0.06)):
        alarm = watch_error(stream, 0.02).alarm
        early += alarm is not None and alarm <= before
        found += alarm is not None and alarm > before
    assert found >= 0.9 * (STREAMS - early)


@pytest.mark.parametrize("promised", [0.001, 0.01, 0.05, 0.2, 0.49])
def test_the_limit_of_any_promise_keeps_false_alarms_as_rare_as_it_says(promised: float) -> None:
    random = np.random.default_rng(21)
    drawn = random.random((400, HORIZON)) < promised
    alarms = np.mean([watch_error(row.tolist(), promised).alarm is not None for row in drawn])
    assert alarms < FALSE_ALARMS + 0.035


def test_right_answers_take_back_what_a_wrong_one_adds_and_never_more() -> None:
    weight = weight_of(0.02)
    assert watch_error([False] * 1000, 0.02).score == 0
    assert watch_error([True] + [False] * (weight - 1), 0.02).score == 1
    assert watch_error([True] + [False] * (weight + 5), 0.02).score == 0


def test_the_alarm_is_at_the_answer_that_reaches_the_limit_and_stays() -> None:
    needed = -(-limit_of(0.02) // weight_of(0.02))
    watched = watch_error([True] * needed + [False] * 5000, 0.02)
    assert watched.alarm == needed
    assert watch_error([True] * (needed - 1), 0.02).alarm is None
    assert watch_error([], 0.02).alarm is None


@pytest.mark.parametrize("promised", [0, -0.1, 0.5, 1.0, float("nan")])
def test_a_promise_that_no_error_can_break_or_keep_is_refused(promised: float) -> None:
    with pytest.raises(ValueError, match="promised error"):
        watch_error([True], promised)

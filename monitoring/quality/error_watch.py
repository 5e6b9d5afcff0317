"""Whether an error that was promised still holds, watched image by image.

A Bernoulli CUSUM chart (Reynolds and Stoumbos, 1999, "A CUSUM Chart for Monitoring a Proportion When Inspecting
Continuously"): a score rises with every wrong answer, falls with every right one and never below 0; above a limit
it raises an alarm. It may be looked at after every image, as the limit is for the highest that the score gets.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

# An error of this many times the promised one is what the chart is made to detect soonest.
FACTOR = 2.0
# While the promise holds, at most FALSE_ALARMS of the streams of HORIZON images raise an alarm.
FALSE_ALARMS = 0.05
HORIZON = 2000


@dataclass(frozen=True)
class ErrorWatch:
    """What the chart says of a stream of answers.

    Attributes:
        score: of the last answer; a wrong answer adds `weight`, a right one takes 1
        weight: right answers that outweigh a wrong one
        limit: the score that raises an alarm
        alarm: number of the answer, from 1, at which the limit was reached first; None where it never was
    """

    score: int
    weight: int
    limit: int
    alarm: int | None


def watch_error(wrong: Sequence[bool], promised: float) -> ErrorWatch:
    """Follow answers in the order in which they were given; *promised* is the error that should hold.

    Raises:
        ValueError: *promised* is not above 0 and below 0.5.
    """
    if not 0 < promised < 0.5:
        raise ValueError(f"The promised error must be above 0 and below 0.5, not {promised}.")
    weight = weight_of(promised)
    limit = limit_of(promised)
    score, alarm = 0, None
    for number, is_wrong in enumerate(wrong, 1):
        score = score + weight if is_wrong else max(score - 1, 0)
        if alarm is None and score >= limit:
            alarm = number
    return ErrorWatch(score, weight, limit, alarm)


def weight_of(promised: float) -> int:
    """The right answers that outweigh a wrong one: the ratio of the log likelihood ratios, as a whole number.

    They compare an error of FACTOR times the promised one, at most halfway from there to 1, with the promised one.
    """
    worse = min(FACTOR * promised, (1 + promised) / 2)
    return max(1, round(math.log(worse / promised) / math.log((1 - promised) / (1 - worse))))


@lru_cache
def limit_of(promised: float) -> int:
    """The lowest limit that at most FALSE_ALARMS of the streams of HORIZON images reach while the promise holds."""
    weight = weight_of(promised)
    low, high = 0, weight
    while _reaches(high, weight, promised) > FALSE_ALARMS:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _reaches(middle, weight, promised) > FALSE_ALARMS else (low, middle)
    return high


def _reaches(limit: int, weight: int, error: float) -> float:
    """The probability that the score reaches *limit* within HORIZON answers, by its Markov chain."""
    state = np.zeros(limit)
    state[0] = 1.0
    for _ in range(HORIZON):
        following = np.empty(limit)
        following[:-1] = (1 - error) * state[1:]
        following[-1] = 0.0
        following[0] += (1 - error) * state[0]
        following[weight:] += error * state[: max(limit - weight, 0)]
        state = following
    return 1.0 - float(state.sum())

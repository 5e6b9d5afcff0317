"""Which images a person should see: those that the model was least sure of, unfamiliar ones, and a random sample."""

import heapq
import random
from dataclasses import dataclass

from contracts.outcomes import is_familiar
from inference.executions import Execution
from monitoring.capture.records import CaptureRecord

SHOWN = 24


@dataclass(frozen=True)
class Pair:
    """An execution and the record that the endpoint captured of it."""

    execution: Execution
    record: CaptureRecord


class Gallery:
    """Keeps SHOWN pairs of a stream in each of three ways: the least confident, unfamiliar ones, and random ones.

    The same stream gives the same pairs. `unfamiliar` counts the unfamiliar ones.
    """

    def __init__(self, seed: int = 0) -> None:
        self._random = random.Random(seed)  # noqa: S311 - nothing secret depends on it
        self.seen = 0
        self.unfamiliar = 0
        self._least_confident, self._least_familiar = _Lowest(), _Lowest()
        self._sample: list[Pair] = []

    def add(self, pair: Pair) -> None:
        """Take note of one pair, if it has a confidence."""
        execution = pair.execution
        if execution.confidence is None:
            return
        self.seen += 1
        self._least_confident.add(execution.confidence, pair)
        if execution.familiarity is not None and not is_familiar(execution.familiarity, execution.familiarity_limit):
            self.unfamiliar += 1
            self._least_familiar.add(execution.familiarity, pair)
        if len(self._sample) < SHOWN:
            self._sample.append(pair)
        elif (place := self._random.randrange(self.seen)) < SHOWN:
            self._sample[place] = pair

    def least_confident(self) -> list[Pair]:
        """The least confident first; of equal ones the one that came first."""
        return self._least_confident.pairs()

    def least_familiar(self) -> list[Pair]:
        """Those that are unfamiliar to the model, the least familiar first; of equal ones the one that came first."""
        return self._least_familiar.pairs()

    def random_sample(self) -> list[Pair]:
        """A uniform sample of the stream (Vitter's algorithm R, 1985)."""
        return list(self._sample)


class _Lowest:
    """Keeps the SHOWN pairs with the lowest values."""

    def __init__(self) -> None:
        # A heap whose first element has the highest value of those kept: the next to go.
        self._kept: list[tuple[float, int, Pair]] = []
        self._seen = 0

    def add(self, value: float, pair: Pair) -> None:
        self._seen += 1
        push = heapq.heappush if len(self._kept) < SHOWN else heapq.heappushpop
        # Of equal values, a later one is the next to go.
        push(self._kept, (-value, -self._seen, pair))

    def pairs(self) -> list[Pair]:
        return [pair for _, _, pair in sorted(self._kept, key=lambda entry: (-entry[0], -entry[1]))]

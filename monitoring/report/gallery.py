"""Which images a person should see: those that the model was least sure of, and a random sample."""

import heapq
import random
from dataclasses import dataclass

from inference.executions import Execution
from monitoring.capture.records import CaptureRecord

SHOWN = 24


@dataclass(frozen=True)
class Pair:
    """An execution and the record that the endpoint captured of it."""

    execution: Execution
    record: CaptureRecord


class Gallery:
    """Keeps the SHOWN least confident pairs of a stream and SHOWN random ones, the same for the same stream."""

    def __init__(self, seed: int = 0) -> None:
        self._random = random.Random(seed)  # noqa: S311 - nothing secret depends on it
        self.seen = 0
        # A heap whose first element is the most confident of those kept: the next to go.
        self._least: list[tuple[float, int, Pair]] = []
        self._sample: list[Pair] = []

    def add(self, pair: Pair) -> None:
        """Take note of one pair, if it has a confidence."""
        if pair.execution.confidence is None:
            return
        self.seen += 1
        push = heapq.heappush if len(self._least) < SHOWN else heapq.heappushpop
        push(self._least, (-pair.execution.confidence, self.seen, pair))
        if len(self._sample) < SHOWN:
            self._sample.append(pair)
        elif (place := self._random.randrange(self.seen)) < SHOWN:
            self._sample[place] = pair

    def least_confident(self) -> list[Pair]:
        """The least confident first; of equal ones the one that came first."""
        return [pair for _, _, pair in sorted(self._least, key=lambda entry: (-entry[0], entry[1]))]

    def random_sample(self) -> list[Pair]:
        """A uniform sample of the stream (Vitter's algorithm R, 1985)."""
        return list(self._sample)

"""Which images a person should see: those that the model was least sure of, and some by chance."""

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
    """Keeps the SHOWN least confident pairs of a stream and SHOWN chosen by chance, the same for the same stream."""

    def __init__(self, seed: int = 0) -> None:
        self._random = random.Random(seed)  # noqa: S311 - nothing secret depends on it
        self.seen = 0
        # A heap whose first element is the most confident of those kept: the next to go.
        self._least: list[tuple[float, int, Pair]] = []
        self._chosen: list[Pair] = []

    def add(self, pair: Pair) -> None:
        """Take note of one pair; one without a confidence is none for the gallery."""
        if pair.execution.confidence is None:
            return
        self.seen += 1
        push = heapq.heappush if len(self._least) < SHOWN else heapq.heappushpop
        push(self._least, (-pair.execution.confidence, self.seen, pair))
        if len(self._chosen) < SHOWN:
            self._chosen.append(pair)
        elif (place := self._random.randrange(self.seen)) < SHOWN:
            self._chosen[place] = pair

    def least_confident(self) -> list[Pair]:
        """The least confident first; of equal ones the one that came first."""
        return [pair for _, _, pair in sorted(self._least, key=lambda entry: (-entry[0], entry[1]))]

    def chosen(self) -> list[Pair]:
        """A uniform sample of the stream (Vitter's algorithm R, 1985)."""
        return list(self._chosen)

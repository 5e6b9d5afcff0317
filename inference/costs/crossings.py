"""From how many images a day on one way to run the workflow costs more than another."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import combinations, pairwise

from inference.costs.month import HOURS, SECONDS, Month
from inference.costs.ways import WAYS

# Numbers of images a day at which the ways are compared before a crossing is looked for between two of them.
POINTS = 200


@dataclass(frozen=True)
class Crossing:
    """From `images_a_day` on, and not with one image less, `dearer` costs more than `cheaper`: `total` USD."""

    images_a_day: int
    dearer: str
    cheaper: str
    total: float


def most_images(month: Month) -> int:
    """Return how many images a day the instances can answer."""
    return max(1, int(month.images_a_second * HOURS * SECONDS))


def grid(most: int) -> list[int]:
    """Return numbers from 1 to *most*, whose logarithms are about evenly spaced."""
    return sorted({round(most ** (step / POINTS)) for step in range(POINTS + 1)})


def crossings(month: Month) -> list[Crossing]:
    """Return where any two ways cross, between one image a day and as many as the instances can answer.

    A batch's cost rises by a child at a time, so that around a crossing the order can change back and forth within one
    child's images: then one of these changes is returned.
    """
    places = grid(most_images(month))
    found = [one for pair in combinations(WAYS, 2) for one in _of_pair(month, *pair, places)]
    return sorted(found, key=lambda one: one.images_a_day)


def _of_pair(month: Month, first: str, second: str, places: list[int]) -> Iterator[Crossing]:
    def total(name: str, images_a_day: int) -> float:
        return WAYS[name](replace(month, images_a_day=images_a_day)).total

    def dearer(images_a_day: int) -> bool:
        return total(first, images_a_day) > total(second, images_a_day)

    for low, high in pairwise(places):
        before, after = dearer(low), dearer(high)
        if before == after:
            continue
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if dearer(middle) == before else (low, middle)
        names = (first, second) if after else (second, first)
        yield Crossing(high, *names, total(names[0], high))

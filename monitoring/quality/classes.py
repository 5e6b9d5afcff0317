"""How a model does on each class, and which classes it confuses."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from monitoring.quality.calibration import Interval, interval
from monitoring.quality.evaluation import Evaluation, Prediction


@dataclass(frozen=True)
class ClassFigures:
    """How the images of one class are labelled.

    `images` counts those whose truth it is, `right` those of them that are labelled so, with the interval of that
    share, and `accepted` those that the threshold accepts. `taken` of the images are taken for `taken_for`, more than
    for any other class.
    """

    name: str
    images: int
    right: int
    share_right: float | None
    interval: Interval
    accepted: int
    taken_for: str | None
    taken: int


@dataclass(frozen=True)
class Confusion:
    """Two classes that are taken for each other: `forth` images of `first` for `second`, `back` the other way."""

    first: str
    second: str
    forth: int
    back: int

    @property
    def count(self) -> int:
        """How many images are taken for the other class, either way."""
        return self.forth + self.back


def class_figures(evaluation: Evaluation) -> list[ClassFigures]:
    """The figures of every class, in the order of the labels."""
    mistakes = _mistakes(evaluation.predictions)
    images = Counter(one.truth for one in evaluation.predictions)
    accepted = Counter(one.truth for one in evaluation.predictions if evaluation.accepts(one))
    found = []
    for name in evaluation.classes:
        wrong = Counter({label: count for (truth, label), count in mistakes.items() if truth == name})
        right = images[name] - wrong.total()
        taken_for, taken = max(wrong.items(), key=lambda item: item[1], default=(None, 0))
        share = right / images[name] if images[name] else None
        bounds = interval(right, images[name])
        found.append(ClassFigures(name, images[name], right, share, bounds, accepted[name], taken_for, taken))
    return found


def confusions(predictions: Sequence[Prediction]) -> list[Confusion]:
    """Every pair of classes that is confused, the one with the most images first; `first` is more often mistaken."""
    mistakes = _mistakes(predictions)
    pairs = []
    for (truth, label), forth in mistakes.items():
        back = mistakes[label, truth]
        if (forth, label) > (back, truth):
            pairs.append(Confusion(truth, label, forth, back))
    return sorted(pairs, key=lambda pair: (-pair.count, pair.first, pair.second))


def _mistakes(predictions: Sequence[Prediction]) -> Counter[tuple[str, str]]:
    """How often each truth got each other label."""
    return Counter((one.truth, one.label) for one in predictions if one.truth != one.label)

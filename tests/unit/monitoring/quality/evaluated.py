"""Evaluations of answers that are written out by hand."""

from collections.abc import Iterable, Mapping
from typing import Any

from monitoring.quality.evaluation import Evaluation, Prediction, Terms, assess

RELEASE = "3fa4c0d1e2b7"
CLASSES = ("bicycle", "motorcycle")


def answer(
    number: int, truth: str = "bicycle", label: str | None = None, confidence: float = 0.95, **changes: Any
) -> Prediction:
    """An answer, right unless *label* is another; the other classes share what is left of 1."""
    classes = changes.pop("classes", CLASSES)
    label = label or truth
    rest = (1 - confidence) / (len(classes) - 1)
    probabilities = tuple(confidence if name == label else rest for name in classes)
    return Prediction(f"{truth}/{number}.png", truth, label, confidence, probabilities, **changes)


def answers(right: int, wrong: int = 0, confidence: float = 0.95) -> list[Prediction]:
    """This many right and wrong answers for bicycles, and as many right ones for motorcycles as there are of both."""
    labels = ["motorcycle"] * wrong + ["bicycle"] * right
    bicycles = [answer(n, label=label, confidence=confidence) for n, label in enumerate(labels)]
    return bicycles + [answer(n, "motorcycle", confidence=confidence) for n in range(len(labels))]


def evaluated(
    predictions: Iterable[Prediction],
    threshold: float | None = 0.9,
    familiarity_limit: float | None = None,
    classes: tuple[str, ...] = CLASSES,
    trained_on: Mapping[str, int] | None = None,
) -> Evaluation:
    """The evaluation of a release with *threshold*, which was trained on 100 images of each class."""
    terms = Terms(RELEASE, threshold, familiarity_limit)
    trained_on = trained_on or dict.fromkeys(classes, 100)
    return assess("pedals", "pedals", classes, list(predictions), terms=terms, trained_on=trained_on)

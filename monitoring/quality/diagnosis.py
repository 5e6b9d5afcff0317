"""All that is to be said of a model: the verdict, its classes, images that look mislabelled, and what to do."""

from collections.abc import Sequence
from dataclasses import dataclass

from monitoring.quality.calibration import at_threshold, recommend
from monitoring.quality.classes import ClassFigures, Confusion, class_figures, confusions
from monitoring.quality.evaluation import Evaluation
from monitoring.quality.suspects import Suspect, suspects
from monitoring.quality.verdict import FEW_IMAGES, LEAST_COVERAGE, Usability, Verdict, judge

# Errors that may be tolerated instead, the lowest first.
TOLERABLE = (0.05, 0.1)


@dataclass(frozen=True)
class Diagnosis:
    """The verdict on a model with what explains it; `remedies` are sentences, none where nothing is to be done."""

    evaluation: Evaluation
    verdict: Verdict
    classes: list[ClassFigures]
    confusions: list[Confusion]
    suspects: list[Suspect]
    remedies: list[str]


def diagnose(evaluation: Evaluation, out_of_fold: Evaluation | None = None) -> Diagnosis:
    """The diagnosis by *evaluation*; images that look mislabelled are also looked for in *out_of_fold*."""
    verdict, classes, confused = judge(evaluation), class_figures(evaluation), confusions(evaluation.predictions)
    doubtful = [one for record in (out_of_fold, evaluation) if record for one in suspects(record)]
    remedies = [f"Check the labels of {_count(len(doubtful), 'image')} that look mislabelled."] if doubtful else []
    if verdict.usability is not Usability.USABLE:
        remedies += [_on_images(evaluation, classes), *_on_confusion(evaluation, confused), *_on_max_error(evaluation)]
    return Diagnosis(evaluation, verdict, classes, confused, doubtful, remedies)


def _on_images(evaluation: Evaluation, classes: Sequence[ClassFigures]) -> str:
    """Which classes need more training images: those with few, and those that are labelled worse than the others."""
    scarce = [name for name, count in evaluation.trained_on.items() if count < FEW_IMAGES]
    weak = [one.name for one in classes if one.images and one.interval.high < evaluation.accuracy]
    named = list(dict.fromkeys([*scarce, *weak]))
    return f"Add training images of {_listed(named) if named else 'every class'}."


def _on_confusion(evaluation: Evaluation, confused: Sequence[Confusion]) -> list[str]:
    # Of two classes all errors are between the two.
    if not confused or len(evaluation.classes) <= 2:
        return []
    worst, errors = confused[0], evaluation.images - evaluation.correct
    share = f"{worst.count} of {_count(errors, 'error')}"
    return [f"Add images that show how {worst.first} and {worst.second} differ: {share} are between the two."]


def _on_max_error(evaluation: Evaluation) -> list[str]:
    """Another tolerated error, where it lets the workflow do part of the work."""
    if evaluation.threshold is not None:
        return []
    for max_error in TOLERABLE:
        if max_error <= evaluation.max_error or (threshold := recommend(evaluation.curve, max_error)) is None:
            continue
        if (coverage := at_threshold(evaluation.curve, threshold).coverage) >= LEAST_COVERAGE:
            effect = f"about {coverage:.0%} of images would then be accepted"
            return [f"Or tolerate more errors, by a --max-error of {max_error:g}: {effect}."]
    return []


def _listed(names: Sequence[str]) -> str:
    """At most five names, and how many more there are."""
    shown = list(names[:5]) + ([f"{len(names) - 5} more classes"] if len(names) > 5 else [])
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"

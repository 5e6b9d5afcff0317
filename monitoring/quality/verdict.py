"""Whether a model can be used, in words: usable, usable with review, or not usable, why, and what to do.

Each figure is good, doubtful or bad; the worst of them is the verdict. These are all the rules:

| figure | good | bad |
|---|---|---|
| accuracy | its 95% interval lies above chance: always answering the most frequent class | it isn't above chance |
| share accepted | USABLE_COVERAGE or more | below LEAST_COVERAGE, or no threshold keeps the tolerated error |
| error among accepted | within the tolerated error, on enough images for LOOSEST_BOUND | above it beyond doubt |
| training images | every class has FEW_IMAGES or more | |
| unfamiliar images | as many as the limit of familiarity lets expect | |

What is neither good nor bad is doubtful.
"""

from dataclasses import dataclass
from enum import StrEnum

from monitoring.quality import reasons
from monitoring.quality.calibration import Kept, fewest_accepted, interval, kept, upper_bound
from monitoring.quality.evaluation import Evaluation

# Where a person decides on more than one image in ten, the model is a help and no replacement.
USABLE_COVERAGE = 0.9
# Where a person decides on more than three of four images, the workflow costs more than it saves.
LEAST_COVERAGE = 0.25
# An upper bound of the error that says nothing more than "nine of ten are right": it takes 29 accepted images without
# an error. Fewer of them are no reason to call a model good. That the tolerated error itself is kept is shown by the
# images that the threshold was chosen on, which are more.
LOOSEST_BOUND = 0.1
# From fewer training images a class, the figures of two models of the same images differ by more than any advice gains.
FEW_IMAGES = 10


class Level(StrEnum):
    """How good or bad something is, the worst first."""

    BAD = "bad"
    NOTICE = "notice"
    GOOD = "good"


@dataclass(frozen=True)
class Finding:
    """One sentence, and how good or bad is what it says."""

    level: Level
    text: str


class Usability(StrEnum):
    """What a model is good for."""

    USABLE = "usable"
    WITH_REVIEW = "usable with review"
    NOT_USABLE = "not usable"


USABILITY = {Level.GOOD: Usability.USABLE, Level.NOTICE: Usability.WITH_REVIEW, Level.BAD: Usability.NOT_USABLE}


@dataclass(frozen=True)
class Verdict:
    """What a model is good for, the figures that say so, the worst first, and the reason as a clause."""

    usability: Usability
    findings: list[Finding]
    reason: str


def judge(evaluation: Evaluation) -> Verdict:
    """The verdict on the model that was evaluated."""
    point = evaluation.judged
    accuracy = on_accuracy(evaluation.correct, evaluation.images, evaluation.chance)
    error = [on_error(point.wrong, point.accepted, evaluation.max_error)] if point.accepted else []
    found = [(accuracy, reasons.on_accuracy), (_on_coverage(evaluation), reasons.on_coverage)]
    found += [(finding, reasons.on_error) for finding in error]
    found += [(finding, reasons.on_training_images) for finding in _on_training_images(evaluation)]
    found += [(finding, reasons.on_unfamiliar) for finding in _on_unfamiliar(evaluation)]
    order = list(Level)
    found.sort(key=lambda pair: order.index(pair[0].level))
    worst, why = found[0]
    reason = reasons.why_usable if worst.level is Level.GOOD else why
    return Verdict(USABILITY[worst.level], [finding for finding, _ in found], reason(evaluation))


def on_accuracy(correct: int, images: int, chance: float) -> Finding:
    """What the accuracy is worth beside *chance*."""
    bounds = interval(correct, images)
    text = (
        f"{correct:,} of {images:,} images are labelled right: accuracy {correct / images:.3f} (95% interval "
        f"{bounds.low:.2f} to {bounds.high:.2f}); always answering the most frequent class reaches {chance:.3f}."
    )
    if bounds.low > chance:
        return Finding(Level.GOOD, text)
    return Finding(Level.NOTICE if correct / images > chance else Level.BAD, text)


def on_error(wrong: int, accepted: int, max_error: float) -> Finding:
    """What *wrong* of *accepted* say of an error of at most *max_error*; something must be accepted."""
    error, upper = wrong / accepted, float(upper_bound(wrong, accepted))
    text = f"{wrong:,} of {accepted:,} accepted images are wrong ({error:.1%}); {max_error:.1%} are tolerated"
    found = kept(wrong, accepted, max_error)
    if found is Kept.YES:
        return Finding(Level.GOOD, f"{text}, which is kept: at most {upper:.1%} with 95% confidence.")
    if found is Kept.NO:
        return Finding(Level.BAD, f"{text}, which is not kept.")
    unsure = f"{text}. So few images only show an error of at most {upper:.1%}."
    return Finding(Level.GOOD if error <= max_error and upper <= LOOSEST_BOUND else Level.NOTICE, unsure)


def coverage_level(accepted: int, images: int) -> Level:
    """How good it is that *accepted* of *images* are decided without a person."""
    if accepted >= USABLE_COVERAGE * images:
        return Level.GOOD
    return Level.NOTICE if accepted >= LEAST_COVERAGE * images else Level.BAD


def _on_coverage(evaluation: Evaluation) -> Finding:
    point, max_error = evaluation.judged, evaluation.max_error
    if point.threshold is None:
        text = f"Everything goes to review: no threshold keeps the error among accepted images at {max_error:.1%}"
        chose = evaluation.choosing
        if chose and max_error and chose < (fewest := fewest_accepted(max_error)):
            text += (
                f"; it takes at least {fewest} accepted images without an error to show that, and {chose} were there"
            )
        return Finding(Level.BAD, f"{text}.")
    level = coverage_level(point.accepted, point.images)
    text = f"{point.accepted:,} of {point.images:,} images ({point.coverage:.0%}) are accepted at the threshold"
    return Finding(level, f"{text} {point.threshold:g}; a person decides on the others.")


def on_other_threshold(evaluation: Evaluation, threshold: float) -> str | None:
    """A sentence where the workflow accepts from another *threshold* than the one that was judged."""
    match evaluation.threshold, evaluation.terms:
        case judged, _ if judged == threshold:
            return None
        case None, None:
            instead = "while none is recommended"
        case judged, None:
            instead = f"while {judged:g} is recommended"
        case None, _:
            instead = "although the model itself accepts nothing"
        case judged, _:
            instead = f"instead of the model's own {judged:g}, which is judged"
    point = evaluation.at(threshold)
    wrong = f", {point.wrong} of them wrong ({point.error:.1%})" if point.accepted else ""
    return (
        f"The app stack's ConfidenceThreshold accepts from {threshold:g}, {instead}: "
        f"of {point.images} test images it accepts {point.accepted}{wrong}."
    )


def _on_training_images(evaluation: Evaluation) -> list[Finding]:
    few = [f"{name} has {count}" for name, count in evaluation.trained_on.items() if count < FEW_IMAGES]
    if not few:
        return []
    text = f"{', '.join(few)} training images; with fewer than {FEW_IMAGES} a class, no figure here is reliable."
    return [Finding(Level.NOTICE, text)]


def _on_unfamiliar(evaluation: Evaluation) -> list[Finding]:
    limit, count, images = evaluation.familiarity_limit, evaluation.unfamiliar, evaluation.images
    if limit is None or count is None:
        return []
    level = Level.NOTICE if kept(count, images, limit) is Kept.NO else Level.GOOD
    text = (
        f"{count:,} of {images:,} images ({count / images:.1%}) are unfamiliar to the model; {limit:.0%} are expected"
    )
    return [Finding(level, f"{text}." if level is Level.GOOD else f"{text}: they differ from the training images.")]

"""Reports on runs of any size, any number of classes and any length, whose figures follow from the seed alone."""

from collections.abc import Sequence
from datetime import timedelta

import numpy as np

from contracts.outcomes import Outcome, ReviewReason
from inference.executions import Execution
from monitoring.capture.completeness import Completeness
from monitoring.quality.diagnosis import Diagnosis, diagnose
from monitoring.quality.evaluation import Prediction
from monitoring.report.matching import match_executions
from monitoring.report.page import Report
from monitoring.report.subject import TrainedModel
from tests.unit.monitoring.quality.evaluated import RELEASE, answer, evaluated
from tests.unit.monitoring.report.records import capture_of
from tests.unit.samples import CLASSES, START, execution

THINGS = ("tractor", "pickup_truck", "streetcar", "lawn_mower", "bus", "rocket")
NAMES = (*CLASSES, *(f"{color}_{thing}" for color in ("red", "green", "blue") for thing in THINGS))
THRESHOLD = 0.9


def classes_of(number: int) -> tuple[str, ...]:
    """The names of the first classes."""
    return NAMES[:number]


def predictions(images: int, classes: Sequence[str], seed: int = 1) -> list[Prediction]:
    """Answers that are right about as often as they say; each class is mostly taken for the one after it."""
    random = np.random.default_rng(seed)
    found = []
    for number in range(images):
        place = int(random.integers(len(classes)))
        # Some classes are harder than others.
        confidence = 1 - (1 - 1 / len(classes)) * float(random.beta(0.35, 1.2 + 4 * (place % 5 != 0)))
        wrong = random.random() > confidence
        step = 1 if random.random() < 0.7 else int(random.integers(1, len(classes)))
        label = classes[(place + step) % len(classes)] if wrong else classes[place]
        found.append(answer(number, classes[place], label, confidence, classes=tuple(classes)))
    return found


def executions(images: int, classes: Sequence[str], lasts: timedelta, seed: int = 2) -> list[Execution]:
    """One execution per answer, evenly over the time; one in forty was rejected, and one in a hundred failed."""
    step = lasts / max(images - 1, 1)
    found = []
    for number, one in enumerate(predictions(images, classes, seed)):
        moment = (START + number * step).isoformat(timespec="milliseconds")
        if number % 40 == 7:
            found.append(execution(number, Outcome.REJECTED, started=moment))
        elif number % 100 == 29:
            found.append(execution(number, Outcome.FAILED, started=moment, error="EndpointBusy", case=one.key))
        else:
            accepted = one.confidence >= THRESHOLD
            found.append(
                execution(
                    number,
                    Outcome.ACCEPTED if accepted else Outcome.REVIEW,
                    one.confidence,
                    case=one.key,
                    truth=one.truth,
                    label=one.label,
                    started=moment,
                    threshold=THRESHOLD,
                    release=RELEASE,
                    review_reason=None if accepted else ReviewReason.LOW_CONFIDENCE,
                )
            )
    return found


def diagnosed(images: int, classes: Sequence[str]) -> Diagnosis:
    """The diagnosis of a model that answers so."""
    return diagnose(evaluated(predictions(images, classes), threshold=THRESHOLD, classes=tuple(classes)))


def scene(images: int, classes: int, lasts: timedelta) -> Report:
    """A report on a run of these numbers of images and classes, with an evaluation on as many test images."""
    names = classes_of(classes)
    done = executions(images, names, lasts)
    asked = [one for one in done if one.label is not None][:60]
    _, gallery = match_executions(asked, capture_of(asked))
    reached = sum(one.inference_id is not None for one in done)
    return Report(
        done,
        Completeness(expected=reached, joined=reached, records=reached),
        gallery,
        classes=names,
        model=TrainedModel("image-classification-2026-11-23-09-00-00", "pedals", RELEASE),
        diagnosis=diagnosed(min(images, 5000), names),
    )

"""How a model does on images whose truth is known: the record `evaluation.json`, and `out_of_fold.json` of training.

A threshold is never judged by the images that chose it. That of a release was chosen by training, so that all test
images judge it. For a model without one, a threshold is chosen on one half of the images and judged on the other.
"""

import dataclasses
import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from contracts.coverage import CoverageCurve, CoverageError, coverage_curve
from contracts.errors import in_words
from contracts.files import write_whole
from contracts.outcomes import is_accepted, is_familiar
from monitoring.errors import MonitoringError
from monitoring.quality.calibration import (
    CalibrationBin,
    Interval,
    OperatingPoint,
    calibration,
    expected_calibration_error,
    interval,
    operating_point,
    recommend,
)

EVALUATION_FILE = "evaluation.json"
OUT_OF_FOLD_FILE = "out_of_fold.json"
MAX_ERROR = 0.02


class EvaluationError(MonitoringError):
    """There is no evaluation, or none can be made."""


@dataclass(frozen=True)
class Prediction:
    """What the model says of one image.

    `probabilities` come in label order; `familiarity` is None where the model doesn't judge it.
    """

    key: str
    truth: str
    label: str
    confidence: float
    probabilities: tuple[float, ...]
    familiarity: float | None = None


@dataclass(frozen=True)
class Terms:
    """What a release says of itself: `threshold` None accepts nothing, `familiarity_limit` None sets no limit."""

    release: str
    threshold: float | None
    familiarity_limit: float | None = None


@dataclass(frozen=True)
class Evaluation:
    """How a model does on images of a data set.

    `judged` is the threshold with what it does: `terms`' own on all images, or where there are none, one that half of
    the images chose on the other half. `chance` is the accuracy of always answering the most frequent class,
    `unfamiliar` the number of images below the limit of familiarity (None where the model didn't say), and `trained_on`
    the number of training images by class, empty where that is not known. `endpoint` names who answered: of out-of-fold
    predictions, the training job.
    """

    dataset: str
    endpoint: str
    classes: tuple[str, ...]
    trained_on: dict[str, int]
    terms: Terms | None
    images: int
    accuracy: float
    accuracy_interval: Interval
    chance: float
    max_error: float
    judged: OperatingPoint
    unfamiliar: int | None
    expected_calibration_error: float
    calibration: list[CalibrationBin]
    predictions: list[Prediction] = field(repr=False)

    @property
    def threshold(self) -> float | None:
        """The confidence from which answers are accepted; None where nothing is."""
        return self.judged.threshold

    @property
    def choosing(self) -> int:
        """How many images chose the threshold; 0 where that is not known."""
        return sum(self.trained_on.values()) if self.terms else self.images - self.judged.images

    @property
    def familiarity_limit(self) -> float | None:
        """The familiarity below which an image goes to review; None where the model can't tell."""
        return self.terms.familiarity_limit if self.terms else None

    @property
    def correct(self) -> int:
        """How many images are labelled right."""
        return sum(prediction.label == prediction.truth for prediction in self.predictions)

    @property
    def curve(self) -> CoverageCurve:
        """Coverage and error at every threshold."""
        return _curve(self.predictions)

    def accepts(self, prediction: Prediction) -> bool:
        """Whether *prediction* is confident enough, and its image familiar."""
        return _accepts(prediction, self.threshold, self.familiarity_limit)

    def coverage_at(self, threshold: float) -> float:
        """The share of all images that *threshold* accepts, if they are familiar."""
        return sum(_accepts(one, threshold, self.familiarity_limit) for one in self.predictions) / self.images

    def at(self, threshold: float | None) -> OperatingPoint:
        """What another threshold does to all images, those that are unfamiliar going to review as well."""
        accepted = [one for one in self.predictions if _accepts(one, threshold, self.familiarity_limit)]
        return operating_point(threshold, self.images, len(accepted), sum(one.label != one.truth for one in accepted))

    def write(self, path: Path) -> None:
        """Write the evaluation as JSON."""
        write_whole(path, json.dumps(dataclasses.asdict(self), indent=1) + "\n")


def assess(
    dataset: str,
    endpoint: str,
    classes: tuple[str, ...],
    predictions: list[Prediction],
    max_error: float = MAX_ERROR,
    *,
    terms: Terms | None = None,
    trained_on: Mapping[str, int] | None = None,
) -> Evaluation:
    """The evaluation of *predictions*; CoverageError where there are none, or *max_error* is not a proportion.

    Without *terms* a threshold is chosen on one half of the images, and judged on the other.
    """
    curve = _curve(predictions)
    confidence, correct = _arrays(predictions)
    judging, threshold = list(predictions), terms.threshold if terms else None
    if terms is None:
        choosing, rest = halves(predictions)
        if choosing and rest:
            threshold, judging = recommend(_curve(choosing), max_error), rest
    limit = terms.familiarity_limit if terms else None
    accepted = [one for one in judging if _accepts(one, threshold, limit)]
    bins = calibration(confidence, correct)
    told = limit is not None and any(one.familiarity is not None for one in predictions)
    return Evaluation(
        dataset=dataset,
        endpoint=endpoint,
        classes=classes,
        trained_on=dict(trained_on or {}),
        terms=terms,
        images=curve.total,
        accuracy=float(correct.mean()),
        accuracy_interval=interval(int(correct.sum()), curve.total),
        chance=max(Counter(one.truth for one in predictions).values()) / curve.total,
        max_error=max_error,
        judged=operating_point(threshold, len(judging), len(accepted), sum(one.label != one.truth for one in accepted)),
        unfamiliar=sum(not is_familiar(one.familiarity, limit) for one in predictions) if told else None,
        expected_calibration_error=expected_calibration_error(bins),
        calibration=bins,
        predictions=predictions,
    )


def halves(predictions: Sequence[Prediction]) -> tuple[list[Prediction], list[Prediction]]:
    """Those that choose a threshold, and those that judge it; the hash of its key decides in which half an image is."""
    chosen: tuple[list[Prediction], list[Prediction]] = ([], [])
    for prediction in predictions:
        chosen[hashlib.sha256(prediction.key.encode()).digest()[0] % 2].append(prediction)
    return chosen


def read_evaluation(path: Path) -> Evaluation:
    """The evaluation that was written to *path*; EvaluationError where it is missing or malformed."""
    try:
        row: dict[str, Any] = json.loads(path.read_text())
        predictions = [Prediction(**{**p, "probabilities": tuple(p["probabilities"])}) for p in row["predictions"]]
        return assess(
            row["dataset"],
            row["endpoint"],
            tuple(row["classes"]),
            predictions,
            row["max_error"],
            terms=Terms(**row["terms"]) if row["terms"] else None,
            trained_on=row["trained_on"],
        )
    except FileNotFoundError as error:
        raise EvaluationError(f"{path} does not exist; make it with `workflow evaluate`.") from error
    except (ValueError, TypeError, KeyError, AttributeError, CoverageError) as error:
        raise EvaluationError(f"{path} does not hold an evaluation ({in_words(error)}); make it again.") from error


def _accepts(prediction: Prediction, threshold: float | None, limit: float | None) -> bool:
    return is_accepted(prediction.confidence, threshold) and is_familiar(prediction.familiarity, limit)


def _curve(predictions: Sequence[Prediction]) -> CoverageCurve:
    return coverage_curve(*_arrays(predictions))


def _arrays(predictions: Sequence[Prediction]) -> tuple[Any, Any]:
    """Confidence and rightness of each prediction, both of shape (n,)."""
    confidence = np.array([prediction.confidence for prediction in predictions], dtype=float)
    return confidence, np.array([prediction.label == prediction.truth for prediction in predictions], dtype=bool)

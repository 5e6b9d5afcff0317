"""What a model answers of one image, and how to read it.

Our containers describe themselves: a JSON object with `probabilities`, `labels`, `release`, `threshold` and, where the
model judges it, `familiarity` with `familiarity_limit`; on request also `explanation`. Other endpoints, such as those
of SageMaker's built-in algorithm, answer a JSON array of probabilities, whose labels the caller must know.
"""

import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

from contracts.errors import WorkflowError

# What InvokeEndpoint passes on as CustomAttributes to ask for an explanation too.
EXPLAIN = "explain"
SUM_TOLERANCE = 1e-3
RELEASE = re.compile(r"[A-Za-z0-9._-]{1,64}")

Explanation = tuple[tuple[float, ...], ...]


class AnswerError(WorkflowError):
    """An endpoint's answer can't be used; base of the errors below."""


class InvalidAnswer(AnswerError):
    """The answer isn't a probability for each label, or what it says of itself makes no sense."""


class LabelsUnknown(AnswerError):
    """The answer is a plain list of probabilities, and nobody says what they are of."""


class LabelsDisagree(AnswerError):
    """The answer names other labels than its caller expects."""


class ThresholdUnknown(AnswerError):
    """The answer doesn't say from which confidence it is accepted, and nobody else does."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model says of one image.

    Attributes:
        probabilities: one per label, which sum to 1.
        labels: names of the classes, in the order of `probabilities`; empty where nobody named them.
        release: which model answered; None for a plain list, as are all that follow.
        threshold: the confidence from which the release accepts, 0 to 1; None where it accepts nothing.
        familiarity: share of the training images that are at least as unusual as this one, 0 to 1.
        familiarity_limit: the familiarity below which the image is unfamiliar, 0 to 1; None where the model can't tell.
        explanation: rows of a grid over the image, each cell's share in what spoke for the answer, 0 to 1.
    """

    probabilities: tuple[float, ...]
    labels: tuple[str, ...] = ()
    release: str | None = None
    threshold: float | None = None
    familiarity: float | None = None
    familiarity_limit: float | None = None
    explanation: Explanation | None = None

    @property
    def describes_itself(self) -> bool:
        """Whether the model named its labels and its threshold, so that None of the latter means: accept nothing."""
        return self.release is not None

    @property
    def confidence(self) -> float:
        """The largest probability."""
        return max(self.probabilities)

    @property
    def best(self) -> int:
        """The number of the class with the largest probability; the first of several."""
        return self.probabilities.index(self.confidence)

    @property
    def label(self) -> str:
        """The label with the largest probability; the first of several."""
        return self.labels[self.best]

    def with_labels(self, labels: Sequence[str]) -> Self:
        """Return the answer with its labels known: its own, or else *labels*.

        Args:
            labels: what the caller expects, in the order of the model's outputs; none to believe the answer.

        Raises:
            InvalidAnswer: it is a plain list of another length than *labels*.
            LabelsUnknown: it is a plain list, and there are no *labels*.
            LabelsDisagree: it names other labels, or the same in another order.
        """
        if self.labels:
            if labels and tuple(labels) != self.labels:
                raise LabelsDisagree(
                    f"The model's labels are {','.join(self.labels)}, and {','.join(labels)} were expected."
                )
            return self
        if not labels:
            raise LabelsUnknown("The model's answer names no labels; give them by the app stack's ClassLabels.")
        if len(labels) != len(self.probabilities):
            raise InvalidAnswer(f"The model's answer isn't a list of {len(labels)} probabilities.")
        return replace(self, labels=tuple(labels))

    def threshold_under(self, override: float | None) -> float | None:
        """Return the threshold that decides: *override*, else the release's own, None where it accepts nothing.

        Raises ThresholdUnknown where neither is known.
        """
        if override is not None:
            return override
        if not self.describes_itself:
            raise ThresholdUnknown(
                "The model's answer names no threshold; give one by the app stack's ConfidenceThreshold."
            )
        return self.threshold


def parse_answer(body: bytes, labels: Sequence[str] = ()) -> Answer:
    """Read an answer, with its labels: raises InvalidAnswer where it isn't one, and as `Answer.with_labels` does."""
    return read_answer(body).with_labels(labels)


def read_answer(body: bytes) -> Answer:
    """Read an answer as it is: that of a plain list has no labels; raises InvalidAnswer."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise InvalidAnswer("The model's answer isn't JSON.") from error
    if isinstance(value, list):
        return Answer(_probabilities(value))
    if not isinstance(value, dict):
        raise InvalidAnswer("The model's answer is neither a list of probabilities nor an object with them.")
    missing = [key for key in ("probabilities", "labels", "release", "threshold") if key not in value]
    if missing:
        raise InvalidAnswer(f"The model's answer has no {missing[0]}.")
    probabilities = _probabilities(value["probabilities"])
    familiarity, limit = _familiarity(value)
    return Answer(
        probabilities=probabilities,
        labels=_labels(value["labels"], len(probabilities)),
        release=_release(value["release"]),
        threshold=_share(value, "threshold"),
        familiarity=familiarity,
        familiarity_limit=limit,
        explanation=_explanation(value.get("explanation")),
    )


def _probabilities(values: Any) -> tuple[float, ...]:
    if not isinstance(values, list) or len(values) < 2:
        raise InvalidAnswer("The model's answer isn't a list of 2 or more probabilities.")
    if not all(map(_is_share, values)):
        raise InvalidAnswer("The model's answer has a value that isn't a number from 0 to 1.")
    if not math.isclose(total := math.fsum(values), 1, abs_tol=SUM_TOLERANCE):
        raise InvalidAnswer(f"The model's probabilities sum to {total:.4f}, not 1.")
    return tuple(map(float, values))


def _labels(values: Any, count: int) -> tuple[str, ...]:
    if not isinstance(values, list) or not all(isinstance(v, str) and v and v.isprintable() for v in values):
        raise InvalidAnswer("The labels of the model's answer aren't a list of names.")
    if len(values) != count or len(set(values)) != count:
        raise InvalidAnswer(f"The model's answer doesn't name {count} different labels for its {count} probabilities.")
    return tuple(values)


def _release(value: Any) -> str:
    if not isinstance(value, str) or not RELEASE.fullmatch(value):
        raise InvalidAnswer("The release of the model's answer isn't 1 to 64 letters, digits or ._-.")
    return value


def _familiarity(answer: dict[str, Any]) -> tuple[float | None, float | None]:
    familiarity, limit = _share(answer, "familiarity"), _share(answer, "familiarity_limit")
    if (familiarity is None) is not (limit is None):
        raise InvalidAnswer("The model's answer has only one of familiarity and familiarity_limit.")
    return familiarity, limit


def _share(answer: dict[str, Any], key: str) -> float | None:
    value = answer.get(key)
    if value is None:
        return None
    if not _is_share(value):
        raise InvalidAnswer(f"The {key} of the model's answer isn't a number from 0 to 1.")
    return float(value)


def _is_share(value: Any) -> bool:
    return type(value) in (int, float) and 0 <= value <= 1


def _explanation(rows: Any) -> Explanation | None:
    if rows is None:
        return None
    if (
        not isinstance(rows, list)
        or not all(isinstance(row, list) and row and len(row) == len(rows[0]) for row in rows)
        or not all(_is_share(cell) for row in rows for cell in row)
        or not rows
    ):
        raise InvalidAnswer("The explanation of the model's answer isn't a grid of numbers from 0 to 1.")
    return tuple(tuple(map(float, row)) for row in rows)

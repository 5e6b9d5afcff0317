"""What a trained model says of itself in the `model.json` of its artifact, as far as others need it."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from contracts.errors import WorkflowError


class InvalidRelease(WorkflowError):
    """What should describe a release doesn't."""


@dataclass(frozen=True)
class Threshold:
    """A threshold of confidence and the out-of-fold predictions of the training images that it rests on.

    Attributes:
        value: answers of at least this confidence are accepted; None where none is.
        max_error: the error among accepted images that training was told to keep.
        confidence_level: of `error_upper`.
        images: the number of predictions.
        accepted: how many of them the value accepts.
        wrong: how many of those are wrong.
        error_upper: one-sided upper bound of the error among accepted images.
    """

    value: float | None
    max_error: float
    confidence_level: float
    images: int
    accepted: int
    wrong: int
    error_upper: float

    @property
    def fewest(self) -> int:
        """How many images must be accepted, all of them rightly, before any threshold keeps the error."""
        return math.ceil(math.log(1 - self.confidence_level) / math.log(1 - self.max_error))

    @property
    def sentence(self) -> str:
        """What the threshold promises and why, for people."""
        most = f"{100 * self.max_error:g}%"
        if self.value is not None:
            return (
                f"The threshold {self.value:g} accepts {self.accepted / self.images:.2f} of images at an error of at "
                f"most {most} ({self.wrong} wrong of {self.accepted}, upper bound {self.error_upper:.1%})."
            )
        why = (
            f"that takes {self.fewest} images accepted without an error, and there are {self.images} training images"
            if self.images < self.fewest
            else f"too many of the surest answers on the {self.images} training images are wrong"
        )
        return f"Everything goes to review: no threshold keeps the error at {most}, as {why}."


@dataclass(frozen=True)
class Release:
    """What a model needs to be used, and where it came from.

    Attributes:
        release: names the content of the model: the same data give the same release.
        labels: names of the classes in the order of the probabilities.
        features: what the classifier compares of images: `backbone` or `scattering`.
        network: name of the pretrained network behind the features, None where nothing is pretrained.
        threshold: from which confidence it accepts.
        familiarity_limit: the familiarity below which an image is unfamiliar to it; its rate of false alarms.
        dataset_sha256: checksum of the data set that it was trained on.
        metrics: how good it is, by name.
    """

    release: str
    labels: tuple[str, ...]
    features: str
    network: str | None
    threshold: Threshold
    familiarity_limit: float
    dataset_sha256: str
    metrics: Mapping[str, float]

    @property
    def sentence(self) -> str:
        """Which release it is and what its threshold promises, for people."""
        return f"Release {self.release}. {self.threshold.sentence}"

    @classmethod
    def from_record(cls, record: Any) -> Self:
        """Read what `dataclasses.asdict` made of a release.

        Raises:
            InvalidRelease: it is something else.
        """
        try:
            return cls(
                release=_text(record["release"]),
                labels=tuple(_text(label) for label in _list(record["labels"])),
                features=_text(record["features"]),
                network=None if record["network"] is None else _text(record["network"]),
                threshold=_threshold(record["threshold"]),
                familiarity_limit=_share(record["familiarity_limit"]),
                dataset_sha256=_text(record["dataset_sha256"], empty=True),
                metrics={_text(name): _number(value) for name, value in record["metrics"].items()},
            )
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise InvalidRelease(f"This doesn't describe a release of a model: {error!r}.") from error


def parse_release(text: bytes) -> Release | None:
    """Read the `model.json` of an artifact; None where it is that of an algorithm that names no release.

    Raises:
        InvalidRelease: it names a release but doesn't describe it.
    """
    try:
        record = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(record, dict) or "release" not in record:
        return None
    network = record.get("network")
    return Release.from_record(record | {"network": network.get("name", "") if isinstance(network, dict) else network})


def _threshold(record: Any) -> Threshold:
    threshold = Threshold(
        value=None if record["value"] is None else _share(record["value"]),
        max_error=_share(record["max_error"]),
        confidence_level=_share(record["confidence_level"]),
        images=_count(record["images"]),
        accepted=_count(record["accepted"]),
        wrong=_count(record["wrong"]),
        error_upper=_share(record["error_upper"]),
    )
    if not threshold.wrong <= threshold.accepted <= threshold.images or not threshold.images:
        raise ValueError("the counts of the threshold contradict each other")
    if not (0 < threshold.max_error < 1 and 0 < threshold.confidence_level < 1):
        raise ValueError("the threshold promises nothing")
    return threshold


def _list(value: Any) -> list[Any] | tuple[Any, ...]:
    if not isinstance(value, list | tuple) or len(value) < 2:
        raise TypeError(f"{value!r} is not a list of 2 or more")
    return value


def _text(value: Any, *, empty: bool = False) -> str:
    if not isinstance(value, str) or not (value or empty) or not value.isprintable():
        raise TypeError(f"{value!r} is not a name")
    return value


def _number(value: Any) -> float:
    if type(value) not in (int, float) or not math.isfinite(value):
        raise TypeError(f"{value!r} is not a number")
    return float(value)


def _share(value: Any) -> float:
    if not 0 <= (number := _number(value)) <= 1:
        raise ValueError(f"{value!r} is not from 0 to 1")
    return number


def _count(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise TypeError(f"{value!r} is not a number of images")
    return value

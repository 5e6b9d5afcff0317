"""What people decided about an image: the object `labels/<dataset>/<sha256>.json`.

An object holds every decision about the same bytes, wherever they are stored. Nothing is taken out of it: a decision
that was undone is marked as such. Each person has one vote, that of their last decision; the label with most votes
counts, and while several have as many, the image is in dispute. So a third person settles what two disagree about.
"""

import json
import math
import re
from collections import Counter
from dataclasses import asdict, dataclass, fields
from datetime import datetime, timedelta
from typing import Any

from contracts.dataset import dataset_folder
from contracts.errors import WorkflowError
from contracts.layout import Prefix
from contracts.outcomes import ReviewReason

SHA256 = re.compile(r"[0-9a-f]{64}")
# What a page shows in full, and a class or an address has.
LONGEST_NAME = 256


class InvalidLabels(WorkflowError):
    """A text isn't the record of what people decided about an image."""


@dataclass(frozen=True, slots=True)
class ModelAnswer:
    """What the model had answered when a person decided, as Classify's record has it; None where it wasn't known.

    `inferences` are the probabilities of `labels`. A `threshold` of None accepts nothing.
    """

    release: str | None
    label: str
    confidence: float
    threshold: float | None
    familiarity: float | None
    inferences: tuple[float, ...]
    labels: tuple[str, ...]

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "ModelAnswer":
        """Take the answer out of a record, whose other keys are left; raises InvalidLabels."""
        try:
            answer = cls(**{field.name: values[field.name] for field in fields(cls)})
        except KeyError as error:
            raise InvalidLabels(f"The model's answer has no {error}.") from error
        names, shares = answer.labels, answer.inferences
        if not isinstance(names, list) or not all(map(is_name, names)) or len({*names}) != len(names):
            raise InvalidLabels("The labels of the model's answer aren't a list of different names.")
        if not isinstance(shares, list) or len(shares) != len(names) or not all(map(_is_share, shares)):
            raise InvalidLabels(f"The model's answer isn't a list of {len(names)} probabilities.")
        if answer.label not in names or not _is_share(answer.confidence):
            raise InvalidLabels("The model's answer has no label of its own with its confidence.")
        optional = (answer.threshold, answer.familiarity)
        if not all(value is None or _is_share(value) for value in optional) or not _is_name_or_none(answer.release):
            raise InvalidLabels("The threshold, familiarity or release of the model's answer makes no sense.")
        return cls(
            answer.release,
            answer.label,
            float(answer.confidence),
            answer.threshold,
            answer.familiarity,
            tuple(map(float, shares)),
            tuple(names),
        )


@dataclass(frozen=True, slots=True)
class Decision:
    """What one person decided: one of the model's labels, or None where none of them fits.

    `decided_at` is ISO 8601 in UTC; `seconds` is the time from when the image was shown, None where nobody measured it.
    """

    label: str | None
    reviewer: str
    decided_at: str
    seconds: float | None
    reason: ReviewReason
    model: ModelAnswer
    undone: bool = False

    @property
    def time(self) -> datetime:
        """When it was decided."""
        return datetime.fromisoformat(self.decided_at)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Decision":
        """Read a decision; raises InvalidLabels."""
        try:
            read = {field.name: values[field.name] for field in fields(cls)}
            model = ModelAnswer.from_dict(read["model"])
            decision = cls(**read | {"model": model, "reason": ReviewReason(read["reason"])})
            in_utc = decision.time.utcoffset() == timedelta(0)
        except (KeyError, TypeError, ValueError) as error:
            raise InvalidLabels(f"A decision lacks something or has a wrong value ({error!r}).") from error
        if not in_utc or not is_name(decision.reviewer) or type(decision.undone) is not bool:
            raise InvalidLabels("A decision has no reviewer, or no time in UTC.")
        if decision.label is not None and decision.label not in model.labels:
            raise InvalidLabels(f"A decision is for {decision.label!r}, which isn't one of the model's labels.")
        if decision.seconds is not None and not (_is_number(decision.seconds) and 0 <= decision.seconds < math.inf):
            raise InvalidLabels(f"A decision took {decision.seconds!r} seconds.")
        return decision


@dataclass(frozen=True, slots=True)
class LabelledImage:
    """The decisions about the image whose bytes have this checksum, oldest first, and where it was found first."""

    sha256: str
    s3_bucket: str
    s3_key: str
    s3_version_id: str | None
    decisions: tuple[Decision, ...]

    @property
    def votes(self) -> dict[str, Decision]:
        """The last decision of each person that isn't undone."""
        return {decision.reviewer: decision for decision in self.decisions if not decision.undone}

    @property
    def settled(self) -> Decision | None:
        """The last decision for the label with most votes; None where nobody decided or several have as many."""
        ranked = Counter(decision.label for decision in self.votes.values()).most_common(2)
        if not ranked or (len(ranked) == 2 and ranked[0][1] == ranked[1][1]):
            return None
        return max((vote for vote in self.votes.values() if vote.label == ranked[0][0]), key=lambda vote: vote.time)

    @property
    def disputed(self) -> bool:
        """Whether people decided, and no label has more votes than any other."""
        return bool(self.votes) and self.settled is None

    def to_json(self) -> str:
        """Write the record as the text of its object."""
        return json.dumps(asdict(self), indent=1, ensure_ascii=False, allow_nan=False) + "\n"

    @classmethod
    def from_json(cls, text: str | bytes, where: str) -> "LabelledImage":
        """Read the text of an object, which is at *where*.

        Raises:
            InvalidLabels: it isn't JSON, or isn't such a record.
        """
        try:
            read = json.loads(text)
            values = {field.name: read[field.name] for field in fields(cls)}
            image = cls(**values | {"decisions": tuple(map(Decision.from_dict, values["decisions"]))})
        except (ValueError, KeyError, TypeError, RecursionError, InvalidLabels) as error:
            raise InvalidLabels(f"{where} is not a record of what people decided about an image: {error}") from error
        if not is_place(image.sha256, image.s3_bucket, image.s3_key, image.s3_version_id):
            raise InvalidLabels(f"{where} is not a record of what people decided about an image: it names no image.")
        return image


def labels_folder(dataset: str) -> str:
    """Return what begins the keys of a data set's label objects; raises DatasetError as `dataset_folder` does."""
    return f"{Prefix.LABELS}{dataset_folder(dataset).removeprefix(Prefix.DATASETS)}/"


def label_key(dataset: str, sha256: str) -> str:
    """Return the key of an image's label object; raises InvalidLabels where *sha256* isn't 64 hex digits."""
    if not SHA256.fullmatch(sha256):
        raise InvalidLabels(f"{sha256[:70]!r} is not the SHA-256 of an image.")
    return f"{labels_folder(dataset)}{sha256}.json"


def is_place(sha256: Any, bucket: Any, key: Any, version: Any) -> bool:
    """Whether these are the checksum of an image, and the bucket, key and version (None for none) of an object."""
    texts = (sha256, bucket, key) if version is None else (sha256, bucket, key, version)
    return all(isinstance(text, str) and text for text in texts) and bool(SHA256.fullmatch(sha256))


def is_name(value: Any) -> bool:
    """Whether a value can name a person or a class: printable text of at most LONGEST_NAME characters."""
    return isinstance(value, str) and 0 < len(value) <= LONGEST_NAME and value.isprintable()


def _is_name_or_none(value: Any) -> bool:
    return value is None or is_name(value)


def _is_number(value: Any) -> bool:
    return type(value) in (int, float)


def _is_share(value: Any) -> bool:
    return _is_number(value) and 0 <= value <= 1

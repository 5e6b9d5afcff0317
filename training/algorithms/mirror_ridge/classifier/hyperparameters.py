"""The hyperparameters of a training job: strings in, checked values out."""

import json
from dataclasses import dataclass, fields
from pathlib import Path

from classifier.errors import DataError
from classifier.features import KINDS


@dataclass(frozen=True, kw_only=True)
class Hyperparameters:
    """What a training job may set; SageMaker passes every value as a string.

    Attributes:
        class_labels: names of the classes in the order of their numbers, 2 to 100, with commas between; required
        features: what is computed from images: backbone, by a network pretrained on ImageNet, or scattering
        side: width and height that images are squashed to; by default what suits the features
        gamma: inverse width of the kernel, for standardised features; by default what suits them
        seed: draws the landmarks where there are more images than landmarks
        dataset_sha256: digest of the data set, kept in the model's metadata
        max_error: share of wrong answers among the accepted ones that the model's threshold keeps
        landmarks: most training images that the kernel is taken to; the model's size grows with it
    """

    class_labels: tuple[str, ...]
    features: str
    side: int
    gamma: float
    seed: int = 0
    dataset_sha256: str = ""
    max_error: float = 0.02
    landmarks: int = 1500

    def __post_init__(self) -> None:
        """Refuse values out of range."""
        if not 2 <= len(self.class_labels) <= 100 or len(set(self.class_labels)) < len(self.class_labels):
            raise DataError(f"class_labels must name 2 to 100 different classes; it names {list(self.class_labels)}.")
        _check("seed", self.seed, 0 <= self.seed < 2**32, "from 0 to 4294967295")
        sides = KINDS[self.features].sides
        _check("side", self.side, self.side in sides, f"one of {', '.join(map(str, sides))} for {self.features}")
        _check("gamma", self.gamma, 0 < self.gamma < 100, "above 0 and below 100")
        _check("max_error", self.max_error, 0 < self.max_error <= 0.5, "above 0 and at most 0.5")
        _check("landmarks", self.landmarks, 2 <= self.landmarks <= 5000, "from 2 to 5000")


def read_hyperparameters(path: Path) -> Hyperparameters:
    """Read hyperparameters.json; DataError names the one that is missing, unknown or out of range.

    Names that start with ``sagemaker_`` or ``_`` are the platform's own and are passed over.
    """
    try:
        given = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"The hyperparameters in {path} can't be read: {error}.") from error
    if not isinstance(given, dict):
        raise DataError(f"The hyperparameters in {path} must be a JSON object.")
    given = {name: str(value) for name, value in given.items() if not name.startswith(("sagemaker_", "_"))}
    known = {field.name: field.type for field in fields(Hyperparameters)}
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise DataError(f"There is no hyperparameter {unknown[0]}; there are {', '.join(known)}.")
    if "class_labels" not in given:
        raise DataError("The hyperparameter class_labels is missing.")
    labels = tuple(label.strip() for label in given.pop("class_labels").split(","))
    if "" in labels:
        raise DataError("class_labels holds an empty name.")
    features = given.get("features", next(iter(KINDS)))
    if features not in KINDS:
        raise DataError(f"There are no features {features!r}; there are {', '.join(KINDS)}.")
    kind = KINDS[features]
    suitable = {"features": features, "side": str(kind.sides[0]), "gamma": str(kind.gamma)}
    values = {name: _convert(name, value, known[name]) for name, value in (suitable | given).items()}
    return Hyperparameters(class_labels=labels, **values)  # type: ignore[arg-type]  # converted by each field's own type


def _convert(name: str, value: str, kind: object) -> object:
    if kind is str:
        return value
    try:
        return int(value) if kind is int else float(value)
    except ValueError as error:
        raise DataError(f"The hyperparameter {name} must be a number; it is {value!r}.") from error


def _check(name: str, value: float, holds: bool, meaning: str) -> None:
    if not holds:
        raise DataError(f"The hyperparameter {name} must be {meaning}; it is {value}.")

"""A trained model: a directory with arrays and metadata that can't run code."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classifier.arrays import pack, unpack
from classifier.errors import ModelError
from classifier.explain import explain
from classifier.familiarity import Familiarity
from classifier.features import Features, backbone_features, scattering_features
from classifier.kernel import mirror_kernel, softmax
from classifier.metadata import check
from classifier.network import Network
from classifier.threshold import CONFIDENCE_LEVEL, Threshold

FORMAT = 2
ARRAYS = "model.npz"
METADATA = "model.json"
MAX_BYTES = 1 << 30
"""Bytes of a model's file; the largest that training can make has about a tenth."""
SHAPES = {"mean": "d", "scale": "d", "landmarks": "md", "weights": "mk", "intercept": "k"}
"""Arrays of the classifier and their axes: d columns, m landmarks, k classes."""
FAMILIARITY_SHAPES = {"references": "rp", "distances": "r"}
"""Arrays that familiarity is judged by: r training images, p pooled columns."""
HALVED = frozenset({"landmarks", "references"})
RELEASE_DIGITS = 12


@dataclass(frozen=True)
class Model:
    """Everything an answer needs, and where it came from.

    Attributes:
        labels: class names in the order of the probabilities
        features: what the kernel compares of images
        gamma, slope: of the kernel and of the softmax
        arrays: see `SHAPES`
        familiarity: judges whether an image is like the training images
        threshold: from which confidence an answer is accepted, and what that rests on
        metadata: sha256 of the training data, versions and metrics
        release: names the content of the model; empty until it has been saved
    """

    labels: tuple[str, ...]
    features: Features
    gamma: float
    slope: float
    arrays: Mapping[str, NDArray[np.float32]]
    familiarity: Familiarity
    threshold: Threshold
    metadata: Mapping[str, Any]
    release: str = ""

    @cached_property
    def squares(self) -> NDArray[np.float32]:
        """Squared lengths of the landmarks, shape (m,)."""
        lengths: NDArray[np.float32] = np.square(self.arrays["landmarks"]).sum(1)
        return lengths

    def predict_proba(self, images: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Probabilities of shape (n, k) for RGB images of shape (n, side, side, 3)."""
        return self._probabilities(self._standardised(self.features(images)))

    def answer(self, image: NDArray[np.uint8], *, explained: bool = False) -> dict[str, Any]:
        """What is answered of one RGB image of shape (side, side, 3), ready for JSON.

        With `explained` it has also the rows of the grid over the image, see `classifier.explain`.
        """
        described = self.features(image[np.newaxis])
        (answer,) = self.answers(described)
        if explained:
            row = self._standardised(described)[0]
            answer["explanation"] = explain(row, self.features, self._scores).round(4).tolist()
        return answer

    def answers(self, described: NDArray[np.float32]) -> list[dict[str, Any]]:
        """What is answered of images by their features, shape (n, d)."""
        probabilities = self._probabilities(self._standardised(described)).tolist()
        familiarities = self.familiarity.score(self.features.pooled(described)).tolist()
        return [
            {
                "probabilities": row,
                "labels": list(self.labels),
                "release": self.release,
                "threshold": self.threshold.value,
                "familiarity": familiarity,
                "familiarity_limit": self.familiarity.limit,
            }
            for row, familiarity in zip(probabilities, familiarities, strict=True)
        ]

    def _standardised(self, described: NDArray[np.float32]) -> NDArray[np.float32]:
        rows: NDArray[np.float32] = (described - self.arrays["mean"]) / self.arrays["scale"]
        return rows

    def _scores(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        kernel = mirror_kernel(rows, self.arrays["landmarks"], self.squares, rows.shape[1] // 2, self.gamma)
        scores: NDArray[np.float32] = kernel @ self.arrays["weights"] + self.arrays["intercept"]
        return scores

    def _probabilities(self, rows: NDArray[np.float32]) -> NDArray[np.float64]:
        return softmax(self.slope * self._scores(rows))

    def save(self, directory: Path) -> str:
        """Write all files or none and return the release; the same model gives the same bytes."""
        network = self.features.network
        own = {"references": self.familiarity.references, "distances": self.familiarity.distances}
        record = {
            "format": FORMAT,
            "labels": self.labels,
            "features": self.features.name,
            "side": self.features.side,
            "gamma": self.gamma,
            "slope": self.slope,
            "threshold": {**asdict(self.threshold), "confidence_level": CONFIDENCE_LEVEL},
            "familiarity_limit": self.familiarity.limit,
            "network": network.record if network else None,
            **self.metadata,
        }
        files = {**(network.files if network else {}), ARRAYS: pack({**self.arrays, **own}, HALVED)}
        release = _release(record, files)
        directory.mkdir(parents=True, exist_ok=True)
        _write(directory, {**files, METADATA: _text({"release": release, **record})})
        return release

    @classmethod
    def load(cls, directory: Path) -> "Model":
        """Read a directory that `save` wrote; ModelError says what is wrong with any other."""
        try:
            record = json.loads(_read(directory / METADATA))
            if not isinstance(record, dict) or record.get("format") != FORMAT:
                raise ModelError(f"The model in {directory} is not of format {FORMAT}, which this program reads.")
            check(record, directory)
            files = {ARRAYS: _read(directory / ARRAYS)}
        except FileNotFoundError as error:
            raise ModelError(f"The model directory {directory} has no {Path(error.filename).name}.") from error
        except (OSError, ValueError, RecursionError) as error:
            raise ModelError(f"The model in {directory} can't be read: {error}.") from error
        release = record.pop("release")
        features = _features(directory, record)
        sizes = {"k": len(record["labels"]), "d": 2 * len(features.cells), "p": features.pooled_columns}
        try:
            arrays = unpack(files[ARRAYS], SHAPES | FAMILIARITY_SHAPES, sizes)
        except ModelError as error:
            raise ModelError(f"The model in {directory} can't be used. {error}") from error
        if features.network:
            files.update(features.network.files)
        if release != _release(record, files):
            raise ModelError(f"The model in {directory} is not the release {release}: it was changed after training.")
        del record["format"], record["features"], record["side"], record["network"]
        threshold = {name: record["threshold"][name] for name in Threshold.__dataclass_fields__}
        familiarity = Familiarity(arrays["references"], arrays["distances"], record.pop("familiarity_limit"))
        return cls(
            labels=tuple(record.pop("labels")),
            features=features,
            gamma=record.pop("gamma"),
            slope=record.pop("slope"),
            arrays={name: arrays[name] for name in SHAPES},
            familiarity=familiarity,
            threshold=Threshold(**threshold),
            metadata={name: value for name, value in record.items() if name != "threshold"},
            release=release,
        )


def _features(directory: Path, record: Mapping[str, Any]) -> Features:
    if record["features"] == "backbone":
        return backbone_features(Network.load(directory, record["network"]))
    return scattering_features(record["side"])


def _release(record: Mapping[str, Any], files: Mapping[str, bytes]) -> str:
    """Name a model by its content: the same data give the same release."""
    digest = hashlib.sha256(_text(record))
    for name in sorted(files):
        digest.update(hashlib.sha256(files[name]).digest())
    return digest.hexdigest()[:RELEASE_DIGITS]


def _text(record: Mapping[str, Any]) -> bytes:
    return (json.dumps(record, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()


def _read(path: Path) -> bytes:
    if path.stat().st_size > MAX_BYTES:
        raise ModelError(f"{path} has more than {MAX_BYTES:,} bytes.")
    return path.read_bytes()


def _write(directory: Path, files: Mapping[str, bytes]) -> None:
    """Write every file beside its place before the first takes it, so that a full disk leaves none."""
    partials = {directory / f".{name}.partial": directory / name for name in files}
    try:
        for partial, data in zip(partials, files.values(), strict=True):
            partial.write_bytes(data)
        for partial, place in partials.items():
            partial.replace(place)
    finally:
        for partial in partials:
            partial.unlink(missing_ok=True)

"""A trained model: a directory with arrays and metadata that can't run code."""

import io
import json
import math
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classifier.errors import ModelError
from classifier.features import KINDS, Features, backbone_features, scattering_features
from classifier.kernel import mirror_kernel, softmax
from classifier.network import Network

FORMAT = 1
ARRAYS = "model.npz"
METADATA = "model.json"
MAX_BYTES = 1 << 30
"""Bytes of a model's file, and of its arrays unpacked; the largest that training can make has about a tenth."""
SHAPES = {"mean": "d", "scale": "d", "landmarks": "md", "weights": "mk", "intercept": "k"}
"""Arrays of a model and their axes: d columns, m landmarks, k classes."""


@dataclass(frozen=True)
class Model:
    """Everything a prediction needs, and where it came from.

    Attributes:
        labels: class names in the order of the probabilities
        features: what the kernel compares of images
        gamma, slope: of the kernel and of the softmax
        arrays: see `SHAPES`
        metadata: sha256 of the training data, versions and metrics
    """

    labels: tuple[str, ...]
    features: Features
    gamma: float
    slope: float
    arrays: Mapping[str, NDArray[np.float32]]
    metadata: Mapping[str, Any]

    @cached_property
    def squares(self) -> NDArray[np.float32]:
        """Squared lengths of the landmarks, shape (m,)."""
        lengths: NDArray[np.float32] = np.square(self.arrays["landmarks"]).sum(1)
        return lengths

    def predict_proba(self, images: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Probabilities of shape (n, k) for RGB images of shape (n, side, side, 3)."""
        rows = (self.features(images) - self.arrays["mean"]) / self.arrays["scale"]
        kernel = mirror_kernel(rows, self.arrays["landmarks"], self.squares, rows.shape[1] // 2, self.gamma)
        return softmax(self.slope * (kernel @ self.arrays["weights"] + self.arrays["intercept"]))

    def save(self, directory: Path) -> None:
        """Write all files or none; the same model gives the same bytes."""
        network = self.features.network
        buffer = io.BytesIO()
        stored: dict[str, Any] = {**self.arrays, "landmarks": self.arrays["landmarks"].astype(np.float16)}
        np.savez(buffer, allow_pickle=False, **stored)
        record = {
            "format": FORMAT,
            "labels": self.labels,
            "features": self.features.name,
            "side": self.features.side,
            "gamma": self.gamma,
            "slope": self.slope,
            "network": network.record if network else None,
            **self.metadata,
        }
        text = json.dumps(record, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
        directory.mkdir(parents=True, exist_ok=True)
        files = network.files if network else {}
        _write(directory, {**files, ARRAYS: buffer.getvalue(), METADATA: text.encode()})

    @classmethod
    def load(cls, directory: Path) -> "Model":
        """Read a directory that `save` wrote; ModelError says what is wrong with any other."""
        try:
            record = json.loads(_read(directory / METADATA))
            if not isinstance(record, dict) or record.pop("format", None) != FORMAT:
                raise ModelError(f"The model in {directory} is not of format {FORMAT}, which this program reads.")
            with zipfile.ZipFile(io.BytesIO(_read(directory / ARRAYS))) as packed:
                if sum(member.file_size for member in packed.infolist()) > MAX_BYTES:
                    raise ModelError(f"The arrays in {directory} unpack to more than {MAX_BYTES:,} bytes.")
                arrays = {name: _read_array(packed, name) for name in SHAPES}
            own = {name: record.pop(name) for name in ("labels", "features", "side", "gamma", "slope")}
        except FileNotFoundError as error:
            raise ModelError(f"The model directory {directory} has no {Path(error.filename).name}.") from error
        except (OSError, EOFError, ValueError, KeyError, RecursionError, zipfile.BadZipFile, zlib.error) as error:
            raise ModelError(f"The model in {directory} can't be read: {error}.") from error
        _check_settings(own, directory)
        labels = tuple(own.pop("labels"))
        _check_shapes(arrays, len(labels), directory)
        network, name, side = record.pop("network", None), own.pop("features"), own.pop("side")
        if name == "backbone":
            features = backbone_features(Network.load(directory, network))
        else:
            features = scattering_features(side)
        return cls(labels=labels, features=features, **own, arrays=arrays, metadata=record)


def _read(path: Path) -> bytes:
    if path.stat().st_size > MAX_BYTES:
        raise ModelError(f"{path} has more than {MAX_BYTES:,} bytes.")
    return path.read_bytes()


def _read_array(packed: zipfile.ZipFile, name: str) -> NDArray[np.float32]:
    """Read one array, if it has as many bytes as its header says: NumPy would first make room for what it says."""
    content = packed.read(f"{name}.npy")
    stream = io.BytesIO(content)
    version = np.lib.format.read_magic(stream)
    if version != (1, 0):
        raise ValueError(f"{name} is an array of format {version}")
    shape, _, dtype = np.lib.format.read_array_header_1_0(stream)
    if not dtype.hasobject and math.prod(shape) * dtype.itemsize != len(content) - stream.tell():
        raise ValueError(f"{name} has {len(content)} bytes for a shape of {shape}")
    stream.seek(0)
    array: NDArray[Any] = np.lib.format.read_array(stream, allow_pickle=False)
    return array.astype(np.float32)


def _check_settings(own: Mapping[str, Any], directory: Path) -> None:
    labels = own["labels"]
    kind = KINDS.get(own["features"]) if isinstance(own["features"], str) else None
    fits = {
        "labels": isinstance(labels, list) and len(labels) > 1 and all(type(label) is str for label in labels),
        "features": kind is not None,
        "side": type(own["side"]) is int and (kind is None or own["side"] in kind.sides),
        "gamma": type(own["gamma"]) in (int, float) and math.isfinite(own["gamma"]),
        "slope": type(own["slope"]) in (int, float) and math.isfinite(own["slope"]),
    }
    for name in (name for name, fit in fits.items() if not fit):
        raise ModelError(f"The model in {directory} has a {name} that can't be: {str(own[name])[:80]}.")


def _check_shapes(arrays: Mapping[str, NDArray[Any]], classes: int, directory: Path) -> None:
    sizes = {"k": classes}
    for name, axes in SHAPES.items():
        array = arrays[name]
        fits = array.ndim == len(axes) and all(
            sizes.setdefault(axis, size) == size for axis, size in zip(axes, array.shape, strict=True)
        )
        if not fits or not np.isfinite(array).all():
            raise ModelError(f"The model in {directory} is damaged: {name} has shape {array.shape} or isn't finite.")


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

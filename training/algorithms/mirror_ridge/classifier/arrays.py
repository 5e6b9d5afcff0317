"""Arrays of a model as a file that can't run code: what is read is what fits, or ModelError says what doesn't."""

import io
import math
import zipfile
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classifier.errors import ModelError

MAX_BYTES = 1 << 30
"""Bytes of the arrays unpacked; the largest that training can make have about a tenth."""

Arrays = Mapping[str, NDArray[np.float32]]


def pack(arrays: Arrays, halved: frozenset[str]) -> bytes:
    """Write arrays as .npz, those in `halved` in half precision; the same arrays give the same bytes."""
    buffer = io.BytesIO()
    stored: dict[str, Any] = {
        name: array.astype(np.float16) if name in halved else array for name, array in arrays.items()
    }
    np.savez(buffer, allow_pickle=False, **stored)
    return buffer.getvalue()


def unpack(data: bytes, shapes: Mapping[str, str], sizes: Mapping[str, int]) -> Arrays:
    """Read the arrays that `pack` wrote.

    Args:
        data: the file
        shapes: names of the arrays and their axes, one letter each
        sizes: lengths of axes that are known; equal letters are equal lengths

    Raises:
        ModelError: an array is missing, damaged, too large, of another shape or not finite.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            if sum(member.file_size for member in packed.infolist()) > MAX_BYTES:
                raise ModelError(f"The arrays unpack to more than {MAX_BYTES:,} bytes.")
            arrays = {name: _read_array(packed, name) for name in shapes}
    except (OSError, EOFError, ValueError, KeyError, RecursionError, zipfile.BadZipFile, zlib.error) as error:
        raise ModelError(f"The arrays can't be read: {error}.") from error
    known = dict(sizes)
    for name, axes in shapes.items():
        array = arrays[name]
        fits = array.ndim == len(axes) and all(
            known.setdefault(axis, size) == size for axis, size in zip(axes, array.shape, strict=True)
        )
        if not fits or not array.size or not np.isfinite(array).all():
            raise ModelError(f"The arrays are damaged: {name} has shape {array.shape} or isn't finite.")
    return arrays


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

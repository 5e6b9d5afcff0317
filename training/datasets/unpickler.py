"""Read a pickled NumPy array of bytes without running anything from the pickle."""

import pickle
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.errors import ArchiveError


class _Dtype:
    """Stands in for `numpy.dtype`; the state of a one-byte type says nothing that matters."""

    def __init__(self, code: bytes | str, *_: object) -> None:
        self.code = code

    def __setstate__(self, state: object) -> None:
        pass


class _Array:
    """Stands in for `numpy.core.multiarray._reconstruct` and takes nothing but rows of bytes."""

    rows: NDArray[np.uint8]

    def __init__(self, *_: object) -> None:
        pass

    def __setstate__(self, state: Any) -> None:
        _, shape, dtype, column_major, data = state
        if not isinstance(dtype, _Dtype) or dtype.code not in (b"u1", "u1") or column_major:
            raise pickle.UnpicklingError("an array is not of unsigned bytes, row by row")
        self.rows = np.frombuffer(data, np.uint8).reshape(shape)


class RowsUnpickler(pickle.Unpickler):
    """Admits the three globals of a pickled NumPy array, and puts inert classes in their place.

    NumPy's own would trust the state that they are given, which a forged pickle can use to reach foreign memory.
    """

    def find_class(self, module: str, name: str) -> Any:
        """Give the stand-in for a global, or refuse it.

        Raises:
            ArchiveError: it is none of the three.
        """
        match module.replace("numpy._core", "numpy.core"), name:
            case "numpy.core.multiarray", "_reconstruct":
                return _Array
            case "numpy", "dtype":
                return _Dtype
            case "numpy", "ndarray":
                return None  # Only ever an argument of _reconstruct, which ignores it.
        raise ArchiveError(f"the archive holds a pickle that calls for {module}.{name}; nothing of it was run")

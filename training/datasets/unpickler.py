"""Read a pickled NumPy array of bytes without running anything from the pickle."""

import io
import pickle
import pickletools
from collections import Counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.errors import ArchiveError

# Values, one for each label and file name, and what files them: the official archive has 200,000 at most.
COMMON = frozenset(
    {"APPEND", "BINGET", "BININT", "BININT1", "BININT2", "BINPUT", "LONG_BINGET", "LONG_BINPUT", "MEMOIZE"}
    | {"BINBYTES", "BINSTRING", "BINUNICODE", "SHORT_BINBYTES", "SHORT_BINSTRING", "SHORT_BINUNICODE"}
)
MAX_COMMON = 1_000_000
# What the dict, its lists and the array are built of.
RARE = frozenset(
    {"APPENDS", "BUILD", "EMPTY_DICT", "EMPTY_LIST", "EMPTY_TUPLE", "FRAME", "GLOBAL", "MARK", "NEWFALSE", "NEWTRUE"}
    | {"NONE", "PROTO", "REDUCE", "SETITEM", "SETITEMS", "STACK_GLOBAL", "STOP", "TUPLE", "TUPLE1", "TUPLE2", "TUPLE3"}
)
MAX_RARE = 1_000
MAX_TEXT = 1_000


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


def load(data: bytes) -> Any:
    """Unpickle rows of bytes in memory that is a small multiple of the pickle's own size.

    Raises:
        ArchiveError: it calls for something that no such array needs.
        pickle.UnpicklingError: it is no pickle, or one that would take far more memory than it has bytes.
    """
    _check_opcodes(data)
    return RowsUnpickler(io.BytesIO(data), encoding="bytes").load()


def _check_opcodes(data: bytes) -> None:
    """Bound what a pickle can build: an opcode of one byte makes an object of up to 200."""
    counts: Counter[str] = Counter()
    for opcode, argument, _ in pickletools.genops(data):
        name = opcode.name
        counts[name] += 1
        if name not in COMMON | RARE:
            raise pickle.UnpicklingError(f"it has an opcode {name}, which rows of bytes don't need")
        if name == "LONG_BINPUT" and int(argument or 0) > MAX_COMMON:
            raise pickle.UnpicklingError("it asks for more memory than it has bytes")
        if name.endswith("BINUNICODE") and len(str(argument)) > MAX_TEXT:
            raise pickle.UnpicklingError(f"it has a text of more than {MAX_TEXT:,} characters")
        if counts[name] > (limit := MAX_COMMON if name in COMMON else MAX_RARE):
            raise pickle.UnpicklingError(f"it has more than {limit:,} opcodes {name}")

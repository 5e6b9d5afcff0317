"""Files that are either whole or not there, and names that can't lead out of their folder."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from contracts.errors import WorkflowError

# What Linux and macOS allow for one part of a path.
NAME_BYTES = 255
NOT_IN_NAMES = re.compile(r"[\x00-\x1f\x7f-\x9f\\\ud800-\udfff]|^[A-Za-z]:")


class UnsafeName(WorkflowError):
    """A name or a key that was given from outside can't be that of a file."""


def below(folder: Path, name: str) -> Path:
    """The path of *name*, whose parts are separated by `/`, in *folder* on every system.

    Raises UnsafeName where it is empty or absolute, or has a part that is empty, `.`, `..`, longer than 255 bytes, or
    begins with a drive letter, or a backslash, a control character or half a surrogate pair. Links are not followed:
    the folder must be one that only its owner fills.
    """
    for part in name.split("/"):
        if part in {"", ".", ".."} or NOT_IN_NAMES.search(part) or len(part.encode()) > NAME_BYTES:
            raise UnsafeName(
                f"{name[:NAME_BYTES]!r} can't be the name of a file: {part[:NAME_BYTES]!r} is not allowed."
            )
    return folder / name


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """A path beside *path* to write to; it is renamed when the block ends well, else removed. Folders are made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{threading.get_native_id()}.part")
    try:
        yield part
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def write_whole(path: Path, content: str | bytes) -> Path:
    """Write *content* to *path*, so that no reader ever meets half a file."""
    with written_whole(path) as part:
        part.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def append_whole(path: Path, line: bytes) -> None:
    """Append *line* to *path*; where that fails, as on a full disk, the file stays as it was."""
    with path.open("ab", buffering=0) as file:
        before = file.tell()
        try:
            # What a disk has no space for is first written in part, and then refused.
            while line:
                line = line[file.write(line) :]
        except BaseException:
            file.truncate(before)
            raise

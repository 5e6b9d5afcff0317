"""Temporary folders that don't outlive their owners by more than one start."""

import fcntl
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path


@contextmanager
def scratch_folder(prefix: str, parent: Path | None = None) -> Iterator[Path]:
    """A new folder in *parent*, by default that for temporary files, removed when the block ends.

    Its name is *prefix*, the owner's process id and something random. The owner holds a lock on it, which ends with the
    process however that ends; so the next folder of the same prefix removes those whose owners were killed, and no
    other.
    """
    parent = parent or Path(tempfile.gettempdir())
    _remove_abandoned(prefix, parent)
    with ExitStack() as ending:
        yield _make(prefix, parent, ending)


def _make(prefix: str, parent: Path, ending: ExitStack) -> Path:
    while True:
        folder = Path(tempfile.mkdtemp(prefix=f"{prefix}{os.getpid()}-", dir=parent))
        # Another start may take the new folder for an abandoned one before it is locked; then there must be another.
        if (descriptor := _lock(folder)) is not None:
            ending.callback(os.close, descriptor)
            ending.callback(shutil.rmtree, folder, ignore_errors=True)
            return folder


def _remove_abandoned(prefix: str, parent: Path) -> None:
    name = re.compile(rf"{re.escape(prefix)}[0-9]+-\w+")
    for folder in parent.iterdir():
        if name.fullmatch(folder.name) and (descriptor := _lock(folder)) is not None:
            shutil.rmtree(folder, ignore_errors=True)
            os.close(descriptor)


def _lock(folder: Path) -> int | None:
    """Lock a folder of this user, and return its descriptor; None where it is another's, in use or gone."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        return None
    with suppress(OSError):
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(descriptor).st_uid == os.getuid() and os.path.samestat(os.fstat(descriptor), folder.lstat()):
            return descriptor
    os.close(descriptor)
    return None

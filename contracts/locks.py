"""Folders that one process at a time writes to."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from contracts.errors import WorkflowError

LOCK_FILE = ".lock"


class FolderInUse(WorkflowError):
    """Another process writes to the folder."""


@contextmanager
def exclusive(folder: Path, option: str = "--out") -> Iterator[None]:
    """Keep *folder*, which is made where it isn't there, for this process until the block ends.

    The lock is the kernel's: it ends with the process, however that ends. The file stays, as a process that has just
    opened it could otherwise lock a file that is no longer there. Raises FolderInUse where another process has it,
    which names the option that the folder was given by.
    """
    folder.mkdir(parents=True, exist_ok=True)
    # Opened for writing, as NFS locks nothing else.
    with (folder / LOCK_FILE).open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise FolderInUse(
                f"Another command is writing to {folder}; wait until it has ended, or choose another folder "
                f"by {option}."
            ) from error
        yield

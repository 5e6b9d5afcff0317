"""The folder of a state: `state.json`, the contents of S3 objects by their SHA-256, and variables for a shell.

`state.json` is written beside and renamed, after the contents that it names, so that a stack may be killed at any
moment. Nobody but the owner can read the folder, as it has the stack's access key.
"""

import hashlib
import json
import os
import shutil
import sys
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from shlex import quote
from typing import Any

from contracts.files import written_whole
from contracts.locks import exclusive
from local.state.errors import UnusableState

# Goes up whenever what is written changes in a way that older or newer code would misread.
FORMAT = 1
STATE_FILE = "state.json"
OBJECTS = "objects"
ACTIVATE = "activate"
OLD_SUFFIX = ".old"


class StateFolder:
    """A folder that this process has locked."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._objects = path / OBJECTS
        self._written: set[str] = set()

    def read(self) -> dict[str, Any]:
        """Return what was written last, nothing where nothing was; raise UnusableState where it can't be read."""
        path = self.path / STATE_FILE
        try:
            content = json.loads(path.read_bytes())
            version = content["format"]
        except FileNotFoundError:
            return {}
        except (ValueError, TypeError, KeyError) as error:
            raise self.damaged(f"{path.name} can't be read: {error}") from error
        if version != FORMAT:
            raise UnusableState(
                f"The state in {self.path} has the format {version}, and this version of the workflow reads {FORMAT}: "
                "use the version that wrote it, or delete the folder to begin anew."
            )
        return dict(content)

    def write(self, content: str, objects: Collection[str]) -> None:
        """Replace what is kept, JSON with its format, and remove the contents of objects other than these."""
        self._write_private(self.path / STATE_FILE, content.encode())
        for name in self._written - {*objects}:
            (self._objects / name).unlink(missing_ok=True)
        self._written &= {*objects}

    def put_object(self, content: bytes) -> str:
        """Keep the content of an object, and return its SHA-256."""
        name = hashlib.sha256(content).hexdigest()
        if name not in self._written:
            self._objects.mkdir(exist_ok=True)
            # Not beside, as renaming a thousand small files takes long: nothing names a file before it is whole.
            descriptor = os.open(self._objects / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
            self._written.add(name)
        return name

    def object(self, name: str) -> bytes:
        """Return the content with a SHA-256; raise UnusableState where the file has another, or is gone."""
        try:
            content = (self._objects / name).read_bytes()
        except OSError as error:
            raise self.damaged(f"{OBJECTS}/{name} can't be read: {error.strerror}") from error
        if hashlib.sha256(content).hexdigest() != name:
            raise self.damaged(f"{OBJECTS}/{name} has changed")
        self._written.add(name)
        return content

    def write_activate(self, environment: Mapping[str, str]) -> None:
        """Write the variables that lead to the stack, and the place of the `workflow` command, for `source`."""
        lines = [f"export {name}={quote(value)}" for name, value in environment.items()]
        lines.append(f'export PATH={quote(str(Path(sys.executable).parent))}:"$PATH"')
        self._write_private(self.path / ACTIVATE, "".join(f"{line}\n" for line in lines).encode())

    def damaged(self, why: str) -> UnusableState:
        """Return the error for a content that makes no sense."""
        return UnusableState(f"The state in {self.path} is damaged, {why}; delete the folder to begin anew.")

    def tidy(self) -> None:
        """Remove what a stack left that was killed while it wrote."""
        for part in self.path.glob(".*.part"):
            part.unlink()

    def forget_unnamed_objects(self) -> None:
        """Remove the contents that nothing names, once all that are named have been read."""
        for path in self._objects.glob("*"):
            if path.name not in self._written:
                path.unlink()

    def _write_private(self, path: Path, content: bytes) -> None:
        with written_whole(path) as part:
            part.touch(0o600)
            part.write_bytes(content)


@contextmanager
def opened(path: Path) -> Iterator[StateFolder]:
    """Make and lock a folder for a state.

    Raises UnusableState where it has other files, and FolderInUse where another stack uses it.
    """
    try:
        _make_private(path)
    except OSError as error:
        raise UnusableState(f"The state can't be kept in {path}: {error.strerror}.") from error
    with exclusive(path, "--state"):
        folder = StateFolder(path)
        folder.tidy()
        yield folder


def _make_private(path: Path) -> None:
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    names = {one.name for one in path.iterdir() if not one.name.startswith(".")}
    if STATE_FILE not in names and (foreign := sorted(names - {OBJECTS, ACTIVATE})):
        raise UnusableState(f"{path} is no state of the local stack, as it has {foreign[0]}: name a folder of its own.")
    path.chmod(0o700)


def set_aside(path: Path, option: str) -> Path | None:
    """Move a state, where there is one, to `<path>.old` in place of an older one, and return where it is then.

    Raises FolderInUse where a stack uses it, which names the option that the folder was given by.
    """
    if not (path / STATE_FILE).exists():
        return None
    old = path.with_name(path.name + OLD_SUFFIX)
    with exclusive(path, option):
        if old.exists():
            shutil.rmtree(old)
        path.rename(old)
    return old

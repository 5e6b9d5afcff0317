"""Whether what a stack runs has changed on disk."""

import os
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

LOOK_SECONDS = 1.0


class Sources:
    """The modules in a function's folder, also those of the packages that it has as links."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._looked = time.monotonic()
        self._seen = _stamps(_modules(folder))
        self._version = 0

    def version(self) -> int:
        """Return a number that goes up when a module was changed, added or removed; looks once a second at most."""
        with self._lock:
            if (now := time.monotonic()) >= self._looked + LOOK_SECONDS:
                self._looked = now
                if (seen := _stamps(_modules(self._folder))) != self._seen:
                    self._seen, self._version = seen, self._version + 1
            return self._version


class Definitions:
    """The templates and state machines below a folder, which a stack reads when it starts."""

    def __init__(self, root: Path) -> None:
        self._paths = [*root.glob("template.yaml"), *root.glob("*/template.yaml"), *root.glob("statemachine/*.json")]
        self._root = root
        self._seen = _stamps(self._paths)

    def changed(self) -> list[str]:
        """Return the names of those that were changed since this was asked last."""
        before, self._seen = self._seen, _stamps(self._paths)
        changed = [path for path in self._paths if self._seen.get(path) != before.get(path)]
        return [str(path.relative_to(self._root)) for path in changed]


def _modules(folder: Path) -> Iterator[Path]:
    for inside, _, names in os.walk(folder, followlinks=True):
        yield from (Path(inside, name) for name in names if name.endswith(".py"))


def _stamps(paths: Iterable[Path]) -> dict[Path, tuple[int, int]]:
    found = {}
    for path in paths:
        # An editor may have removed it since it was listed, to put another in its place.
        with suppress(FileNotFoundError):
            status = path.stat()
            found[path] = status.st_mtime_ns, status.st_size
    return found

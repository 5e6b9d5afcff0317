"""How a patch for moto is applied: once a process, and only to the code that it was written for."""

import hashlib
import importlib.metadata
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from local.errors import LocalError

DIGEST_CHARACTERS = 12


class MotoChanged(LocalError):
    """Moto isn't the version that a patch was written for."""


@dataclass(frozen=True)
class Patch:
    """A replacement for a function of a class or module, or for the function of a property.

    `make` takes the function that is there and returns the one to put in its place; its docstring says what is wrong
    without the patch. `digest` are the first characters of the SHA-256 of the source of moto's own function.
    """

    owner: type | ModuleType
    name: str
    digest: str
    make: Callable[[Any], Callable[..., Any]]

    def apply(self) -> None:
        """Replace the function; a second call changes nothing.

        Raises MotoChanged where the function isn't the one that the patch was written for.
        """
        place = (self.owner.__name__, self.name)
        if self.make in _applied.setdefault(place, []):
            return
        raw = inspect.getattr_static(self.owner, self.name, None)
        function = raw.fget if isinstance(raw, property) else getattr(self.owner, self.name, None)
        # Of several patches on one function only the first finds moto's own.
        if not _applied[place] and _digest(function) != self.digest:
            raise MotoChanged(_refusal(*place, self.make.__name__))
        made = self.make(function)
        kind = type(raw) if isinstance(raw, (staticmethod, classmethod, property)) else None
        setattr(self.owner, self.name, kind(made) if kind else made)
        _applied[place].append(self.make)


def replace_in_modules(modules: tuple[ModuleType, ...], name: str, original: object, replacement: object) -> None:
    """Replace what modules have imported under a name; a second call changes nothing.

    Raises MotoChanged where one of them has something else than `original` under it.
    """
    for module in modules:
        place = (module.__name__, name)
        if place in _applied:
            continue
        if getattr(module, name, None) is not original:
            raise MotoChanged(_refusal(*place, name))
        setattr(module, name, replacement)
        _applied[place] = []


# The patches that this process has applied, by the name of the class or module and of its attribute.
_applied: dict[tuple[str, str], list[Callable[[Any], Callable[..., Any]]]] = {}


def _digest(function: Any) -> str | None:
    if function is None:
        return None
    return hashlib.sha256(inspect.getsource(function).encode()).hexdigest()[:DIGEST_CHARACTERS]


def _refusal(owner: str, name: str, patch: str) -> str:
    version = importlib.metadata.version("moto")
    return (
        f"The patch {patch} wasn't written for {owner}.{name} of moto {version}: install the moto that pyproject.toml "
        "names, or bring the patch up to date."
    )

"""Defaults of options that `workflow.toml` in the current folder gives.

A key is an option's long name without the dashes, and its value that option's default in every verb that has it. The
command line and the environment go before it.
"""

import json
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from contracts.errors import WorkflowError

DEFAULTS_FILE = "workflow.toml"

Value = str | float | Sequence[str]


class DefaultsError(WorkflowError):
    """The file of defaults can't be read, or has something that no option takes."""


def _text(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise TypeError("a text that isn't empty, in quotes")
    return value


def _share(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError("a number, such as 0.02")
    return float(value)


def _classes(value: object) -> str:
    if isinstance(value, str):
        return _text(value)
    if not isinstance(value, list) or not value or not all(isinstance(one, str) and one.strip() for one in value):
        raise TypeError('a list of names, such as ["cat", "dog"]')
    if any("," in one for one in value):
        raise TypeError("a list of names without commas")
    return ",".join(value)


# What a file may give, and what turns its value into the option's, or raises TypeError with what it should be.
KEYS: Mapping[str, Callable[[object], str | float]] = {
    "bucket": _text,
    "role": _text,
    "stack": _text,
    "endpoint": _text,
    "out": _text,
    "dataset": _text,
    "name": _text,
    "classes": _classes,
    "max-error": _share,
}
# Options that have a key's name and mean something else: a file to write, labels that only a model without its own
# gets, the names of data sets to come, and the one that the model in the folder of results was trained on.
OTHER_MEANING = {
    ("capture", "out"),
    ("local", "classes"),
    ("improve", "name"),
    ("init", "name"),
    ("quality", "name"),
    ("review", "name"),
}


def read_defaults(path: Path) -> dict[str, str | float]:
    """Return what a file gives, as its options take it; nothing where the file is missing.

    Raises:
        DefaultsError: it isn't TOML, or a key or a value is none that an option takes.
        OSError: it can't be read.
    """
    try:
        read = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DefaultsError(f"{path} is not TOML: {error}.") from error
    return {key: _value(path, key, value) for key, value in read.items()}


def as_toml(given: Mapping[str, Value]) -> str:
    """Return the lines that give these keys."""
    return "".join(f"{key} = {_toml(value)}\n" for key, value in given.items())


def _toml(value: Value) -> str:
    if isinstance(value, str):
        # Of what JSON leaves as it is, TOML escapes one character more.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return str(value) if isinstance(value, float) else f"[{', '.join(map(_toml, value))}]"


def _value(path: Path, key: str, value: object) -> str | float:
    if key not in KEYS:
        near = get_close_matches(key, KEYS, 1)
        meant = f"did you mean {near[0]}?" if near else f"it may have {', '.join(KEYS)}."
        raise DefaultsError(f"{path} has the unknown key {key}; {meant}")
    try:
        return KEYS[key](value)
    except TypeError as wanted:
        raise DefaultsError(f"{path}: {key} must be {wanted}.") from wanted


def default_map(given: Mapping[str, str | float], verbs: Mapping[str, Iterable[Any]]) -> dict[str, dict[str, object]]:
    """Return the defaults of each verb's parameters by their names, from what a file gives.

    Args:
        given: what `read_defaults` returned.
        verbs: the parameters of each verb, as Typer has them.
    """
    return {
        verb: {
            parameter.name: _of_verb(verb, key, value)
            for parameter in parameters
            for key, value in given.items()
            if f"--{key}" in parameter.opts and (verb, key) not in OTHER_MEANING
        }
        for verb, parameters in verbs.items()
    }


def _of_verb(verb: str, key: str, value: str | float) -> str | float:
    # The demo's results would overwrite those of the other verbs, whose bucket and endpoint are others.
    return str(Path(str(value)) / "demo") if (verb, key) == ("demo", "out") else value

"""Inputs that a state can take, made of the paths that its definition reads."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from checks.check import CheckError

# Definitions of other states, and what reads errors and results instead of the input.
NESTED = {"ItemProcessor", "Iterator", "Branches", "Choices", "Retry", "Catch", "ItemReader", "Result"}
OF_RESULT = {"ResultPath", "ResultSelector"}
PATH = re.compile(r"(?<!\$)\$(?!\$)(?:\.\w+|\[[^\]]*\])*")
TEXT = "text"


class Untestable(CheckError):
    """A state's definition has something for which no input is known."""


@dataclass(frozen=True)
class Branch:
    """An input of a Choice, and the state that it must lead to."""

    input: Any
    next: str


def sample(state: Mapping[str, Any]) -> Any:
    """Return an input in which every path that the state reads is there."""
    root: Any = {}
    for path, value in _read(state):
        root = _put(root, _steps(path), value)
    return root


def branches(choice: Mapping[str, Any]) -> list[Branch]:
    """Return an input for each rule of a Choice, and one that no rule takes where there is a default.

    Raises:
        Untestable: a rule compares in a way that is not known here.
    """
    rules = [(_comparisons(rule), rule["Next"]) for rule in choice["Choices"]]
    base: Any = {}
    for comparisons, _ in rules:
        for comparison in comparisons:
            if comparison.unlike is not None:
                base = _put(base, _steps(comparison.path), comparison.unlike)
    made = [Branch(base, choice["Default"])] if "Default" in choice else []
    for comparisons, target in rules:
        value = base
        for comparison in comparisons:
            value = _put(value, _steps(comparison.path), comparison.like)
        made.append(Branch(value, target))
    return made


@dataclass(frozen=True)
class _Comparison:
    """A path, a value that the comparison takes, and one that it doesn't; None is to be absent."""

    path: str
    like: Any
    unlike: Any


def _comparisons(rule: Mapping[str, Any]) -> list[_Comparison]:
    if "And" in rule:
        return [comparison for part in rule["And"] for comparison in _comparisons(part)]
    match rule:
        case {"Variable": str(path), "StringEquals": str(text)}:
            return [_Comparison(path, text, f"not {text}")]
        case {"Variable": str(path), "StringEqualsPath": str(other)}:
            return [_Comparison(path, TEXT, f"not {TEXT}"), _Comparison(other, TEXT, TEXT)]
        case {"Variable": str(path), "StringMatches": str(pattern)}:
            return [_Comparison(path, pattern.replace("*", TEXT), "")]
        case {"Variable": str(path), "NumericEquals": int(number)}:
            return [_Comparison(path, number, number + 1)]
        case {"Variable": str(path), "BooleanEquals": bool(truth)}:
            return [_Comparison(path, truth, not truth)]
        case {"Variable": str(path), "IsPresent": True}:
            return [_Comparison(path, TEXT, None)]
    raise Untestable(f"there is no input for the rule {dict(rule)}")


def _read(state: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for key, value in state.items():
        if key in NESTED | OF_RESULT:
            continue
        if key == "OutputPath" and (state["Type"] != "Pass" or {"Parameters", "Result"} & state.keys()):
            continue  # It reads the result.
        if key.endswith(("Path", ".$")) and isinstance(value, str):
            yield from _in_expression(key, value)
        elif isinstance(value, dict):
            yield from _read({"Type": state["Type"]} | value)


def _in_expression(key: str, text: str) -> Iterator[tuple[str, Any]]:
    # A JSON array under StringToJson would be read on by no path here, so an object does.
    value: Any = "{}" if "States.StringToJson(" in text else TEXT
    if key == "ItemsPath":
        value = [TEXT]
    elif re.match(r"Max|Tolerated|Timeout|Heartbeat|Seconds", key):
        value = 1
    for path in PATH.findall(text):
        yield path, value


def _steps(path: str) -> list[str]:
    """`$.a[0].b` is a, [0], b."""
    return re.findall(r"\w+(?![^\[]*\])|\[[^\]]*\]", path.removeprefix("$"))


def _put(root: Any, steps: list[str], value: Any) -> Any:
    """Return the value with one set at a path; what is there already and reaches deeper stays."""
    if not steps:
        return root
    first, rest = steps[0], steps[1:]
    if first.startswith("["):
        items = root if isinstance(root, list) else []
        inner = items[0] if items else {}
        return [_put(inner, rest, value) if rest else value, *items[1:]]
    members = root if isinstance(root, dict) else {}
    return members | {first: _put(members.get(first, {}), rest, value) if rest else value}

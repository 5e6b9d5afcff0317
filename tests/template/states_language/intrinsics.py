"""Parse paths and calls of intrinsic functions: what may come as the value of a key that ends in .$."""

import json
import re
from typing import Any

from jsonpath_ng.exceptions import JSONPathError
from jsonpath_ng.ext.parser import parse

from local.states_language import REFERENCE_PATH

# Each intrinsic function's least and most arguments: SPEC, Intrinsic Functions; intrinsic-functions.html.
MANY = 10_000
ARGUMENTS = {
    "Format": (1, MANY),
    "StringToJson": (1, 1),
    "JsonToString": (1, 1),
    "Array": (0, MANY),
    "ArrayPartition": (2, 2),
    "ArrayContains": (2, 2),
    "ArrayRange": (3, 3),
    "ArrayGetItem": (2, 2),
    "ArrayLength": (1, 1),
    "ArrayUnique": (1, 1),
    "Base64Encode": (1, 1),
    "Base64Decode": (1, 1),
    "Hash": (2, 2),
    "JsonMerge": (3, 3),
    "MathRandom": (2, 3),
    "MathAdd": (2, 2),
    "StringSplit": (2, 2),
    "UUID": (0, 0),
}
DEEPEST = 10
TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^'\\]|\\.)*')|(?P<name>States\.\w+)\(|(?P<path>\$[^,()\s]*)|(?P<literal>[^,()\s]+))"
)


class NotLegal(Exception):
    """A path or call isn't in the language; the message says what is wrong with it."""


def check(value: Any) -> None:
    """Raise NotLegal where a value is neither a path nor a call of an intrinsic function."""
    if not isinstance(value, str):
        raise NotLegal("it is no text")
    if value.startswith("$"):
        if not is_path(value):
            raise NotLegal("it is no path")
        return
    _, end = _argument(value, 0, 1)
    if not value.startswith("States.") or value[end:].strip():
        raise NotLegal("it is neither a path nor a call")


def is_path(path: Any) -> bool:
    """Whether a value is a path into the data or, with two dollars, into the context object."""
    if not isinstance(path, str) or not path.startswith("$"):
        return False
    try:
        parse(path[1:] if path.startswith("$$") else path)
    except JSONPathError:
        return False
    return True


def is_reference(path: Any) -> bool:
    """Whether a value is a path that can only name one node."""
    return isinstance(path, str) and REFERENCE_PATH.fullmatch(path) is not None


def _argument(text: str, start: int, depth: int) -> tuple[str, int]:
    """Return the argument that begins at a place, and the place behind it."""
    token = TOKEN.match(text, start)
    if token is None:
        raise NotLegal(f"an argument is missing at {start}")
    if token["path"] and not is_path(token["path"]):
        raise NotLegal(f"{token['path']} is no path")
    if token["literal"]:
        try:
            json.loads(token["literal"])
        except ValueError as error:
            raise NotLegal(f"{token['literal']} is no value") from error
    if not token["name"]:
        return token[0].strip(), token.end()
    if depth > DEEPEST:
        raise NotLegal(f"calls are nested deeper than {DEEPEST}")
    return _call(text, token["name"].removeprefix("States."), token.end(), depth)


def _call(text: str, function: str, place: int, depth: int) -> tuple[str, int]:
    arguments: list[str] = []
    while not (close := re.compile(r"\s*\)").match(text, place)):
        if arguments:
            if not (comma := re.compile(r"\s*,").match(text, place)):
                raise NotLegal(f"no comma or bracket at {place}")
            place = comma.end()
        argument, place = _argument(text, place, depth + 1)
        arguments.append(argument)
    if function not in ARGUMENTS:
        raise NotLegal(f"there is no States.{function}")
    least, most = ARGUMENTS[function]
    if not least <= len(arguments) <= most:
        raise NotLegal(f"States.{function} has {len(arguments)} arguments")
    if function == "Format" and arguments[0].startswith("'"):
        marks = len(re.findall(r"(?<!\\)\{\}", arguments[0]))
        if marks != len(arguments) - 1:
            raise NotLegal(f"{marks} marks in the text, {len(arguments) - 1} values")
    return function, close.end()

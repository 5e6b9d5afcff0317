"""JSON as awslambdaric reads and writes it, where its rules are not those of the standard library."""

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any


def decode(body: bytes) -> Any:
    """Return what JSON says; raise ValueError where it is none, as NaN and infinities aren't."""
    return json.loads(body.decode(), parse_constant=_refuse)


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


def encode(value: object) -> str:
    """Return a value as JSON: bytes as UTF-8 text, a named tuple as an object, a Decimal with all its digits.

    Raises TypeError or ValueError where it has no form in JSON.
    """
    return "".join(_parts(value, frozenset()))


def _parts(value: object, around: frozenset[int]) -> Iterator[str]:
    """Yield the parts of the text; `around` has the ids of the objects that the value is in."""
    if isinstance(value, bytes):
        yield json.dumps(value.decode())
    elif isinstance(value, Decimal):
        yield "NaN" if value.is_nan() else str(value)
    elif not isinstance(value, dict | list | tuple):
        yield json.dumps(value)
    elif id(value) in around:
        raise ValueError("Circular reference detected")
    else:
        within = around | {id(value)}
        members = value._asdict() if hasattr(value, "_asdict") else value
        if isinstance(members, dict):
            pairs = ("".join([_key(key), ": ", *_parts(member, within)]) for key, member in members.items())
            yield "{" + ", ".join(pairs) + "}"
        else:
            yield "[" + ", ".join("".join(_parts(member, within)) for member in members) + "]"


def _key(key: object) -> str:
    if isinstance(key, bytes):
        key = key.decode()
    elif not isinstance(key, str | int | float | None):
        raise TypeError(f"keys must be str, int, float, bool or None, not {type(key).__name__}")
    whole = json.dumps({key: 0})
    return whole[len("{") : -len(": 0}")]

"""CloudWatch Logs' filter patterns for JSON, evaluated as its guide describes them.

The guide: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html.
"""

import json
import operator
import re
from collections.abc import Callable
from typing import Any

Condition = Callable[[Any], bool]
TOKEN = re.compile(
    r"""\s*(?:(?P<sign>\(|\)|&&|\|\||<=|>=|!=|=|<|>)|(?P<selector>\$[\w.\[\]-]*)"""
    r"""|"(?P<quoted>[^"]*)"|(?P<word>[\w.*+-]+))"""
)
NUMBER = re.compile(r"[+-]?\d+(\.\d+)?(e[+-]?\d+)?")
COMPARISONS = {"<": operator.lt, ">": operator.gt, "<=": operator.le, ">=": operator.ge}
ABSENT = object()


class PatternError(ValueError):
    """The text isn't a filter pattern for JSON."""


def matches(pattern: str, line: str, *, absent_differs: bool = False) -> bool:
    """Whether a log line counts.

    The guide doesn't say whether `!=` holds for a property that isn't there: *absent_differs* decides. A property that
    is an object or a list holds for no comparison.
    """
    text = pattern.strip()
    if not (text.startswith("{") and text.endswith("}")):
        raise PatternError(f"A pattern for JSON is written in braces: {pattern}")
    condition = _Parser(text[1:-1], absent_differs).parse()
    try:
        return condition(json.loads(line))
    except ValueError:
        return False


class _Parser:
    """Reads parentheses before && before ||."""

    def __init__(self, text: str, absent_differs: bool) -> None:
        self._absent_differs = absent_differs
        self._tokens: list[tuple[str, str]] = []
        place = 0
        while text[place:].strip():
            match = TOKEN.match(text, place)
            if match is None or match.lastgroup is None:
                raise PatternError(f"This can't be read: {text[place:]}")
            self._tokens.append((match.lastgroup, match[match.lastgroup]))
            place = match.end()
        self._tokens.append(("end", ""))

    def parse(self) -> Condition:
        condition = self._either()
        if self._tokens[0][0] != "end":
            raise PatternError(f"This is left over: {self._tokens}")
        return condition

    def _either(self) -> Condition:
        parts = [self._both()]
        while self._next_is("||"):
            parts.append(self._both())
        return lambda event: any(part(event) for part in parts)

    def _both(self) -> Condition:
        parts = [self._term()]
        while self._next_is("&&"):
            parts.append(self._term())
        return lambda event: all(part(event) for part in parts)

    def _term(self) -> Condition:
        if self._next_is("("):
            condition = self._either()
            if not self._next_is(")"):
                raise PatternError("A parenthesis isn't closed.")
            return condition
        (kind, selector), (_, sign) = self._tokens.pop(0), self._tokens.pop(0)
        if kind != "selector":
            raise PatternError(f"A selector is needed, not {selector}.")
        if sign in ("NOT", "IS"):
            return self._state(selector, f"{sign} {self._tokens.pop(0)[1]}")
        return self._comparison(selector, sign, *self._tokens.pop(0))

    def _next_is(self, sign: str) -> bool:
        if self._tokens[0] == ("sign", sign):
            self._tokens.pop(0)
            return True
        return False

    def _state(self, selector: str, words: str) -> Condition:
        wanted = {"NOT EXISTS": ABSENT, "IS NULL": None, "IS TRUE": True, "IS FALSE": False}[words]
        return lambda event: _value(selector, event) is wanted

    def _comparison(self, selector: str, sign: str, kind: str, wanted: str) -> Condition:
        if kind not in ("quoted", "word") or sign not in {"=", "!=", *COMPARISONS}:
            raise PatternError(f"{selector} can't be compared by {sign} with {wanted}.")

        def holds(event: Any) -> bool:
            value = _value(selector, event)
            if value is ABSENT:
                return sign == "!=" and self._absent_differs
            if isinstance(value, dict | list):
                return False
            if sign in COMPARISONS:
                return isinstance(value, int | float) and bool(COMPARISONS[sign](value, float(wanted)))
            return _equal(value, wanted, quoted=kind == "quoted") == (sign == "=")

        return holds


def _value(selector: str, event: Any) -> Any:
    for name, index in re.findall(r"\.([\w-]+)|\[(\d+)\]", selector):
        if name:
            event = event.get(name, ABSENT) if isinstance(event, dict) else ABSENT
        else:
            event = event[int(index)] if isinstance(event, list) and int(index) < len(event) else ABSENT
    return event


def _equal(value: Any, wanted: str, *, quoted: bool) -> bool:
    if not quoted and NUMBER.fullmatch(wanted):
        return isinstance(value, int | float) and value == float(wanted)
    # An asterisk matches any text before or after the term, and itself within it.
    start, end = wanted.startswith("*"), wanted.endswith("*")
    middle = re.escape(wanted.removeprefix("*").removesuffix("*") if wanted != "*" else "")
    return re.fullmatch(f"{'.*' if start else ''}{middle}{'.*' if end else ''}", str(value), re.DOTALL) is not None

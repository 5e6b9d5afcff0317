"""Print the results of verbs."""

import dataclasses
import json
import math
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from contracts.errors import WorkflowError

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from training.sagemaker.costs import Cost

# A program that reads the output gets each line whole.
WIDE = 10_000
# What isn't known, in a table.
UNKNOWN = "-"
# What a shell reports of a command that Ctrl-C ended.
INTERRUPTED = 130
# Standard output itself, while what verbs print goes elsewhere.
_answers: list[TextIO] = []


class NotConfirmed(WorkflowError):
    """The user was asked whether to continue, and didn't say yes."""


@contextmanager
def output(*, quiet: bool, as_json: bool) -> Iterator[None]:
    """Lead what is printed, by whatever module, to standard error with `as_json`, and nowhere with `quiet`.

    What `print_json` prints goes to standard output all the same.
    """
    import rich

    # Progress bars go there, and nowhere where nobody sees them move.
    rich.reconfigure(stderr=True, quiet=quiet or not sys.stderr.isatty())
    _answers.append(sys.stdout)
    try:
        if quiet:
            with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere):
                yield
        else:
            with redirect_stdout(sys.stderr if as_json else sys.stdout):
                yield
    finally:
        _answers.pop()


def print_json(record: object, indent: int | None = 1) -> None:
    """Print a record to standard output as JSON, for another program to read: never wrapped, and all ASCII.

    Args:
        record: a dataclass, or what JSON has; times become ISO 8601, paths texts, and NaN and infinity null.
        indent: None for one line.
    """
    print(json.dumps(plain(record), indent=indent, allow_nan=False), file=_answers[-1] if _answers else sys.stdout)


def plain(value: object) -> object:
    """Return a record as what JSON has.

    Raises:
        TypeError: it holds something else.
    """
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            return value if math.isfinite(value) else None
        case datetime():
            return value.isoformat()
        case Path():
            return str(value)
        case Mapping():
            return {str(key): plain(one) for key, one in value.items()}
        case list() | tuple():
            return [plain(one) for one in value]
    if dataclasses.is_dataclass(value):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    raise TypeError(f"{type(value).__name__} has no form in JSON.")


def terminal() -> "Console":
    """Return what prints to where `output` leads now; a program gets no colours and no folded lines."""
    from rich.console import Console

    return Console(width=None if sys.stdout.isatty() else WIDE)


def say(line: str) -> None:
    """Print a line of text as it is; a terminal folds it where it is long."""
    terminal().print(line, highlight=False, markup=False, soft_wrap=True)


def space() -> None:
    """Print an empty line, for people alone."""
    if sys.stdout.isatty():
        say("")


def show(renderable: "RenderableType") -> None:
    """Print what `rich` draws."""
    terminal().print(renderable)


def agree(cost: "Cost", yes: bool) -> None:
    """Print what will cost money, and ask whether to continue; the local stack costs nothing.

    Raises:
        NotConfirmed: the user declined, or can't be asked.
    """
    from local.stack import in_use

    if in_use():
        return
    say(cost.sentence)
    if not yes and not confirmed("Continue?"):
        raise NotConfirmed("Nothing was started.")


def confirmed(question: str) -> bool:
    """Ask on standard error, as standard output may be another program's; only `y` and `yes` confirm.

    Raises:
        NotConfirmed: there is nobody to answer.
    """
    print(f"{question} [y/N]: ", end="", file=sys.stderr, flush=True)  # noqa: T201
    answer = sys.stdin.readline()
    if not answer:
        raise NotConfirmed("Nobody answered the question; --yes confirms beforehand.")
    return answer.strip().lower() in {"y", "yes"}


def price(hourly: float | None) -> str:
    """Format US dollars per hour."""
    return "unknown" if hourly is None else f"{hourly:.3f}"


def table(header: tuple[object, ...], rows: Sequence[tuple[object, ...]]) -> None:
    """Print a table: the first column aligned left, the others right."""
    from rich.table import Table

    shown = Table(box=None, pad_edge=False)
    for number, title in enumerate(header):
        shown.add_column(str(title), justify="right" if number else "left")
    for row in rows:
        shown.add_row(*map(str, row))
    show(shown)

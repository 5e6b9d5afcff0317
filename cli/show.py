"""Print the results of verbs."""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from training.sagemaker.costs import Cost

# A program that reads the output gets each line whole.
WIDE = 10_000
console = Console(width=None if sys.stdout.isatty() else WIDE)
# What a shell reports of a command that Ctrl-C ended.
INTERRUPTED = 130


def say(line: str) -> None:
    """Print a line of text as it is."""
    console.print(line, highlight=False, markup=False, soft_wrap=True)


def agree(cost: "Cost", yes: bool) -> None:
    """Print what will cost money, and ask whether to continue; the local stack costs nothing.

    Raises:
        typer.Abort: the user declined.
    """
    from local.stack import in_use

    if in_use():
        return
    console.print(cost.sentence, highlight=False)
    if not yes:
        typer.confirm("Continue?", abort=True)


def price(hourly: float | None) -> str:
    """Format US dollars per hour."""
    return "unknown" if hourly is None else f"{hourly:.3f}"


def rounded(values: tuple[float, ...]) -> str:
    """Format numbers with one decimal."""
    return " ".join(f"{value:.1f}" for value in values)


def table(header: tuple[object, ...], rows: Sequence[tuple[object, ...]]) -> None:
    """Print a table: the first column aligned left, the others right."""
    shown = Table(box=None, pad_edge=False)
    for number, title in enumerate(header):
        shown.add_column(str(title), justify="right" if number else "left")
    for row in rows:
        shown.add_row(*map(str, row))
    console.print(shown)

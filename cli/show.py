"""What verbs print."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from training.sagemaker.costs import Cost

console = Console()


def agree(cost: "Cost", yes: bool) -> None:
    """Say what starts to cost money, and go on only if that is wanted; on this machine nothing does."""
    from local.stack import in_use

    if in_use():
        return
    console.print(cost.sentence, highlight=False)
    if not yes:
        typer.confirm("Go on?", abort=True)


def price(hourly: float | None) -> str:
    """Write dollars an hour."""
    return "unknown" if hourly is None else f"{hourly:.3f}"


def rounded(values: tuple[float, ...]) -> str:
    """Write numbers with one decimal."""
    return " ".join(f"{value:.1f}" for value in values)


def table(header: tuple[object, ...], rows: Sequence[tuple[object, ...]]) -> None:
    """Print a table: the first column to the left, numbers to the right."""
    drawn = Table(box=None, pad_edge=False)
    for number, title in enumerate(header):
        drawn.add_column(str(title), justify="right" if number else "left")
    for row in rows:
        drawn.add_row(*map(str, row))
    console.print(drawn)

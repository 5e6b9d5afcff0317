"""Where the time of several steps goes."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.table import Table


class Clock:
    """Times the steps and prints which one runs."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._started = time.monotonic()
        self.seconds: dict[str, float] = {}

    @contextmanager
    def step(self, name: str, what: str) -> Iterator[None]:
        """Time the block as step `name`."""
        self._console.print(f"[bold]{name}[/bold] {what}", highlight=False)
        started = time.monotonic()
        yield
        self.seconds[name] = round(time.monotonic() - started, 2)

    def total(self) -> dict[str, float]:
        """Return the seconds by step, and in total."""
        return self.seconds | {"total": round(time.monotonic() - self._started, 2)}

    def table(self) -> Table:
        """The seconds of each step and its share of the total, for `rich` to print."""
        shown = Table("step", box=None, pad_edge=False)
        shown.add_column("seconds", justify="right")
        shown.add_column("share", justify="right")
        total = self.total()
        for step, seconds in total.items():
            shown.add_row(step, f"{seconds:.1f}", f"{seconds / total['total']:.0%}")
        return shown

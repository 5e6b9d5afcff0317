"""The verb that says how everything is."""

import time
from typing import TYPE_CHECKING, Annotated

import typer

from cli.options import DEFAULT_OUT, Endpoint, Json, Out, Stack
from cli.show import INTERRUPTED, print_json, show, terminal
from cli.verbs import Verbs
from training.sagemaker.stacks import DEFAULT_STACK

if TYPE_CHECKING:
    from rich.console import RenderableType

    from checks.status.gather import Status

app = Verbs()


@app.command()
def status(
    stack: Stack = DEFAULT_STACK,
    endpoint: Endpoint = None,
    as_json: Json = False,
    watch: Annotated[bool, typer.Option("--watch", help="Show it again and again, until Ctrl-C.")] = False,
    every: Annotated[int, typer.Option(min=1, metavar="SECONDS", help="Pause between two looks of --watch.")] = 5,
    out: Out = DEFAULT_OUT,
) -> None:
    """Show on one screen how everything is.

    Endpoint and release, queues, alarms, the last batch, drift and live accuracy; what can't be read is a line that
    says why. The exit code is 1 if something needs attention: an endpoint or a batch that failed, a failed execution or
    a dead letter, an alarm in ALARM, drift, a broken promise of accuracy, or something that could not be read.
    """
    from checks.status.gather import gather

    if watch:
        if as_json:
            raise typer.BadParameter("can't be combined with --watch", param_hint="--json")
        _watch(stack, endpoint, out, every)
    found = gather(stack, endpoint, out)
    if as_json:
        print_json(found.to_record())
    else:
        show(_view(found))
    if found.attention:
        raise typer.Exit(1)


def _watch(stack: str, endpoint: str | None, out: Out, every: int) -> None:
    """Redraw the status in place; ends only by Ctrl-C or an error."""
    from rich.live import Live

    from checks.status.gather import gather

    try:
        with Live(_view(gather(stack, endpoint, out)), console=terminal(), auto_refresh=False) as live:
            while True:
                time.sleep(every)
                live.update(_view(gather(stack, endpoint, out)), refresh=True)
    except KeyboardInterrupt as end:
        raise typer.Exit(INTERRUPTED) from end


def _view(found: "Status") -> "RenderableType":
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    from monitoring.quality.show import COLORS, MARKS
    from monitoring.quality.verdict import Level

    rows = Table.grid(padding=(0, 2))
    for name, section in found.sections.items():
        label = name
        for finding in section.findings:
            style = COLORS[Level.BAD] if finding.level is Level.BAD else ""
            rows.add_row(label, Text(f"{MARKS[finding.level]} {finding.text}", style=style))
            label = ""
    return Group(Text(f"{found.stack}, {found.time:%Y-%m-%d %H:%M:%S} UTC", style="bold"), rows)

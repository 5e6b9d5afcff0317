"""The live quality in a terminal, on one screen; only what is good or bad has a colour."""

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from monitoring.quality.live_accuracy import Error
from monitoring.quality.live_quality import LiveQuality, facts, on_promise
from monitoring.quality.show import COLORS, MARKS
from monitoring.quality.verdict import Finding, Level

ROWS_SHOWN = 8


def view_quality(quality: LiveQuality) -> RenderableType:
    """The quality for `rich` to print; somebody must have decided about something."""
    found = quality.accuracy
    parts: list[RenderableType] = []
    if found.error.images:
        parts += [Text(f"Accepted answers of {quality.dataset}, judged by people; release {found.release} is watched:")]
        parts += [_line(on_promise(found)), _errors(found.error, found.by_class, found.by_release)]
        hidden = max(0, len(found.by_class) - ROWS_SHOWN)
        parts += [Text(f"{hidden} classes with a smaller error are not shown.")] if hidden else []
    else:
        text = f"Nobody has decided about an accepted image of {quality.dataset} yet: its live accuracy is not known."
        parts += [Text(f"{text} AuditRate sends a share of them to `workflow review`.")]
    return Group(*parts, *map(_line, facts(quality)))


def _line(finding: Finding) -> Text:
    if finding.level is Level.NOTICE:
        return Text(f"{MARKS[finding.level]} {finding.text}")
    return Text(f"{MARKS[finding.level]} {finding.text}", style=COLORS[finding.level])


def _errors(whole: Error, classes: Sequence[Error], releases: Sequence[Error]) -> Table:
    table = Table(box=None, pad_edge=False)
    for number, title in enumerate(("accepted answers", "audited", "wrong", "error", "95% interval")):
        table.add_column(title, justify="right" if number else "left")
    worst = sorted(classes, key=lambda one: one.share or 0.0, reverse=True)[:ROWS_SHOWN]
    named = [("all", whole), *((f"class {one.name}", one) for one in worst)]
    for name, one in [*named, *((f"release {one.name}", one) for one in releases[-ROWS_SHOWN:])]:
        share = "" if one.share is None else f"{one.share:.1%}"
        bounds = f"{one.interval.low:.1%} to {one.interval.high:.1%}"
        table.add_row(*map(Text, (name, str(one.images), str(one.wrong), share, bounds)))
    return table

"""A diagnosis in a terminal, on one screen."""

from collections.abc import Iterable

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from monitoring.quality.classes import ClassFigures
from monitoring.quality.diagnosis import Diagnosis
from monitoring.quality.verdict import Finding, Level, Usability

CLASSES_SHOWN = 8
CONFUSIONS_SHOWN = 3
SUSPECTS_SHOWN = 5
COLORS = {Level.GOOD: "green", Level.NOTICE: "yellow", Level.BAD: "red"}
MARKS = {Level.GOOD: "✓", Level.NOTICE: "→", Level.BAD: "✗"}
LEVELS = {Usability.USABLE: Level.GOOD, Usability.WITH_REVIEW: Level.NOTICE, Usability.NOT_USABLE: Level.BAD}


def view(diagnosis: Diagnosis, images: str = "test images") -> RenderableType:
    """The diagnosis for `rich` to print; *images* says what the model was judged by."""
    verdict, count = diagnosis.verdict, f"{diagnosis.evaluation.images:,}"
    usability = (f"{verdict.usability}", f"bold {COLORS[LEVELS[verdict.usability]]}")
    parts: list[RenderableType] = [Text.assemble("The model is ", usability, f", judged by {count} {images}:")]
    parts += [_line(finding) for finding in verdict.findings]
    parts += [*_classes(diagnosis.classes), *_confusions(diagnosis), *_suspects(diagnosis)]
    if diagnosis.remedies:
        parts += [Text("What to do:"), *_indented(f"- {sentence}" for sentence in diagnosis.remedies)]
    return Group(*parts)


def _line(finding: Finding) -> RenderableType:
    grid = Table.grid(padding=(0, 1))
    grid.add_row(Text(MARKS[finding.level], style=COLORS[finding.level]), Text(finding.text))
    return grid


def _classes(figures: list[ClassFigures]) -> list[RenderableType]:
    """The classes with the smallest shares that are labelled right."""
    worst = sorted(figures, key=lambda one: 1.0 if one.share_right is None else one.share_right)[:CLASSES_SHOWN]
    shown = [one for one in figures if one in worst]
    table = Table(box=None, pad_edge=False)
    for number, title in enumerate(("class", "images", "right", "share", "95% interval", "accepted", "taken for")):
        table.add_column(title, justify="right" if 0 < number < 6 else "left")
    for one in shown:
        share = "" if one.share_right is None else f"{one.share_right:.1%}"
        bounds = f"{one.interval.low:.0%} to {one.interval.high:.0%}"
        mistaken = f"{one.taken_for} ({one.taken})" if one.taken_for else ""
        row = (one.name, str(one.images), str(one.right), share, bounds, str(one.accepted), mistaken)
        table.add_row(*map(Text, row))
    left = len(figures) - len(shown)
    return [table, *([Text(f"{left} classes with better figures are not shown.")] if left else [])]


def _confusions(diagnosis: Diagnosis) -> list[RenderableType]:
    lines = [
        f"{pair.first} and {pair.second}: {pair.count} ({pair.forth} {pair.first}, {pair.back} {pair.second})"
        for pair in diagnosis.confusions[:CONFUSIONS_SHOWN]
    ]
    return [Text("Taken for each other:"), *_indented(lines)] if lines else []


def _suspects(diagnosis: Diagnosis) -> list[RenderableType]:
    lines = [
        f"{suspect.key}: {suspect.truth}, looks like {suspect.label} ({suspect.confidence:.0%})"
        for suspect in diagnosis.suspects[:SUSPECTS_SHOWN]
    ]
    if left := len(diagnosis.suspects) - len(lines):
        lines.append(f"and {left} more")
    return [Text("Images that look mislabelled:"), *_indented(lines)] if lines else []


def _indented(lines: Iterable[str]) -> list[RenderableType]:
    return [Padding(Text(line), (0, 0, 0, 2), expand=False) for line in lines]

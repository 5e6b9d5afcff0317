"""Write what people filled in without the page: a CSV, or Label Studio's export, beside the export that it belongs to.

Everything is checked before anything is written. A label is written first and its message deleted after; a message that
came back to the queue meanwhile is recognized by the label, and deleted when somebody takes it. To import a file once
more writes nothing twice.
"""

import csv
import io
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from contracts.labels import Decision, LabelledImage, is_name
from review.errors import ReviewError
from review.export import NONE_OF_THESE, Row, cell, read_export
from review.label_studio import read_annotations
from review.labels import AT_ONCE, Labels
from review.queue import Message, ReviewQueue


class InvalidImport(ReviewError):
    """A file of labels can't be read, or says what can't be."""


@dataclass(frozen=True)
class Filled:
    """A label that somebody gave an exported image, None for none of them."""

    row: Row
    label: str | None
    reviewer: str
    decided_at: datetime
    seconds: float | None


@dataclass(frozen=True)
class Imported:
    """What an import did: labels written, those written by an earlier one, and images of the export without a label.

    `disputed` counts the images about which people disagree, `kept` the messages that SQS didn't delete.
    """

    written: int
    before: int
    open: int
    disputed: int
    kept: int


def import_labels(queue: ReviewQueue, labels: Labels, file: Path, default: str, reviewer: str | None) -> Imported:
    """Write the labels of *file*, and delete their messages.

    Args:
        queue: where the messages are held.
        labels: where the labels go.
        file: a CSV or a JSON export of Label Studio, in the folder of the export.
        default: who decided, where the file doesn't say it.
        reviewer: who decided, whatever the file says; None to believe the file.

    Raises:
        ReviewError: something in the file makes no sense, and nothing was written.
    """
    rows = read_export(file.parent)
    filled = list(_read(file, rows, default, reviewer))
    asked = [(one, message) for one in filled for message in one.row.messages]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        ends = list(pool.map(lambda pair: _write(labels, *pair), asked))
    kept = queue.delete(dict.fromkeys(message for _, message in asked))
    disputed = {labelled.sha256 for _, labelled in ends if labelled.disputed}
    written = sum(fresh for fresh, _ in ends)
    left = len(rows) - len({one.row.file for one in filled})
    return Imported(written, len(ends) - written, left, len(disputed), len(kept))


def _write(labels: Labels, filled: Filled, message: Message) -> tuple[bool, LabelledImage]:
    """Write a decision unless it is there; return whether it was written, and all decisions about the image."""
    found = labels.read(message.image.sha256)
    same = (filled.label, message.image.reason, message.image.model.release)
    vote = found.votes.get(filled.reviewer) if found else None
    if found and vote and (vote.label, vote.reason, vote.model.release) == same and vote.time >= message.sent:
        return False, found
    when = filled.decided_at.isoformat(timespec="microseconds")
    image = message.image
    decision = Decision(filled.label, filled.reviewer, when, filled.seconds, image.reason, image.model)
    return True, labels.add(image, decision)


def _read(file: Path, rows: Mapping[str, Row], default: str, reviewer: str | None) -> Iterator[Filled]:
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidImport(f"{file} is not text in UTF-8; save it as CSV UTF-8.") from error
    now = datetime.now(UTC)
    if file.suffix.lower() != ".json":
        yield from _read_csv(file, text, rows, now, _reviewer(reviewer or default))
        return
    for found in read_annotations(text, str(file)):
        row = rows.get(found.sha256)
        if row is None:
            raise InvalidImport(f"{file} has an image that isn't in this export: {found.sha256[:64]!r}.")
        # A time to come would make every later decision an earlier one.
        when = min(found.decided_at or now, now)
        label, name = _label(found.choice, row, str(file)), _reviewer(reviewer or found.annotator or default)
        yield Filled(row, label, name, when, found.seconds)


def _read_csv(file: Path, text: str, rows: Mapping[str, Row], now: datetime, reviewer: str) -> Iterator[Filled]:
    by_file = {row.file: row for row in rows.values()}
    first = text.partition("\n")[0]
    # Spreadsheets write semicolons where a comma separates decimals.
    delimiter = ";" if first.count(";") > first.count(",") else ","
    table = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter)
    if not {"file", "label"} <= {*(table.fieldnames or ())}:
        raise InvalidImport(f"{file} has no columns file and label.")
    seen: set[str] = set()
    try:
        for line in table:
            where = f"{file}, line {table.line_num}"
            name, choice = line["file"] or "", (line["label"] or "").strip()
            if name not in by_file or name in seen:
                raise InvalidImport(f"{where} names a file twice, or one that isn't in this export: {name[:80]!r}.")
            seen.add(name)
            if choice:
                yield Filled(by_file[name], _label(choice, by_file[name], where), reviewer, now, None)
    except csv.Error as error:
        raise InvalidImport(f"{file} is not a CSV: {error}.") from error


def _label(choice: str, row: Row, where: str) -> str | None:
    if choice == NONE_OF_THESE:
        return None
    names = row.image.model.labels
    for name in names:
        if choice in {name, cell(name)}:
            return name
    raise InvalidImport(f"{where}: {choice[:80]!r} is not one of {', '.join(names)} or {NONE_OF_THESE}.")


def _reviewer(name: str) -> str:
    if not is_name(name):
        raise InvalidImport(f"{name[:80]!r} can't name a reviewer; give a short printable name by --reviewer.")
    return name

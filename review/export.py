"""Write the images that wait to a folder, for people to label without the page.

The folder gets the images as they are stored, `labels.csv` with a column to fill in, and for Label Studio `tasks.json`
with the labelling interface `label-studio.xml`. Its messages are held in the queue for twelve hours, the longest that
SQS admits; after that the images come back to the queue, and can be imported all the same. `messages.jsonl` says which
messages those are.
"""

import csv
import io
import json
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from contracts.files import write_whole
from imaging.still import format_of
from review import label_studio
from review.errors import ReviewError
from review.image import ImageUnavailable, InvalidMessage, ReviewImage, read_original
from review.labels import AT_ONCE, Labels, still_open
from review.queue import LONGEST_LEASE_SECONDS, Message, ReviewQueue

if TYPE_CHECKING:
    from review.session import Order

IMAGES = "images"
LABELS_FILE = "labels.csv"
MESSAGES_FILE = "messages.jsonl"
COLUMNS = ("file", "label", "model_label", "confidence", "reason")
# How people say that no label fits, in the CSV and in Label Studio.
NONE_OF_THESE = "none of these"
# What a spreadsheet takes for a formula when a cell begins with it.
FORMULA = ("=", "+", "-", "@", "\t", "\r")


class ExportError(ReviewError):
    """The images can't be written to the folder, or it holds no export."""


@dataclass(frozen=True)
class Exported:
    """How many images an export wrote, which are held until a time, and how many messages stay in the queue.

    `unavailable` counts the images that were deleted or replaced, `unreadable` the messages that name no image.
    """

    images: int
    until: datetime
    unavailable: int
    unreadable: int


@dataclass(frozen=True)
class Row:
    """An exported image: its file below the folder, and the messages that are about it."""

    file: str
    messages: tuple[Message, ...]

    @property
    def image(self) -> ReviewImage:
        """The image as the first of its messages has it."""
        return self.messages[0].image


def export(queue: ReviewQueue, labels: Labels, folder: Path, limit: int, order: "Order" = list) -> Exported:
    """Take at most *limit* messages, and write their images and what is needed to label them, if there are any.

    Whatever fails, the messages go back to the queue. Raises ExportError where the folder holds an export already.
    """
    if (folder / MESSAGES_FILE).exists():
        raise ExportError(f"{folder} holds an export already; choose another folder.")
    until = datetime.now(UTC) + timedelta(seconds=LONGEST_LEASE_SECONDS)
    taken: list[Message] = []
    files: dict[str, str] = {}
    unavailable = 0
    try:
        while len(taken) < limit and (batch := queue.take(min(AT_ONCE, limit - len(taken)), LONGEST_LEASE_SECONDS)):
            taken += batch
            open_ = still_open(labels, batch)
            queue.delete(message for message in batch if message not in open_)
            written = _write_images(labels, folder, open_)
            files |= {message_id: file for message_id, file in written.items() if file}
            unavailable += sum(file is None for file in written.values())
        rows = _rows(order([message for message in taken if message.id in files]), files)
        if rows:
            _write_tables(folder, rows)
    except BaseException:
        queue.give_back(taken)
        raise
    queue.give_back(message for message in taken if message.id not in files)
    return Exported(len(rows), until, unavailable, len(queue.unreadable))


def read_export(folder: Path) -> dict[str, Row]:
    """Return the rows of an export by the checksum of their image; raises ExportError where there is none."""
    path = folder / MESSAGES_FILE
    try:
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        rows = [Row(line["file"], tuple(map(_message_from, line["messages"]))) for line in lines]
    except FileNotFoundError as error:
        raise ExportError(
            f"There is no {path}; put the file into the folder that `workflow review --export` wrote, and import it "
            "from there."
        ) from error
    except (ValueError, KeyError, TypeError, InvalidMessage) as error:
        raise ExportError(f"{path} is not what `workflow review --export` wrote ({error!r}).") from error
    return {row.image.sha256: row for row in rows if row.messages}


def cell(text: str) -> str:
    """Return a text as a spreadsheet shows it and doesn't run it."""
    return f"'{text}" if text.startswith(FORMULA) else text


def _write_images(labels: Labels, folder: Path, messages: Sequence[Message]) -> dict[str, str | None]:
    """Write the images, and return by message where; None where the image is gone."""

    def write(message: Message) -> str | None:
        try:
            data = read_original(labels.s3, message.image)
        except ImageUnavailable:
            return None
        # The name is made of the checksum alone: keys may hold anything.
        file = f"{IMAGES}/{message.image.sha256}.{_suffix(data)}"
        write_whole(folder / file, data)
        return file

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return dict(zip([message.id for message in messages], pool.map(write, messages), strict=True))


def _suffix(data: bytes) -> str:
    # Label Studio knows files of HEIF by the name of their usual coding.
    return {"HEIF": "heic"}.get(kind := format_of(data), kind.lower())


def _rows(messages: Iterable[Message], files: dict[str, str]) -> list[Row]:
    by_file: dict[str, list[Message]] = {}
    for message in messages:
        by_file.setdefault(files[message.id], []).append(message)
    return [Row(file, tuple(of_file)) for file, of_file in by_file.items()]


def _write_tables(folder: Path, rows: Sequence[Row]) -> None:
    names = dict.fromkeys(name for row in rows for name in row.image.model.labels)
    if NONE_OF_THESE in names:
        raise ExportError(f"A class is called {NONE_OF_THESE!r}, which an export needs for images of no class.")
    table = io.StringIO(newline="")
    writer = csv.writer(table)
    writer.writerow(COLUMNS)
    for row in rows:
        model = row.image.model
        writer.writerow([row.file, "", cell(model.label), f"{model.confidence:.4f}", row.image.reason])
    write_whole(folder / LABELS_FILE, table.getvalue())
    tasks = [label_studio.task(row.image, row.file) for row in rows]
    write_whole(folder / label_studio.TASKS_FILE, json.dumps(tasks, indent=1, ensure_ascii=False) + "\n")
    write_whole(folder / label_studio.INTERFACE_FILE, label_studio.interface([*names, NONE_OF_THESE]))
    lines = [{"file": row.file, "messages": [_message_to(message) for message in row.messages]} for row in rows]
    write_whole(folder / MESSAGES_FILE, "".join(json.dumps(line) + "\n" for line in lines))


def _message_to(message: Message) -> dict[str, Any]:
    return asdict(message) | {"sent": message.sent.isoformat(), "image": message.image.to_body()}


def _message_from(values: dict[str, Any]) -> Message:
    read = {field.name: values[field.name] for field in fields(Message)}
    sent, image = datetime.fromisoformat(read["sent"]), ReviewImage.from_body(read["image"])
    if not all(isinstance(read[name], str) for name in ("id", "queue_url", "receipt")) or sent.tzinfo is None:
        raise TypeError("A message has no id, queue or receipt.")
    return Message(**read | {"sent": sent, "image": image})

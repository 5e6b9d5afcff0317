"""Write captured records as a table, and their images as files."""

import csv
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from contracts.files import below, write_whole, written_whole
from monitoring.capture.records import CaptureError, CaptureRecord, SkippedLine
from monitoring.capture.span import hour_of
from monitoring.errors import MonitoringError

Row = dict[str, Any]
Writer = Callable[[Row], None]

COLUMNS = (
    "event_id",
    "inference_id",
    "time",
    "endpoint",
    "variant",
    "release",
    "label",
    "top_class",
    "confidence",
    "probabilities",
    "content_type",
    "file",
    "line",
)
PARQUET_ROWS = 10_000


class ExportError(MonitoringError):
    """The records can't be written as asked."""


@dataclass
class Export:
    """What was written: records by hour and by variant, and what could not be."""

    records: int = 0
    hours: Counter[datetime] = field(default_factory=Counter)
    variants: Counter[str | None] = field(default_factory=Counter)
    skipped: list[SkippedLine] = field(default_factory=list)
    images: int = 0
    broken_images: list[str] = field(default_factory=list)


def export(
    captured: Iterable[CaptureRecord | SkippedLine], out: Path | None = None, images: Path | None = None
) -> Export:
    """Write each record to *out* (`.csv`, `.jsonl` or `.parquet`) and each image to the folder *images*.

    Reads *captured* once, as a stream, and holds none of it. The table is written whole or not at all; images are named
    for their inference id, or their event where there is none. Raises ExportError for another kind of file, or for
    `.parquet` where the extra is not installed.
    """
    done = Export()
    with _writer(out) as write:
        for record in captured:
            if isinstance(record, SkippedLine):
                done.skipped.append(record)
                continue
            done.records += 1
            done.hours[hour_of(record.time)] += 1
            done.variants[record.variant] += 1
            write(_row(record))
            if images is not None and record.data:
                _write_image(images, record, done)
    return done


def _row(record: CaptureRecord) -> Row:
    answer = record.answer
    return {
        "event_id": record.event_id,
        "inference_id": record.inference_id,
        "time": record.time.isoformat(),
        "endpoint": record.endpoint,
        "variant": record.variant,
        "release": answer.release if answer else None,
        "label": answer.label if answer and answer.labels else None,
        "top_class": answer.best if answer else None,
        "confidence": answer.confidence if answer else None,
        "probabilities": list(answer.probabilities) if answer else None,
        "content_type": record.content_type,
        "file": record.file,
        "line": record.line,
    }


def _write_image(folder: Path, record: CaptureRecord, done: Export) -> None:
    try:
        with record.image() as image:
            suffix = f".{(image.format or 'png').lower()}"
        content = record.payload()
    except CaptureError as error:
        done.broken_images.append(str(error))
        return
    # An id is the caller's own text: it must not lead out of the folder.
    name = re.sub(r"[^A-Za-z0-9_.-]", "-", record.inference_id or record.event_id).lstrip(".")
    write_whole(below(folder, f"{name[:200]}{suffix}"), content)
    done.images += 1


def _writer(out: Path | None) -> AbstractContextManager[Writer]:
    if out is None:
        return _nothing()
    kinds = {".csv": _csv, ".jsonl": _jsonl, ".parquet": _parquet}
    if out.suffix not in kinds:
        raise ExportError(f"{out} must end in {', '.join(kinds)}.")
    return kinds[out.suffix](out)


@contextmanager
def _nothing() -> Iterator[Writer]:
    yield lambda _: None


@contextmanager
def _csv(out: Path) -> Iterator[Writer]:
    with written_whole(out) as part, part.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        yield lambda row: writer.writerow(row | {"probabilities": json.dumps(row["probabilities"])})


@contextmanager
def _jsonl(out: Path) -> Iterator[Writer]:
    with written_whole(out) as part, part.open("w") as file:
        yield lambda row: print(json.dumps(row), file=file)


@contextmanager
def _parquet(out: Path) -> Iterator[Writer]:
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError as error:
        raise ExportError("Parquet needs the extra: pip install 'image-classification-workflow[parquet]'.") from error
    text, real = pa.string(), pa.float64()
    kinds = {"top_class": pa.int32(), "confidence": real, "probabilities": pa.list_(real), "line": pa.int32()}
    schema = pa.schema([(name, kinds.get(name, text)) for name in COLUMNS])
    rows: list[Row] = []
    with written_whole(out) as part, parquet.ParquetWriter(part, schema) as file:

        def flush() -> None:
            file.write_table(pa.Table.from_pylist(rows, schema))
            rows.clear()

        def write(row: Row) -> None:
            rows.append(row)
            if len(rows) == PARQUET_ROWS:
                flush()

        yield write
        if rows:
            flush()

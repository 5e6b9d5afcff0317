import base64
import csv
import json
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pyarrow import parquet

from monitoring.capture.export import COLUMNS, ExportError, export
from monitoring.capture.records import CaptureRecord, SkippedLine, parse_file
from tests.unit.samples import captured, lines, png

FILE = "capture/pedals/{}/2026/11/23/09/00-00-000-a.jsonl"


def records() -> list[CaptureRecord | SkippedLine]:
    first = parse_file(FILE.format("blue"), lines(captured("e1", "i1"), captured("e2", None)) + b"{torn\n")
    return [*first, *parse_file(FILE.format("green"), lines(captured("e3", "i3", "2026-11-23T10:01:00Z")))]


def test_every_record_is_a_line_of_json_and_the_skipped_ones_are_told(tmp_path: Path) -> None:
    done = export(records(), tmp_path / "deep" / "records.jsonl")
    rows = [json.loads(line) for line in (tmp_path / "deep" / "records.jsonl").read_text().splitlines()]
    assert [row["event_id"] for row in rows] == ["e1", "e2", "e3"]
    assert rows[0]["probabilities"] == [0.9, 0.1]
    assert (rows[0]["top_class"], rows[0]["confidence"], rows[1]["inference_id"]) == (0, 0.9, None)
    assert (done.records, [(line.file, line.line) for line in done.skipped]) == (3, [(FILE.format("blue"), 3)])
    assert done.variants == Counter(blue=2, green=1)
    assert done.hours == {datetime(2026, 11, 23, hour, tzinfo=UTC): n for hour, n in ((9, 2), (10, 1))}


def test_every_record_is_a_row_of_csv(tmp_path: Path) -> None:
    export(records(), tmp_path / "records.csv")
    with (tmp_path / "records.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == COLUMNS
    assert [row["event_id"] for row in rows] == ["e1", "e2", "e3"]
    assert json.loads(rows[2]["probabilities"]) == [0.9, 0.1]


def test_every_record_is_a_row_of_parquet_with_numbers_as_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Three records are then more than one group of rows.
    monkeypatch.setattr("monitoring.capture.export.PARQUET_ROWS", 2)
    export(records(), tmp_path / "records.parquet")
    rows = parquet.read_table(tmp_path / "records.parquet").to_pylist()
    assert tuple(rows[0]) == COLUMNS
    assert [row["event_id"] for row in rows] == ["e1", "e2", "e3"]
    assert (rows[0]["probabilities"], rows[0]["confidence"], rows[0]["top_class"]) == ([0.9, 0.1], 0.9, 0)
    assert rows[1]["inference_id"] is None


def test_a_window_without_records_is_a_table_without_rows(tmp_path: Path) -> None:
    export([], tmp_path / "records.parquet")
    assert parquet.read_table(tmp_path / "records.parquet").num_rows == 0


def test_without_pyarrow_it_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ExportError, match=r"\[parquet\]"):
        export(records(), tmp_path / "records.parquet")


def test_another_kind_of_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=r"must end in \.csv, \.jsonl, \.parquet"):
        export(records(), tmp_path / "records.xlsx")


def test_a_table_that_was_not_finished_is_not_there(tmp_path: Path) -> None:
    def torn() -> Iterator[CaptureRecord | SkippedLine]:
        yield from records()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export(torn(), tmp_path / "records.csv")
    assert list(tmp_path.iterdir()) == []


def test_images_are_written_as_they_came_and_no_id_leads_out_of_the_folder(tmp_path: Path) -> None:
    rows = lines(
        captured("e1", "../../evil"),
        captured("e2", None),
        captured("e3", "<b>", data=base64.b64encode(b"no image").decode()),
    )
    done = export(parse_file("a", rows), images=tmp_path / "images")
    assert {path.name for path in tmp_path.rglob("*") if path.is_file()} == {"-..-evil.png", "e2.png"}
    assert (tmp_path / "images" / "e2.png").read_bytes() == png()
    assert (done.images, len(done.broken_images)) == (2, 1)

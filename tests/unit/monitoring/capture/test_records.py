import base64
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from contracts.answer import Answer
from monitoring.capture.records import (
    FIRST_WAIT,
    CaptureError,
    CaptureRecord,
    SkippedLine,
    parse_file,
    read_capture,
    read_capture_until,
)
from monitoring.capture.sources import FolderCapture, S3Capture, SourceError, hour_folders, place_of
from tests.unit.samples import BUCKET, CLASSES, answered, captured, lines, png

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

REAL = Path(__file__).parents[5] / "shared" / "data" / "capture"
FILE = "capture/pedals/AllTraffic/2026/11/23/09/00-00-000-a.jsonl"


def utc(*parts: int) -> datetime:
    return datetime(2026, *parts, tzinfo=UTC)  # type: ignore[arg-type, misc]


def one(record: dict[str, Any]) -> CaptureRecord | SkippedLine:
    [parsed] = parse_file(FILE, lines(record))
    return parsed


@pytest.mark.parametrize(
    ("output", "encoding"),
    [
        ("[0.75, 0.25]", "JSON"),
        ("[[0.75, 0.25]]", "JSON"),
        ("0.75,0.25", "CSV"),
        ("0.75, 0.25\n", "CSV"),
        (base64.b64encode(b"[0.75, 0.25]").decode(), "BASE64"),
        (base64.b64encode(b"0.75,0.25\n").decode(), "BASE64"),
    ],
)
def test_every_output_encoding_gives_the_same_probabilities(output: str, encoding: str) -> None:
    record = one(captured(output=output, encoding=encoding))
    assert isinstance(record, CaptureRecord)
    assert record.answer == Answer((0.75, 0.25))


@pytest.mark.parametrize("encoding", ["JSON", "BASE64"])
def test_an_answer_that_describes_itself_keeps_its_labels_and_its_release(encoding: str) -> None:
    body = answered(release="3fa4c0d1e2b7", threshold=0.93, familiarity=0.41, familiarity_limit=0.05)
    output = body if encoding == "JSON" else base64.b64encode(body.encode()).decode()
    record = one(captured(output=output, encoding=encoding))
    assert isinstance(record, CaptureRecord)
    assert record.answer == Answer((0.9, 0.1), CLASSES, "3fa4c0d1e2b7", 0.93, 0.41, 0.05)


def test_a_record_carries_its_ids_time_place_and_image() -> None:
    record = one(captured("e7", "i7", "2026-11-23T10:30:00+01:30"))
    assert isinstance(record, CaptureRecord)
    assert (record.event_id, record.inference_id, record.time) == ("e7", "i7", utc(11, 23, 9))
    assert (record.endpoint, record.variant, record.file, record.line) == ("pedals", "AllTraffic", FILE, 1)
    assert record.payload() == png()
    assert record.image().size == (32, 32)


def test_a_record_without_an_inference_id_or_an_output_is_a_record() -> None:
    row = captured(inference_id=None)
    del row["captureData"]["endpointOutput"]
    record = one(row)
    assert isinstance(record, CaptureRecord)
    assert record.inference_id is None
    assert record.answer is None


def test_an_image_is_only_decoded_when_asked_for() -> None:
    record = one(captured(data=base64.b64encode(b"no image").decode()))
    assert isinstance(record, CaptureRecord)
    with pytest.raises(CaptureError, match="line 1: the input is not an image"):
        record.image()
    record = one(captured(data="%%%"))
    assert isinstance(record, CaptureRecord)
    with pytest.raises(CaptureError, match="not BASE64"):
        record.payload()


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"captureData": {', "not JSON"),
        (b"[]", "list indices"),
        (b"\xff\xfe", "not JSON"),
        (b'{"captureData": {}}', "eventMetadata is missing"),
        (lines(captured(time="yesterday")), "Invalid isoformat"),
        (lines(captured(output="[0.5, NaN]")), "isn't a number from 0 to 1. It is: ["),
        (lines(captured(output="[1.5, -0.5]")), "isn't a number from 0 to 1. It is: ["),
        (lines(captured(output="a,b", encoding="CSV")), "isn't JSON. It is: [a,b]"),
        (lines(captured(encoding="XML")), "unknown encoding 'XML'"),
        (lines(captured(output="{}", encoding="JSON")), "has no probabilities. It is: {}"),
    ],
)
def test_a_malformed_line_is_told_with_file_line_and_reason(line: bytes, reason: str) -> None:
    first, bad, last = parse_file(FILE, lines(captured("a")) + line.rstrip() + b"\n" + lines(captured("b")))
    assert isinstance(first, CaptureRecord)
    assert isinstance(last, CaptureRecord)
    assert isinstance(bad, SkippedLine)
    assert (bad.file, bad.line) == (FILE, 2)
    assert reason in bad.reason


@pytest.mark.drill("Torn files and full disks")
def test_a_file_that_is_still_being_written_gives_its_whole_lines_and_tells_of_the_torn_one() -> None:
    content = lines(captured("a"), captured("b"))
    whole, torn = parse_file(FILE, content[:-40])
    assert isinstance(whole, CaptureRecord)
    assert isinstance(torn, SkippedLine)


def test_a_payload_of_six_mebibytes_is_read_whole() -> None:
    body = bytes(6 * 1024 * 1024)
    record = one(captured(data=base64.b64encode(body).decode()))
    assert isinstance(record, CaptureRecord)
    assert record.payload() == body


@pytest.mark.skipif(not REAL.is_dir(), reason="the real capture files are not on this machine")
def test_files_of_real_endpoints_are_read_completely() -> None:
    records = [record for record in read_capture(FolderCapture(REAL)) if isinstance(record, CaptureRecord)]
    rows = [json.loads(line) for file in sorted(REAL.glob("*.jsonl")) for line in file.read_text().splitlines()]
    assert [r.event_id for r in records] == [row["eventMetadata"]["eventId"] for row in rows]
    assert [list(r.answer.probabilities) for r in records if r.answer] == [
        json.loads(row["captureData"]["endpointOutput"]["data"]) for row in rows
    ]
    assert {r.image().size for r in records} == {(32, 32)}
    assert min(r.time for r in records) == datetime(2024, 10, 16, 9, 25, 4, tzinfo=UTC)


def test_an_event_that_comes_twice_is_read_once_and_told(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(lines(captured("e1"), captured("e2")))
    (tmp_path / "b.jsonl").write_bytes(lines(captured("e1")))
    *records, again = read_capture(FolderCapture(tmp_path))
    assert [r.event_id for r in records if isinstance(r, CaptureRecord)] == ["e1", "e2"]
    assert isinstance(again, SkippedLine)
    assert again.reason == f"event e1 was already read in {tmp_path}/a.jsonl, line 1"


def test_the_window_takes_its_start_and_leaves_its_end(tmp_path: Path) -> None:
    times = ["2026-11-23T08:59:59Z", "2026-11-23T09:00:00Z", "2026-11-23T09:59:59Z", "2026-11-23T10:00:00Z"]
    (tmp_path / "a.jsonl").write_bytes(lines(*(captured(t, time=t) for t in times)))
    found = read_capture(FolderCapture(tmp_path), utc(11, 23, 9), utc(11, 23, 10))
    assert [r.event_id for r in found if isinstance(r, CaptureRecord)] == times[1:3]


def test_hours_are_listed_singly_and_whole_days_at_once() -> None:
    assert list(hour_folders(utc(11, 23, 9, 30), utc(11, 23, 11))) == [
        "2026/11/23/08",
        "2026/11/23/09",
        "2026/11/23/10",
    ]
    assert list(hour_folders(utc(11, 22, 23, 59), utc(11, 24, 1, 1))) == [
        "2026/11/22/22",
        "2026/11/22/23",
        "2026/11/23",
        "2026/11/24/00",
        "2026/11/24/01",
    ]


@pytest.mark.parametrize("file", ["a.jsonl", "2026/11/23/09/a.jsonl", "x/AllTraffic/2026/11/23/99/a.jsonl"])
def test_a_file_outside_the_tree_has_no_place(file: str) -> None:
    assert place_of(file) == (None, None)


def put(s3: "S3Client", variant: str, hour: str, event: str, time: str) -> None:
    key = f"capture/pedals/{variant}/{hour}/00-00-000-{event}.jsonl"
    s3.put_object(Bucket=BUCKET, Key=key, Body=lines(captured(event, f"i-{event}", time)))


def test_a_bucket_gives_the_records_of_the_window_of_every_variant_and_of_no_other_endpoint(s3: "S3Client") -> None:
    put(s3, "blue", "2026/11/23/08", "late", "2026-11-23T09:01:00Z")
    put(s3, "blue", "2026/11/23/09", "in", "2026-11-23T09:02:00Z")
    put(s3, "green", "2026/11/23/09", "other", "2026-11-23T09:03:00Z")
    put(s3, "blue", "2026/11/23/12", "after", "2026-11-23T12:00:00Z")
    put(s3, "blue", "2026/11/20/09", "before", "2026-11-20T09:00:00Z")
    key = "capture/pedals-2/blue/2026/11/23/09/00-00-000-x.jsonl"
    s3.put_object(Bucket=BUCKET, Key=key, Body=lines(captured("x", time="2026-11-23T09:00:00Z")))
    found = read_capture(S3Capture(BUCKET, "pedals", s3=s3), utc(11, 23, 9), utc(11, 23, 12))
    assert [(r.event_id, r.variant) for r in found if isinstance(r, CaptureRecord)] == [
        ("late", "blue"),
        ("in", "blue"),
        ("other", "green"),
    ]


def test_many_files_come_in_order(s3: "S3Client") -> None:
    for number in range(40):
        put(s3, "blue", "2026/11/23/09", f"{number:03}", "2026-11-23T09:00:00Z")
    found = read_capture(S3Capture(BUCKET, "pedals", s3=s3))
    assert [r.event_id for r in found if isinstance(r, CaptureRecord)] == [f"{n:03}" for n in range(40)]


def test_an_empty_window_gives_nothing(s3: "S3Client") -> None:
    assert list(read_capture(S3Capture(BUCKET, "pedals", s3=s3), utc(11, 23, 9), utc(11, 23, 9))) == []


def test_a_bucket_or_folder_that_is_not_there_is_named(s3: "S3Client", tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"s3://nowhere/capture/pedals/ can't be listed"):
        list(read_capture(S3Capture("nowhere", "pedals", s3=s3)))
    with pytest.raises(SourceError, match="is not a folder"):
        FolderCapture(tmp_path / "none")


def test_waiting_ends_when_the_last_record_has_come(s3: "S3Client", monkeypatch: pytest.MonkeyPatch) -> None:
    put(s3, "blue", "2026/11/23/09", "a", "2026-11-23T09:00:00Z")
    waits: list[float] = []

    def put_meanwhile(seconds: float) -> None:
        waits.append(seconds)
        put(s3, "blue", "2026/11/23/09", "b", "2026-11-23T09:00:00Z")

    monkeypatch.setattr("monitoring.capture.records.sleep", put_meanwhile)
    source = S3Capture(BUCKET, "pedals", s3=s3)
    found = read_capture_until(source, ["i-a", "i-b"], 300, utc(11, 23, 9), utc(11, 23, 10))
    assert [r.event_id for r in found if isinstance(r, CaptureRecord)] == ["a", "b"]
    assert waits == [FIRST_WAIT]


def test_waiting_gives_up_and_what_has_come_was_read_once(s3: "S3Client") -> None:
    put(s3, "blue", "2026/11/23/09", "a", "2026-11-23T09:00:00Z")
    source = S3Capture(BUCKET, "pedals", s3=s3)
    found = list(read_capture_until(source, ["i-a", "i-b"], 0.3, utc(11, 23, 9), utc(11, 23, 10)))
    assert [r.event_id for r in found if isinstance(r, CaptureRecord)] == ["a"]
    assert len(found) == 1

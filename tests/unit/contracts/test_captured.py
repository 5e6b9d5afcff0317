import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from contracts.answer import Answer
from contracts.captured import Body, capture_file, captured_line
from contracts.layout import Prefix
from monitoring.capture.records import CaptureRecord, parse_file
from monitoring.capture.sources import hour_folders, place_of
from tests.unit.samples import png

# Files of two real endpoints; see their README.
REAL = Path(__file__).parents[4] / "shared" / "data" / "capture"
TIME = datetime(2026, 11, 3, 9, 5, 7, 45_678, tzinfo=UTC)
REQUEST, ANSWER = Body(png(), "image/png"), Body(b"[0.75, 0.25]", "application/json", "JSON")


def form_of(value: Any) -> Any:
    """Return the keys and types of a JSON value."""
    return {key: form_of(one) for key, one in value.items()} if isinstance(value, dict) else type(value).__name__


@pytest.mark.skipif(not REAL.is_dir(), reason="the files of real endpoints are not here")
def test_a_line_has_the_keys_types_and_encodings_of_those_of_real_endpoints() -> None:
    real = [json.loads(line) for path in REAL.glob("*.jsonl") for line in path.read_text().splitlines()]
    ours = json.loads(captured_line(REQUEST, ANSWER, None, TIME))
    assert real
    for record in real:
        assert form_of(ours) == form_of(record)
        assert list(ours) == list(record)
        assert list(ours["eventMetadata"]) == list(record["eventMetadata"])
        for name, side in record["captureData"].items():
            constant = ("observedContentType", "mode", "encoding")
            assert [ours["captureData"][name][key] for key in constant] == [side[key] for key in constant]
        assert len(ours["eventMetadata"]["inferenceTime"]) == len(record["eventMetadata"]["inferenceTime"])
        assert ours["eventVersion"] == record["eventVersion"]


@pytest.mark.skipif(not REAL.is_dir(), reason="the files of real endpoints are not here")
def test_a_file_is_named_as_those_of_real_endpoints() -> None:
    def shape(name: str) -> str:
        return "".join("0" if letter in "0123456789abcdef" else letter for letter in name.removesuffix(".jsonl"))

    ours = capture_file("pedals", "AllTraffic", TIME).rpartition("/")[2]
    assert {shape(path.name) for path in REAL.glob("*.jsonl")} == {shape(ours)}


@pytest.mark.parametrize("inference_id", ["request-1", None])
def test_the_readers_of_captured_data_read_a_line_where_its_file_lies(inference_id: str | None) -> None:
    file = f"{Prefix.CAPTURE}{capture_file('pedals', 'Green', TIME)}"
    line = captured_line(REQUEST, ANSWER, inference_id, TIME)
    (record,) = parse_file(file, line.encode())
    assert isinstance(record, CaptureRecord)
    assert (record.endpoint, record.variant) == place_of(file) == ("pedals", "Green")
    assert (record.inference_id, record.time) == (inference_id, TIME.replace(microsecond=0))
    assert (record.answer, record.payload()) == (Answer((0.75, 0.25)), png())
    assert "/09/05-07-045-" in file
    assert any(f"/{folder}/" in file for folder in hour_folders(TIME, TIME + timedelta(seconds=1)))


def sides(request: Body | None, answer: Body | None) -> dict[str, Any]:
    return dict(json.loads(captured_line(request, answer, "id", TIME))["captureData"])


def test_what_is_not_captured_is_not_in_the_line() -> None:
    assert list(sides(REQUEST, None)) == ["endpointInput"]
    assert list(sides(None, ANSWER)) == ["endpointOutput"]


def test_text_is_written_as_it_is_and_a_line_stays_one_line() -> None:
    answer = Body("0.5,\n0.5 ä \u2028".encode() + b"\xff", "text/csv", "CSV")
    assert sides(None, answer)["endpointOutput"]["data"] == "0.5,\n0.5 ä \u2028\N{REPLACEMENT CHARACTER}"
    assert len(captured_line(None, answer, "id", TIME).splitlines()) == 1


def test_two_invocations_at_once_are_two_events_in_two_files() -> None:
    first, second = (json.loads(captured_line(REQUEST, ANSWER, "id", TIME))["eventMetadata"] for _ in range(2))
    assert first["eventId"] != second["eventId"]
    assert capture_file("pedals", "Green", TIME) != capture_file("pedals", "Green", TIME)

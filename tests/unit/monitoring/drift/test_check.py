import json
from datetime import UTC, datetime
from pathlib import Path

from monitoring.capture.span import Span
from monitoring.drift.check import check_drift, write_drift
from monitoring.drift.result import Verdict
from tests.unit.samples import baseline, capture_folder


def test_captured_records_are_judged_against_the_baseline_and_nothing_is_written(tmp_path: Path) -> None:
    check = check_drift("pedals", baseline(), capture_folder(tmp_path / "in", 40), Span())
    assert (check.drift.verdict, check.drift.records) == (Verdict.DRIFT, 40)
    assert (len(check.reference.labels), len(check.window.labels)) == (200, 40)
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def test_an_empty_window_has_no_verdict(tmp_path: Path) -> None:
    drift = check_drift("pedals", baseline(), capture_folder(tmp_path, 0), Span()).drift
    assert (drift.verdict, drift.records) == (Verdict.TOO_FEW, 0)


def test_a_verdict_is_written_as_json(tmp_path: Path) -> None:
    drift = check_drift("pedals", baseline(), capture_folder(tmp_path, 40), Span()).drift
    row = json.loads(write_drift(tmp_path / "out", drift).read_text())
    assert (row["verdict"], row["records"]) == ("drift", 40)


def test_only_the_records_of_the_span_are_judged(tmp_path: Path) -> None:
    source = capture_folder(tmp_path, 60)
    span = Span(datetime(2026, 11, 23, 9, 10, tzinfo=UTC), datetime(2026, 11, 23, 9, 55, tzinfo=UTC))
    drift = check_drift("pedals", baseline(), source, span).drift
    assert (drift.records, drift.first, drift.last) == (45, "2026-11-23T09:10:00+00:00", "2026-11-23T09:54:00+00:00")

import base64
import io
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageColor

from contracts.outcomes import CLASSIFIED
from inference.cases import REJECTED, Case
from inference.executions import Execution
from monitoring.capture.records import SkippedLine, parse_file
from monitoring.quality.diagnosis import diagnose
from monitoring.quality.evaluation import Prediction, assess
from monitoring.quality.verdict import Level
from monitoring.report import confusion_chart, time_charts
from monitoring.report.figures import classified_table, figures
from monitoring.report.findings import findings, unexpected_ends
from monitoring.report.gallery import SHOWN
from monitoring.report.matching import match_executions
from monitoring.report.page import Report, ReportError, write_report
from monitoring.report.palette import DARK, LIGHT
from monitoring.report.panels import sketches
from monitoring.report.rows import MOST_ROWS, ROWS_AN_OUTCOME
from tests.unit.monitoring.report.records import capture_of
from tests.unit.samples import CLASSES, START, captured, execution, lines

HOSTILE = "<script>alert(1)</script>"
APART = timedelta(minutes=2)


def mixed() -> list[Execution]:
    """One image every two minutes."""
    ends = [
        execution(1, "ACCEPTED", 0.95),
        execution(2, "ACCEPTED", 0.9, truth="motorcycle"),
        execution(3, "REVIEW", 0.6),
        execution(4, "REJECTED"),
        execution(5, "FAILED", error="ModelFailed"),
    ]
    return [replace(one, started=(START + place * APART).isoformat()) for place, one in enumerate(ends)]


class Page(HTMLParser):
    """What a test wants to know of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.images: list[dict[str, str | None]] = []
        self.addresses: list[str] = []
        self.tags: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        found = dict(attrs)
        if tag == "img":
            self.images.append(found)
        self.addresses += [value or "" for name, value in attrs if name in ("src", "srcset", "href")]


def test_every_record_and_every_execution_is_accounted_for() -> None:
    executions = mixed()
    records = capture_of(executions[:2])
    records += capture_of([execution(99)])
    records += parse_file("b", lines(captured("direct", None)) + b"{torn\n")
    completeness, _ = match_executions(executions, records)
    assert (completeness.expected, completeness.joined, completeness.missing) == (3, 2, ["i3"])
    assert (completeness.records, completeness.foreign, completeness.without_id) == (4, 1, 1)
    assert completeness.skipped == len(completeness.skipped_lines) == 1
    assert completeness.records == completeness.joined + completeness.foreign + completeness.without_id


def test_a_record_with_other_probabilities_than_its_execution_is_counted() -> None:
    executions = [execution(1), execution(2)]
    records = capture_of(executions)[:1] + capture_of([execution(2, confidence=0.91)])
    completeness, _ = match_executions(executions, records)
    assert (completeness.joined, completeness.disagreeing) == (2, 1)


def test_the_least_confident_pairs_come_lowest_first() -> None:
    executions = [execution(number, confidence=0.5 + number / 1000) for number in range(100)]
    _, gallery = match_executions(executions, capture_of(reversed(executions)))
    assert [pair.execution.case for pair in gallery.least_confident()] == [e.case for e in executions[:SHOWN]]


def test_the_outcomes_sum_to_the_executions_and_accuracy_counts_known_truths_only() -> None:
    executions = [*mixed(), execution(6, "ACCEPTED", 0.99, truth=None)]
    counted = figures(executions, match_executions(executions, [])[0])
    assert counted.outcomes == {"ACCEPTED": 3, "REVIEW": 1, "REJECTED": 1, "FAILED": 1}
    assert (counted.judged, counted.correct) == (3, 2)
    assert counted.accuracy == pytest.approx(2 / 3)
    assert (counted.accepted_judged, counted.accepted_accuracy) == (2, 0.5)
    assert counted.errors == {"ThresholdConfidenceNotMet": 1, "InvalidImage": 1, "ModelFailed": 1}


def test_the_report_stands_alone_and_every_image_has_words(tmp_path: Path) -> None:
    executions = mixed()
    counted = write_report(
        tmp_path, Report(executions, *match_executions(executions, capture_of(executions)), classes=CLASSES)
    )
    page = Page((tmp_path / "report.html").read_text())
    assert all(address.startswith("data:image/png;base64,") for address in page.addresses)
    assert len(page.images) == 7 + 3
    assert all(image["alt"] for image in page.images)
    assert "link" not in page.tags
    assert counted.completeness.joined == 3
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {
        "report.html",
        "confidence.png",
        "outcomes.png",
        "labels.png",
        "histogram.png",
        "confusion.png",
        "coverage.png",
        "reliability.png",
    }
    for name in names - {"report.html"}:
        with Image.open(tmp_path / name) as picture:
            assert picture.format == "PNG"
            assert len(picture.convert("RGB").getcolors(1 << 24) or []) > 10


def test_the_same_data_gives_the_same_charts() -> None:
    first, second = ([one.draw(LIGHT) for one in sketches(mixed(), CLASSES, 0.8, None)] for _ in range(2))
    assert len(first) == 7
    assert first == second


def test_an_evaluation_adds_the_reliability_diagram(tmp_path: Path) -> None:
    predictions = [
        Prediction("a", "bicycle", "bicycle", 0.9, (0.9, 0.1)),
        Prediction("b", "motorcycle", "bicycle", 0.6, (0.6, 0.4)),
    ]
    evaluation = assess("pedals", "pedals", CLASSES, predictions, 0.02)
    diagnosis = diagnose(evaluation)
    write_report(tmp_path, Report(mixed(), *match_executions(mixed(), []), classes=CLASSES, diagnosis=diagnosis))
    assert (tmp_path / "reliability.png").exists()
    assert "expected calibration error 0.350" in (tmp_path / "report.html").read_text()


def test_nothing_that_comes_from_outside_is_taken_for_html(tmp_path: Path) -> None:
    hostile: dict[str, Any] = {
        "case": HOSTILE,
        "label": HOSTILE,
        "truth": HOSTILE,
        "error": HOSTILE,
        "cause": HOSTILE,
        "endpoint": HOSTILE,
    }
    executions = [
        execution(1, **hostile),
        execution(2, "REJECTED", **hostile, input={"s3_key": HOSTILE}),
        execution(3, "FAILED", **hostile),
    ]
    records = [*capture_of(executions[:1]), SkippedLine(HOSTILE, 1, HOSTILE)]
    write_report(
        tmp_path, Report(executions, *match_executions(executions, records), title=HOSTILE, unexpected=[HOSTILE])
    )
    text = (tmp_path / "report.html").read_text()
    assert HOSTILE not in text
    assert Page(text).tags.count("script") == 1
    assert text.count("&lt;script&gt;alert(1)") >= 15


def test_a_captured_input_that_is_no_image_is_told_in_the_gallery(tmp_path: Path) -> None:
    executions = [execution(1)]
    records = capture_of(executions, data=base64.b64encode(b"nothing").decode())
    write_report(tmp_path, Report(executions, *match_executions(executions, records)))
    assert "can&#39;t be decoded" in (tmp_path / "report.html").read_text()


@pytest.mark.parametrize("seconds", [0, 0.001, 7, 240, 10_000, 4e6, 8e7])
def test_a_run_of_any_length_has_a_chart(seconds: float) -> None:
    moments = [START, START + timedelta(seconds=seconds)]
    table = classified_table([execution(i, started=moment.isoformat()) for i, moment in enumerate(moments)])
    picture = Image.open(io.BytesIO(time_charts.confidence(table, 0.8, DARK)))
    assert picture.getpixel((0, 0)) == (*ImageColor.getrgb(DARK.background), 255)


@pytest.mark.parametrize("number", [3, 30, 100])
def test_any_number_of_classes_has_a_confusion_matrix_whatever_their_names(number: int) -> None:
    names = [f"class ${i}_{{" * (1 + i % 4) for i in range(number)]
    counts = np.arange(number * number).reshape(number, number)
    assert Image.open(io.BytesIO(confusion_chart.confusion(counts, names, LIGHT))).size[0] > 500


def test_a_report_on_rejections_alone_has_no_charts_and_no_accuracy(tmp_path: Path) -> None:
    counted = write_report(
        tmp_path, Report([execution(1, "REJECTED")], *match_executions([execution(1, "REJECTED")], []))
    )
    assert counted.accuracy is None
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]
    assert "no truth known" in (tmp_path / "report.html").read_text()


def test_a_report_on_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ReportError, match="nothing to report on"):
        write_report(tmp_path, Report([], *match_executions([], [])))


def test_the_table_has_the_first_of_each_outcome_and_says_where_all_are(tmp_path: Path) -> None:
    executions = [execution(number, "FAILED" if number == MOST_ROWS else "REJECTED") for number in range(MOST_ROWS + 1)]
    write_report(tmp_path, Report(executions, *match_executions(executions, [])))
    text = (tmp_path / "report.html").read_text()
    assert f"{ROWS_AN_OUTCOME + 1} of {MOST_ROWS + 1}: the first {ROWS_AN_OUTCOME} of each outcome." in text
    assert f"<code><span>executions.jsonl</span></code> has all {MOST_ROWS + 1}." in text
    table = text.partition('id="images"')[2]
    assert table.count("<tr>") == 1 + ROWS_AN_OUTCOME + 1
    assert f"bicycle-{MOST_ROWS:05}" in table


def test_findings_come_worst_first() -> None:
    executions = mixed()
    counted = figures(executions, match_executions(executions, capture_of(executions[:1]))[0])
    found = findings(counted, ["broken-text was not run."])
    assert [f.level for f in found] == [Level.BAD] * 5 + [Level.NOTICE]
    assert [f.text for f in found[:3]] == [
        "broken-text was not run.",
        "1 execution failed; the system is at fault, not the image: 1 ModelFailed (It is so.). Once that is repaired, "
        "`workflow run --resume` runs them again.",
        "Data capture holds only 1 of 3 executions that reached the endpoint.",
    ]


def test_ends_that_are_not_the_right_ones_are_told() -> None:
    cases = [
        Case("fine", {}, "bicycle", CLASSIFIED),
        Case("other error", {}, None, REJECTED, "ImageTooLarge"),
        Case("passed", {}, None, REJECTED, "InvalidImage"),
        Case("forgotten", {}, None, CLASSIFIED),
    ]
    executions = [
        execution(1, "REVIEW", case="fine"),
        execution(2, "REJECTED", case="other error"),
        execution(3, case="passed"),
    ]
    assert unexpected_ends(cases, executions) == [
        "other error ended REJECTED (InvalidImage) where REJECTED (ImageTooLarge) is right.",
        "passed ended ACCEPTED where REJECTED (InvalidImage) is right.",
        "forgotten was not run.",
    ]

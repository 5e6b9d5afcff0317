import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import pytest

from contracts.answer import ThresholdUnknown
from contracts.layout import baseline_key
from inference.executions import EXECUTIONS_FILE, Execution, ExecutionsError, write_executions
from monitoring.capture.completeness import invoked_by_hour
from monitoring.capture.export import export
from monitoring.capture.records import read_capture
from monitoring.capture.sources import FolderCapture, S3Capture, SourceError
from monitoring.capture.span import Span
from monitoring.quality.evaluation import EVALUATION_FILE, OUT_OF_FOLD_FILE
from monitoring.report.build import report_capture, report_run
from monitoring.report.matching import Rule, match_executions, observe_capture
from monitoring.report.page import ReportError
from tests.unit.monitoring.quality.evaluated import RELEASE, answer, answers, evaluated
from tests.unit.samples import BUCKET, START, answered, baseline, capture_folder, captured, execution, lines, png

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

FOLDER = "capture/pedals/AllTraffic/2026/11/23"


def put(s3: "S3Client", executions: list[Execution], file: str = "a") -> None:
    rows = [captured(f"e-{e.inference_id}", e.inference_id, e.started, output=str(e.inferences)) for e in executions]
    s3.put_object(Bucket=BUCKET, Key=f"{FOLDER}/09/00-00-000-{file}.jsonl", Body=lines(*rows))


@pytest.fixture
def fetched(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The keys of all objects that clients fetch which are made from now on, in order."""
    keys: list[str] = []
    session = boto3.Session()
    session.events.register("provide-client-params.s3.GetObject", lambda params, **_: keys.append(params["Key"]))
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", session)
    return keys


@pytest.fixture
def counted(aws: str) -> Iterator[None]:
    """CloudWatch counted 4 invocations in the hour of START, and 5 in the one after."""
    client = boto3.client("cloudwatch", endpoint_url=aws)
    dimensions = [{"Name": "EndpointName", "Value": "counted"}, {"Name": "VariantName", "Value": "AllTraffic"}]
    for hours, count in ((0, 4), (1, 5)):
        values = {"SampleCount": count, "Sum": count, "Minimum": 1, "Maximum": 1}
        latency = {"SampleCount": 2, "Sum": 3000, "Minimum": 1000, "Maximum": 2000}
        moment = START + timedelta(hours=hours, minutes=30)
        client.put_metric_data(
            Namespace="AWS/SageMaker",
            MetricData=[
                {"MetricName": name, "Dimensions": dimensions, "Timestamp": moment, "StatisticValues": statistics}  # type: ignore[typeddict-item, misc, unused-ignore] # Plain dictionaries are the service's own form.
                for name, statistics in (("Invocations", values), ("ModelLatency", latency))
            ],
        )
    yield
    client.close()


def test_a_run_is_reported_with_its_capture_its_labels_and_its_drift(s3: "S3Client", tmp_path: Path) -> None:
    executions = [execution(number, confidence=0.9, truth=None) for number in range(40)]
    write_executions(tmp_path / EXECUTIONS_FILE, executions)
    put(s3, executions)
    s3.put_object(Bucket=BUCKET, Key=baseline_key("pedals"), Body=baseline().to_bytes())
    (tmp_path / "labels.csv").write_text("id,label\ni1,bicycle\nbicycle-00002,motorcycle\n")
    figures = report_run(tmp_path, BUCKET, "pedals", labels=tmp_path / "labels.csv")
    assert (figures.completeness.joined, figures.judged, figures.correct) == (40, 2, 1)
    assert [(h.start, h.expected, h.captured) for h in figures.completeness.hours] == [(START, 40, 40)]
    drift = json.loads((tmp_path / "drift.json").read_text())
    assert (drift["verdict"], drift["records"]) == ("drift", 40)
    text = (tmp_path / "report.html").read_text()
    assert "What to do next" in text
    assert "workflow stage --dataset to-label --name pedals-next" in text


def test_each_captured_file_is_fetched_once_also_where_the_report_waits(
    s3: "S3Client", fetched: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    executions = [execution(1), execution(2), execution(3)]
    write_executions(tmp_path / EXECUTIONS_FILE, executions)
    put(s3, executions[:1], "a")
    put(s3, executions[1:2], "b")
    monkeypatch.setattr("monitoring.capture.records.sleep", lambda _: put(s3, executions[2:], "c"))
    figures = report_run(tmp_path, BUCKET, "pedals")
    assert figures.completeness.joined == 3
    files = [key for key in fetched if key.startswith("capture/")]
    assert files == [f"{FOLDER}/09/00-00-000-{name}.jsonl" for name in "abc"]


def test_a_missing_record_is_a_gap_in_its_hour(s3: "S3Client", tmp_path: Path) -> None:
    executions = [execution(1), execution(2), execution(3, started=(START + timedelta(hours=1)).isoformat())]
    write_executions(tmp_path / EXECUTIONS_FILE, executions)
    put(s3, executions[:2])
    figures = report_run(tmp_path, BUCKET, "pedals", timeout=0)
    assert [(h.expected, h.captured, h.share) for h in figures.completeness.hours] == [(2, 2, 1.0), (1, 0, 0.0)]
    assert figures.completeness.share == pytest.approx(2 / 3)
    assert "holds only 2 of 3 executions that reached the endpoint" in (tmp_path / "report.html").read_text()


@pytest.mark.usefixtures("aws")
def test_without_a_run_there_is_nothing_to_report(tmp_path: Path) -> None:
    with pytest.raises(ExecutionsError, match="workflow run"):
        report_run(tmp_path, BUCKET, "pedals")


def test_a_folder_is_reported_alone_and_no_one_knows_how_much_is_missing(tmp_path: Path) -> None:
    source = capture_folder(tmp_path, 3)
    figures = report_capture(tmp_path, source, Span(), bucket=None, endpoint="pedals", threshold=0.95)
    assert (figures.executions, figures.outcomes["REVIEW"], figures.seconds) == (3, 3, None)
    assert (figures.completeness.expected, figures.completeness.share) == (None, None)
    text = (tmp_path / "report.html").read_text()
    assert "3 captured records; how many invocations there were is not known here." in text
    assert "100% of the classified images go to review, more than the limit of 50%." in text
    assert "REJECTED" not in text


@pytest.mark.usefixtures("counted")
def test_captured_records_are_held_against_what_cloudwatch_counted_hour_by_hour(s3: "S3Client", tmp_path: Path) -> None:
    rows = [captured(f"e{n}", None, f"2026-11-23T09:0{n}:00Z") for n in range(4)]
    rows += [captured(f"e1{n}", None, f"2026-11-23T10:0{n}:00Z") for n in range(2)]
    key = "capture/counted/AllTraffic/2026/11/23/09/00-00-000-a.jsonl"
    s3.put_object(Bucket=BUCKET, Key=key, Body=lines(*rows))
    span = Span(START + timedelta(minutes=1), START + timedelta(hours=1, minutes=45))
    source = S3Capture(BUCKET, "counted", s3=s3)
    figures = report_capture(tmp_path, source, span, bucket=BUCKET, endpoint="counted", threshold=0.5)
    assert [(h.expected, h.captured) for h in figures.completeness.hours] == [(4, 4), (5, 2)]
    assert (figures.completeness.expected, figures.completeness.joined) == (9, 6)
    text = (tmp_path / "report.html").read_text()
    assert "holds only 6 of 9 invocations that CloudWatch counted" in text
    found = export(read_capture(source, span.start, span.end))
    # Only the hours that lie wholly in the window are comparable: none here, one where the window is wider.
    assert invoked_by_hour("counted", found, span) == {}
    assert invoked_by_hour("counted", found, Span(START, span.end)) == {START: 4}


def test_a_report_on_captured_data_needs_a_threshold_and_records(tmp_path: Path) -> None:
    source = capture_folder(tmp_path, 1)
    with pytest.raises(ThresholdUnknown, match="--threshold"):
        report_capture(tmp_path, source, Span(), bucket=None, endpoint="pedals")
    empty = Span(datetime(2027, 1, 1, tzinfo=UTC))
    with pytest.raises(ReportError, match="nothing to report on"):
        report_capture(tmp_path, source, empty, bucket=None, endpoint="pedals", threshold=0.5)


def test_captured_answers_are_judged_by_the_threshold_of_the_release_that_gave_them(tmp_path: Path) -> None:
    outputs = {
        "old": answered(),
        "new": answered(release="r2", threshold=0.95),
        "careful": answered(release="r3", threshold=None),
        "foreign": answered(familiarity=0.01, familiarity_limit=0.05),
    }
    rows = [captured(name, name, output=output) for name, output in outputs.items()]
    (tmp_path / "a.jsonl").write_bytes(lines(*rows))
    observed, _, _ = observe_capture(read_capture(FolderCapture(tmp_path)), (), Rule(), {})
    assert {one.case: (one.outcome, one.review_reason, one.release, one.threshold) for one in observed} == {
        "old": ("ACCEPTED", None, "r1", 0.8),
        "new": ("REVIEW", "low confidence", "r2", 0.95),
        "careful": ("REVIEW", "low confidence", "r3", None),
        "foreign": ("REVIEW", "unfamiliar", "r1", 0.8),
    }
    assert {one.label for one in observed} == {"bicycle"}
    assert report_capture(tmp_path, FolderCapture(tmp_path), Span(), bucket=None, endpoint="pedals").executions == 4
    overridden, _, _ = observe_capture(read_capture(FolderCapture(tmp_path)), (), Rule(0.9), {})
    assert [one.outcome for one in overridden] == ["ACCEPTED", "ACCEPTED", "ACCEPTED", "REVIEW"]


def test_a_plain_list_is_judged_by_the_evaluations_threshold(tmp_path: Path) -> None:
    [observed], _, _ = observe_capture(read_capture(capture_folder(tmp_path, 1)), (), Rule(fallback=0.95), {})
    assert (observed.outcome, observed.threshold, observed.release, observed.label) == ("REVIEW", 0.95, None, "0")


def test_a_record_of_another_release_than_its_execution_disagrees(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(lines(captured("e1", "i1", output=answered(release="r2"))))
    for release, disagreeing in (("r1", 1), ("r2", 0), (None, 0)):
        counts, _ = match_executions([execution(release=release)], read_capture(FolderCapture(tmp_path)))
        assert (counts.joined, counts.disagreeing) == (1, disagreeing)


def test_an_id_with_html_in_it_stays_text(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(lines(captured("e1", "<script>alert(1)</script>")))
    source = FolderCapture(tmp_path)
    report_capture(tmp_path, source, Span(), bucket=None, endpoint="pedals", threshold=0.5)
    text = (tmp_path / "report.html").read_text()
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert(1)" in text


def test_records_of_two_variants_are_reported_together_and_both_named(tmp_path: Path) -> None:
    for variant in ("blue", "green"):
        place = tmp_path / f"capture/pedals/{variant}/2026/11/23/09"
        place.mkdir(parents=True)
        (place / "00-00-000-a.jsonl").write_bytes(lines(captured(f"e-{variant}", f"i-{variant}")))
    source = FolderCapture(tmp_path)
    figures = report_capture(tmp_path, source, Span(), bucket=None, endpoint="pedals", threshold=0.5)
    assert figures.executions == 2
    assert "pedals / blue, pedals / green" in (tmp_path / "report.html").read_text()


def test_a_record_from_a_clock_that_is_ahead_is_in_a_window_that_ends_now(s3: "S3Client") -> None:
    ahead = datetime.now(UTC) + timedelta(hours=2)
    key = f"capture/pedals/AllTraffic/{ahead:%Y/%m/%d/%H}/00-00-000-a.jsonl"
    s3.put_object(Bucket=BUCKET, Key=key, Body=lines(captured(time=ahead.isoformat())))
    found = list(read_capture(S3Capture(BUCKET, "pedals", s3=s3), datetime.now(UTC) - timedelta(hours=1)))
    assert len(found) == 1


def test_a_bucket_that_is_not_there_is_told(s3: "S3Client") -> None:
    with pytest.raises(SourceError, match="nowhere"):
        list(read_capture(S3Capture("nowhere", "pedals", s3=s3), START))


def test_a_run_is_reported_with_the_verdict_and_with_images_that_look_mislabelled_in_training(
    s3: "S3Client", tmp_path: Path
) -> None:
    odd = answer(900, label="motorcycle", confidence=0.99)
    evaluated(answers(100)).write(tmp_path / EVALUATION_FILE)
    evaluated([*answers(50), odd]).write(tmp_path / OUT_OF_FOLD_FILE)
    s3.put_object(Bucket=BUCKET, Key=odd.key, Body=png())
    executions = [execution(1, release=RELEASE, threshold=0.6), execution(2, release="0000")]
    write_executions(tmp_path / EXECUTIONS_FILE, executions)
    report_run(tmp_path, BUCKET, "pedals", timeout=0)
    text = (tmp_path / "report.html").read_text()
    assert "<strong>usable</strong>" in text
    assert 'alt="bicycle/900.png: labelled bicycle, looks like motorcycle with 99.0%"' in text
    assert f"The verdict is on the release {RELEASE}, and 0000 answered; run <code>" in text
    assert "ConfidenceThreshold accepts from 0.6, instead of the model&#39;s own 0.9, which is judged: of 200" in text


def test_training_of_another_model_says_nothing_of_this_one(s3: "S3Client", tmp_path: Path) -> None:
    assert s3
    evaluated(answers(100)).write(tmp_path / EVALUATION_FILE)
    other = evaluated([*answers(50), answer(900, label="motorcycle", confidence=0.99)], threshold=0.8)
    other.write(tmp_path / OUT_OF_FOLD_FILE)
    write_executions(tmp_path / EXECUTIONS_FILE, [execution(1, "REJECTED")])
    report_run(tmp_path, BUCKET, "pedals", timeout=0)
    text = (tmp_path / "report.html").read_text()
    assert "mislabelled" not in text

"""Report on a finished run or on data capture alone, and judge drift: what the verbs do with S3 and CloudWatch."""

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from contracts.files import write_whole
from inference.cases import CASES_FILE, read_cases
from inference.executions import EXECUTIONS_FILE, reached_endpoint, read_executions
from monitoring.capture.endpoint_metrics import MetricsError, hour_of, invocations, model_seconds
from monitoring.capture.export import Export
from monitoring.capture.records import CaptureRecord, SkippedLine, read_capture, wait_for
from monitoring.capture.sources import CaptureSource, S3Capture
from monitoring.capture.span import Span
from monitoring.drift import baseline as baselines
from monitoring.drift.baseline import BASELINE_FILE, Baseline
from monitoring.drift.verdict import DRIFT_FILE, Drift, judge
from monitoring.drift.window import Window
from monitoring.errors import MonitoringError
from monitoring.quality.evaluate import EVALUATION_FILE, Evaluation, read_evaluation
from monitoring.report.chart_style import LIGHT
from monitoring.report.figures import Figures
from monitoring.report.findings import unexpected_ends
from monitoring.report.matching import join, observe, with_labels
from monitoring.report.page import DriftPanel, write_report
from monitoring.report.panels import drift_sketch

# The endpoint's clock and the state machine's need not agree, and an image may wait for its turn.
SLACK = timedelta(minutes=10)


class PullError(MonitoringError):
    """What the report needs can't be read."""


def report(
    out: Path,
    bucket: str,
    endpoint: str,
    *,
    threshold: float | None = None,
    timeout: float = 300.0,
    labels: Path | None = None,
    limit: float | None = None,
) -> Figures:
    """Wait until what the executions sent to the endpoint is captured, and write `<out>/report.html`.

    What is still missing after *timeout* seconds is missing in the report, which says so. *labels* and *limit* are as
    for `report_capture`. Where there is a baseline, the executions' images are held against it. Raises ExecutionsError
    where there was no run, and SourceError where the bucket can't be read.
    """
    executions = with_labels(read_executions(out / EXECUTIONS_FILE), read_labels(labels))
    cases = read_cases(out / CASES_FILE) if (out / CASES_FILE).exists() else []
    evaluation = _evaluation(out)
    baseline = find_baseline(out, bucket, endpoint)
    window = Window(baseline.classes, baseline.image_size) if baseline else None
    captured: Iterator[CaptureRecord | SkippedLine] = iter(())
    times = _Times()
    if executions:
        started = [datetime.fromisoformat(execution.started) for execution in executions]
        first, last = min(started) - SLACK, max(started) + SLACK
        source = S3Capture(bucket, endpoint)
        ids = [one.inference_id for one in reached_endpoint(executions) if one.inference_id]
        wait_for(source, ids, timeout, first)
        captured = read_capture(source, first, last)
        times = _times(endpoint, {one.variant for one in executions if one.variant}, first, last)
    completeness, gallery = join(executions, captured, window)
    return write_report(
        out,
        executions,
        completeness,
        gallery,
        classes=evaluation.classes if evaluation else (),
        threshold=threshold,
        evaluation=evaluation,
        unexpected=unexpected_ends(cases, executions),
        panel=_panel(out, endpoint, baseline, window),
        limit=limit,
        model_seconds=times.seconds,
        notices=times.notices,
    )


def report_capture(
    out: Path,
    source: CaptureSource,
    span: Span,
    *,
    bucket: str | None,
    endpoint: str,
    threshold: float | None = None,
    labels: Path | None = None,
    limit: float | None = None,
) -> Figures:
    """Write `<out>/report.html` on what *source* captured in *span*, without a word of executions.

    The span is widened to whole hours, to be held against CloudWatch's (with *bucket*; a folder's files are not).
    *threshold* says what would have gone to review; by default it is the one that the evaluation in *out* recommends.
    *labels* names a file as for `read_labels`, *limit* is the share of reviews that calls for retraining. Raises
    PullError without a threshold, ReportError where nothing was captured.
    """
    evaluation = _evaluation(out)
    if threshold is None and evaluation is not None and evaluation.recommended is not None:
        threshold = evaluation.recommended.threshold
    if threshold is None:
        raise PullError("What goes to review is not known; give --threshold, or run `workflow evaluate` first.")
    start = hour_of(span.start) if span.start else None
    end = hour_of(span.end + timedelta(hours=1) - timedelta(microseconds=1)) if span.end else None
    baseline = find_baseline(out, bucket, endpoint)
    window = Window(baseline.classes, baseline.image_size) if baseline else None
    classes = evaluation.classes if evaluation else baseline.classes if baseline else ()
    captured = read_capture(source, start, end)
    executions, completeness, gallery = observe(captured, classes, threshold, read_labels(labels), window)
    times = _Times()
    if bucket is not None and executions:
        variants = {one.variant for one in executions if one.variant}
        first = start or min(hour.start for hour in completeness.hours)
        times = _times(endpoint, variants, first, end or datetime.now(UTC))
        if times.invocations is not None:
            completeness.counted = "invocations that CloudWatch counted"
            completeness.expected = sum(times.invocations.values())
            completeness.by_hour(times.invocations, {hour.start: hour.captured for hour in completeness.hours})
    return write_report(
        out,
        executions,
        completeness,
        gallery,
        classes=classes,
        threshold=threshold,
        evaluation=evaluation,
        panel=_panel(out, endpoint, baseline, window),
        limit=limit,
        model_seconds=times.seconds,
        notices=times.notices,
    )


def check_drift(out: Path, source: CaptureSource, endpoint: str, baseline: Baseline, span: Span) -> Drift:
    """Hold what *source* captured of *endpoint* in *span* against *baseline*; write `drift.json` and `drift.png`."""
    window = Window(baseline.classes, baseline.image_size)
    for record in read_capture(source, span.start, span.end):
        window.add(record)
    panel = _panel(out, endpoint, baseline, window)
    assert panel is not None
    sketch = drift_sketch(panel.drift, panel.reference, panel.window)
    if sketch is not None:
        write_whole(out / f"{sketch.name}.png", sketch.draw(LIGHT))
    return panel.drift


def invoked_by_hour(endpoint: str, captured: Export, span: Span) -> dict[datetime, int]:
    """CloudWatch's invocations in the hours that lie wholly in *span*, for *captured* to be held against."""
    if not captured.hours:
        return {}
    hour = timedelta(hours=1)
    start = hour_of((span.start or min(captured.hours)) + hour - timedelta(microseconds=1))
    end = hour_of(span.end) if span.end else datetime.now(UTC)
    variants = [variant for variant in captured.variants if variant]
    return invocations(endpoint, variants, start, end) if start < end else {}


def require_baseline(out: Path, bucket: str | None, endpoint: str) -> Baseline:
    """As `find_baseline`, but PullError where there is none."""
    found = find_baseline(out, bucket, endpoint)
    if found is None:
        raise PullError(f"There is no baseline for {endpoint}; make it with `workflow baseline`.")
    return found


def find_baseline(out: Path, bucket: str | None, endpoint: str) -> Baseline | None:
    """The baseline in *out*, else that in the bucket; None where there is none. BaselineError where it is malformed."""
    if (out / BASELINE_FILE).exists():
        return baselines.read_file(out / BASELINE_FILE)
    return baselines.read_s3(bucket, endpoint) if bucket is not None else None


def read_labels(path: Path | None) -> dict[str, str]:
    """Reviewed labels by inference id or case, from a CSV file with the columns `id` and `label`; none without *path*.

    Raises PullError where the file is missing, lacks a column, or gives one id two labels.
    """
    if path is None:
        return {}
    labels: dict[str, str] = {}
    try:
        with path.open(newline="") as file:
            for row in csv.DictReader(file):
                if not row["label"]:
                    raise PullError(f"{path} has no label for {row['id']}.")
                if labels.setdefault(row["id"], row["label"]) != row["label"]:
                    raise PullError(f"{path} gives {row['id']} two labels.")
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise PullError(f"{path} can't be read: {error}.") from error
    except KeyError as error:
        raise PullError(f"{path} has no column {error}; it needs `id` and `label`.") from error
    return labels


@dataclass(frozen=True)
class _Times:
    """What CloudWatch knows; `invocations` is None where it could not be asked, which `notices` then say."""

    invocations: dict[datetime, int] | None = None
    seconds: dict[str, float] = field(default_factory=dict)
    notices: tuple[str, ...] = ()


def _times(endpoint: str, variants: Iterable[str], first: datetime, last: datetime) -> _Times:
    try:
        counts = invocations(endpoint, variants, first, last)
        return _Times(counts, model_seconds(endpoint, variants, first, last))
    except MetricsError as error:
        return _Times(notices=(str(error),))


def _evaluation(out: Path) -> Evaluation | None:
    return read_evaluation(out / EVALUATION_FILE) if (out / EVALUATION_FILE).exists() else None


def _panel(out: Path, endpoint: str, baseline: Baseline | None, window: Window | None) -> DriftPanel | None:
    if baseline is None or window is None:
        return None
    sample = window.sample()
    drift = judge(endpoint, baseline, window, sample)
    write_whole(out / DRIFT_FILE, drift.to_json())
    return DriftPanel(drift, baseline.sample, sample)

"""Report on a finished run, or on captured data alone."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from inference.cases import CASES_FILE, read_cases
from inference.executions import EXECUTIONS_FILE, reached_endpoint, read_executions
from monitoring.capture.endpoint_metrics import MetricsError, invocations, model_seconds
from monitoring.capture.records import read_capture, read_capture_until
from monitoring.capture.sources import CaptureSource, S3Capture
from monitoring.capture.span import Span, hour_of
from monitoring.drift.baseline import Baseline, find_baseline
from monitoring.drift.check import DriftCheck, check_window, window_for, write_drift
from monitoring.drift.window import Window
from monitoring.quality.evaluation import EVALUATION_FILE, Evaluation, read_evaluation
from monitoring.report.figures import Figures
from monitoring.report.findings import unexpected_ends
from monitoring.report.labels import read_labels, with_labels
from monitoring.report.matching import Rule, match_executions, observe_capture
from monitoring.report.page import Report, ReportError, write_report

# The endpoint's clock and the state machine's need not agree, and an image may wait for its turn.
SLACK = timedelta(minutes=10)


def report_run(
    out: Path,
    bucket: str,
    endpoint: str,
    *,
    threshold: float | None = None,
    timeout: float = 300.0,
    labels: Path | None = None,
    review_limit: float | None = None,
) -> Figures:
    """Match the executions in *out* with what the endpoint captured of them, and write `<out>/report.html`.

    Waits at most *timeout* seconds for the records; those that are still missing are reported as missing. *labels* and
    *review_limit* are as for `report_capture`. Where there is a baseline, drift is checked. Raises ExecutionsError
    where there was no run, and SourceError where the bucket can't be read.
    """
    executions = with_labels(read_executions(out / EXECUTIONS_FILE), read_labels(labels))
    if not executions:
        raise ReportError(f"There is nothing to report on: {out / EXECUTIONS_FILE} is empty; run `workflow run`.")
    cases = read_cases(out / CASES_FILE) if (out / CASES_FILE).exists() else []
    evaluation = _evaluation(out)
    baseline = find_baseline(out, bucket, endpoint)
    window = window_for(baseline) if baseline else None
    started = [datetime.fromisoformat(execution.started) for execution in executions]
    first, last = min(started) - SLACK, max(started) + SLACK
    ids = [one.inference_id for one in reached_endpoint(executions) if one.inference_id]
    captured = read_capture_until(S3Capture(bucket, endpoint), ids, timeout, first, last)
    completeness, gallery = match_executions(executions, captured, window)
    metrics = _metrics(endpoint, {one.variant for one in executions if one.variant}, first, last)
    report = Report(
        executions,
        completeness,
        gallery,
        classes=evaluation.classes if evaluation else (),
        threshold=threshold,
        evaluation=evaluation,
        unexpected=unexpected_ends(cases, executions),
        drift=_check(out, endpoint, baseline, window),
        review_limit=review_limit,
        model_seconds=metrics.seconds,
        notices=metrics.notices,
    )
    return write_report(out, report)


def report_capture(
    out: Path,
    source: CaptureSource,
    span: Span,
    *,
    bucket: str | None,
    endpoint: str,
    threshold: float | None = None,
    labels: Path | None = None,
    review_limit: float | None = None,
) -> Figures:
    """Write `<out>/report.html` on what *source* captured in *span*, knowing nothing of executions.

    The span is widened to whole hours, to be compared with CloudWatch's (with *bucket*; a folder's files are not).
    *threshold* decides what would have gone to review; by default it is the one that each answer names, and for those
    that name none that of the evaluation in *out*. *labels* names a file as for `read_labels`, *review_limit* is the
    share of reviews above which the report advises to retrain. Raises ThresholdUnknown without a threshold, and
    ReportError where nothing was captured.
    """
    evaluation = _evaluation(out)
    start = hour_of(span.start) if span.start else None
    end = hour_of(span.end + timedelta(hours=1) - timedelta(microseconds=1)) if span.end else None
    baseline = find_baseline(out, bucket, endpoint)
    window = window_for(baseline) if baseline else None
    classes = evaluation.classes if evaluation else baseline.classes if baseline else ()
    captured = read_capture(source, start, end)
    executions, completeness, gallery = observe_capture(
        captured, classes, Rule(threshold, evaluation.threshold if evaluation else None), read_labels(labels), window
    )
    metrics = _Metrics()
    if bucket is not None and executions:
        variants = {one.variant for one in executions if one.variant}
        first = start or min(hour.start for hour in completeness.hours)
        metrics = _metrics(endpoint, variants, first, end or datetime.now(UTC))
        if metrics.invocations is not None:
            completeness.counted = "invocations that CloudWatch counted"
            completeness.expected = sum(metrics.invocations.values())
            completeness.by_hour(metrics.invocations, {hour.start: hour.captured for hour in completeness.hours})
    report = Report(
        executions,
        completeness,
        gallery,
        classes=classes,
        threshold=threshold,
        evaluation=evaluation,
        drift=_check(out, endpoint, baseline, window),
        review_limit=review_limit,
        model_seconds=metrics.seconds,
        notices=metrics.notices,
    )
    return write_report(out, report)


@dataclass(frozen=True)
class _Metrics:
    """What CloudWatch knows of the endpoint; `invocations` is None where it doesn't answer, and `notices` say why."""

    invocations: dict[datetime, int] | None = None
    seconds: dict[str, float] = field(default_factory=dict)
    notices: tuple[str, ...] = ()


def _metrics(endpoint: str, variants: Iterable[str], first: datetime, last: datetime) -> _Metrics:
    try:
        counts = invocations(endpoint, variants, first, last)
        return _Metrics(counts, model_seconds(endpoint, variants, first, last))
    except MetricsError as error:
        return _Metrics(notices=(str(error),))


def _evaluation(out: Path) -> Evaluation | None:
    return read_evaluation(out / EVALUATION_FILE) if (out / EVALUATION_FILE).exists() else None


def _check(out: Path, endpoint: str, baseline: Baseline | None, window: Window | None) -> DriftCheck | None:
    """Judge the window, if there is a baseline to compare it with, and write the verdict."""
    if baseline is None or window is None:
        return None
    check = check_window(endpoint, baseline, window)
    write_drift(out, check.drift)
    return check

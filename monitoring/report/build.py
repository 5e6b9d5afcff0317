"""Report on a finished run, or on captured data alone."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import boto3

from contracts.dataset import DatasetError
from inference.cases import CASES_FILE, read_cases
from inference.executions import EXECUTIONS_FILE, Execution, reached_endpoint, read_executions
from inference.staged_data import read_object
from monitoring.capture.endpoint_metrics import MetricsError, invocations, model_seconds
from monitoring.capture.records import read_capture, read_capture_until
from monitoring.capture.sources import CaptureSource, S3Capture
from monitoring.capture.span import Span, hour_of
from monitoring.drift.baseline import Baseline, find_baseline
from monitoring.drift.check import DriftCheck, check_window, window_for, write_drift
from monitoring.drift.window import Window
from monitoring.quality.diagnosis import Diagnosis, diagnose
from monitoring.quality.evaluation import EVALUATION_FILE, OUT_OF_FOLD_FILE, read_evaluation
from monitoring.quality.live_quality import LiveQuality
from monitoring.quality.verdict import on_other_threshold
from monitoring.report.explanations import Explanations, explain
from monitoring.report.figures import Figures
from monitoring.report.findings import unexpected_ends
from monitoring.report.gallery import SHOWN
from monitoring.report.labels import read_labels, with_labels
from monitoring.report.matching import Rule, match_executions, observe_capture
from monitoring.report.page import Report, ReportError, write_report
from monitoring.report.subject import TrainedModel

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
    live: LiveQuality | None = None,
    model: TrainedModel | None = None,
    notices: Sequence[str] = (),
) -> Figures:
    """Match the executions in *out* with what the endpoint captured of them, and write `<out>/report.html`.

    Waits at most *timeout* seconds for the records; those that are still missing are reported as missing. *labels*,
    *review_limit*, *live*, *model* and *notices* are as for `report_capture`. Where there is a baseline, drift is
    checked. Raises ExecutionsError where there was no run, and SourceError where the bucket can't be read.
    """
    executions = with_labels(read_executions(out / EXECUTIONS_FILE), read_labels(labels))
    if not executions:
        raise ReportError(f"There is nothing to report on: {out / EXECUTIONS_FILE} is empty; run `workflow run`.")
    cases = read_cases(out / CASES_FILE) if (out / CASES_FILE).exists() else []
    diagnosis = _diagnosis(out)
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
        classes=diagnosis.evaluation.classes if diagnosis else (),
        model=model,
        threshold=threshold,
        diagnosis=diagnosis,
        images=_images(bucket, diagnosis),
        explanations=explain(gallery.least_confident()),
        unexpected=unexpected_ends(cases, executions),
        drift=_check(out, endpoint, baseline, window),
        review_limit=review_limit,
        model_seconds=metrics.seconds,
        live=live,
        notices=(
            *_on_releases(executions, diagnosis),
            *_on_threshold(executions, diagnosis),
            *metrics.notices,
            *notices,
        ),
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
    live: LiveQuality | None = None,
    model: TrainedModel | None = None,
    notices: Sequence[str] = (),
) -> Figures:
    """Write `<out>/report.html` on what *source* captured in *span*, knowing nothing of executions.

    The span is widened to whole hours, to be compared with CloudWatch's (with *bucket*; a folder's files are not).
    *threshold* decides what would have gone to review; by default it is the one that each answer names, and for those
    that name none that of the evaluation in *out*. *labels* names a file as for `read_labels`, *review_limit* is the
    share of reviews above which the report advises to retrain, *live* what people decided in use, *model* the one that
    was trained last, and *notices* are sentences that the report should say too. Raises ThresholdUnknown without a
    threshold, and ReportError where nothing was captured.
    """
    diagnosis = _diagnosis(out)
    evaluation = diagnosis.evaluation if diagnosis else None
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
        model=model,
        threshold=threshold,
        diagnosis=diagnosis,
        images=_images(bucket, diagnosis) if bucket is not None else {},
        explanations=explain(gallery.least_confident()) if bucket is not None else Explanations(),
        drift=_check(out, endpoint, baseline, window),
        review_limit=review_limit,
        model_seconds=metrics.seconds,
        live=live,
        notices=(
            *_on_releases(executions, diagnosis),
            *_on_threshold(executions, diagnosis),
            *metrics.notices,
            *notices,
        ),
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


def _diagnosis(out: Path) -> Diagnosis | None:
    """The diagnosis by the evaluation in *out*, if there is one; with that of its training, if it is the same model."""
    if not (out / EVALUATION_FILE).exists():
        return None
    evaluation = read_evaluation(out / EVALUATION_FILE)
    trained = read_evaluation(out / OUT_OF_FOLD_FILE) if (out / OUT_OF_FOLD_FILE).exists() else None
    same = trained is not None and trained.terms is not None and trained.terms == evaluation.terms
    return diagnose(evaluation, trained if same else None)


def _images(bucket: str, diagnosis: Diagnosis | None) -> dict[str, bytes]:
    """The files of the suspects that are shown, as far as they are still there."""
    found = {}
    s3 = boto3.client("s3")
    for suspect in diagnosis.suspects[:SHOWN] if diagnosis else ():
        with suppress(DatasetError):
            found[suspect.key] = read_object(s3, bucket, suspect.key)
    return found


def _on_releases(executions: Sequence[Execution], diagnosis: Diagnosis | None) -> list[str]:
    """A sentence where the verdict is on another release than the one that answered."""
    terms = diagnosis.evaluation.terms if diagnosis else None
    if terms is None:
        return []
    others = sorted({one.release for one in executions if one.release} - {terms.release})
    text = f"The verdict is on the release {terms.release}, and {', '.join(others)} answered; run `workflow evaluate`."
    return [text] if others else []


def _on_threshold(executions: Sequence[Execution], diagnosis: Diagnosis | None) -> list[str]:
    """A sentence for each threshold that decided and isn't the one that was judged."""
    if diagnosis is None:
        return []
    evaluation = diagnosis.evaluation
    release = evaluation.terms.release if evaluation.terms else None
    decided = {one.threshold for one in executions if one.threshold is not None and one.release == release}
    return [text for threshold in sorted(decided) if (text := on_other_threshold(evaluation, threshold))]


def _check(out: Path, endpoint: str, baseline: Baseline | None, window: Window | None) -> DriftCheck | None:
    """Judge the window, if there is a baseline to compare it with, and write the verdict."""
    if baseline is None or window is None:
        return None
    check = check_window(endpoint, baseline, window)
    write_drift(out, check.drift)
    return check

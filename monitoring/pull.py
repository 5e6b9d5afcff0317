"""Report on a finished run: its executions and evaluation from a folder, what was captured from S3."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from monitoring.capture import CaptureRecord, SkippedLine, read_capture, wait_for
from monitoring.capture_sources import S3Capture
from monitoring.cases import CASES_FILE, read_cases
from monitoring.evaluate import EVALUATION_FILE, read_evaluation
from monitoring.executions import EXECUTIONS_FILE, reached_endpoint, read_executions
from monitoring.findings import unexpected_ends
from monitoring.join import Figures
from monitoring.report import write_report

# The endpoint's clock and the state machine's need not agree, and an image may wait for its turn.
SLACK = timedelta(minutes=10)


def report(out: Path, bucket: str, endpoint: str, *, threshold: float | None = None, timeout: float = 300.0) -> Figures:
    """Wait until what the executions sent to the endpoint is captured, and write `<out>/report.html`.

    What is still missing after *timeout* seconds is missing in the report, which says so. Raises ExecutionsError where
    there was no run, and SourceError where the bucket can't be read.
    """
    executions = read_executions(out / EXECUTIONS_FILE)
    cases = read_cases(out / CASES_FILE) if (out / CASES_FILE).exists() else []
    evaluation = read_evaluation(out / EVALUATION_FILE) if (out / EVALUATION_FILE).exists() else None
    captured: Iterator[CaptureRecord | SkippedLine] = iter(())
    if executions:
        started = [datetime.fromisoformat(execution.started) for execution in executions]
        first, last = min(started) - SLACK, max(started) + SLACK
        source = S3Capture(bucket, endpoint)
        ids = [one.inference_id for one in reached_endpoint(executions) if one.inference_id]
        wait_for(source, ids, timeout, first)
        captured = read_capture(source, first, last)
    return write_report(
        out,
        executions,
        captured,
        classes=evaluation.classes if evaluation else (),
        threshold=threshold,
        evaluation=evaluation,
        unexpected=unexpected_ends(cases, executions),
    )

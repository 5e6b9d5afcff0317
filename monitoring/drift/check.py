"""Check captured data for drift: collect a window of it, and judge it against a baseline."""

from dataclasses import dataclass
from pathlib import Path

from contracts.files import write_whole
from monitoring.capture.records import read_capture
from monitoring.capture.sources import CaptureSource
from monitoring.capture.span import Span
from monitoring.drift.baseline import Baseline
from monitoring.drift.result import DRIFT_FILE
from monitoring.drift.verdict import Drift, judge
from monitoring.drift.window import Sample, Window


@dataclass(frozen=True)
class DriftCheck:
    """A verdict on drift, and the two samples that were compared."""

    drift: Drift
    reference: Sample
    window: Sample


def check_drift(endpoint: str, baseline: Baseline, source: CaptureSource, span: Span) -> DriftCheck:
    """Compare what *source* captured of *endpoint* in *span* with *baseline*."""
    window = window_for(baseline)
    for record in read_capture(source, span.start, span.end):
        window.add(record)
    return check_window(endpoint, baseline, window)


def window_for(baseline: Baseline) -> Window:
    """An empty window whose records can be compared with *baseline*."""
    return Window(baseline.classes, baseline.max_side, exact=baseline.exact)


def check_window(endpoint: str, baseline: Baseline, window: Window) -> DriftCheck:
    """Compare a *window* of what *endpoint* captured with *baseline*."""
    sample = window.sample()
    return DriftCheck(judge(endpoint, baseline, window, sample), baseline.sample, sample)


def write_drift(out: Path, drift: Drift) -> Path:
    """Write `<out>/drift.json`."""
    return write_whole(out / DRIFT_FILE, drift.to_json())

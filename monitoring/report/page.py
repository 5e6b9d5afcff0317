"""The report: one HTML file that needs nothing beside it, and its charts as PNG files."""

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import jinja2

from contracts.files import write_whole
from contracts.outcomes import Outcome
from inference.executions import Execution
from monitoring.capture.completeness import Completeness
from monitoring.capture.records import CaptureError
from monitoring.drift.check import DriftCheck
from monitoring.drift.verdict import FALSE_ALARMS, SMALLEST_DISTANCE
from monitoring.errors import MonitoringError
from monitoring.quality.calibration import interval
from monitoring.quality.evaluation import Evaluation
from monitoring.report.advice import default_review_limit, next_steps, reasons_to_retrain
from monitoring.report.chart_style import DARK
from monitoring.report.figures import Figures, figures
from monitoring.report.findings import findings
from monitoring.report.gallery import SHOWN, Gallery, Pair
from monitoring.report.panels import Sketch, drift_sketch, sketches, write_png

REPORT_FILE = "report.html"
THUMBNAIL = 96
# A page with more rows than these is no longer read; executions.jsonl has them all.
ROWS_SHOWN = 1000


class ReportError(MonitoringError):
    """There is nothing to report on."""


@dataclass(frozen=True)
class Chart:
    """A chart in both colour schemes, as data URIs, with what it shows in words."""

    title: str
    alt: str
    note: str
    light: str
    dark: str


@dataclass(frozen=True)
class Thumbnail:
    """One captured image of the gallery; `source` is a data URI, or None where the image can't be decoded."""

    source: str | None
    alt: str
    execution: Execution


@dataclass(frozen=True)
class Report:
    """What a report is made of.

    `completeness` and `gallery` come from `match_executions` or `observe_capture`. `classes` are the model's labels in
    order (others that occur are added), `threshold` the workflow's (by default that of the accepted executions),
    `unexpected` one sentence for each case that did not end as it should, `review_limit` the share of reviews above
    which the report advises to retrain (by default `default_review_limit`), `model_seconds` what CloudWatch says of the
    endpoint's time, `notices` what else the reader should know.
    """

    executions: Sequence[Execution]
    completeness: Completeness
    gallery: Gallery
    title: str = "Image classification"
    classes: Sequence[str] = ()
    threshold: float | None = None
    evaluation: Evaluation | None = None
    unexpected: Sequence[str] = ()
    drift: DriftCheck | None = None
    review_limit: float | None = None
    model_seconds: Mapping[str, float] = field(default_factory=dict)
    notices: Sequence[str] = ()


def write_report(out: Path, report: Report) -> Figures:
    """Write `<out>/report.html` with its PNGs beside it, and return the figures that it shows.

    Raises ReportError where there are no executions.
    """
    executions, evaluation = report.executions, report.evaluation
    if not executions:
        raise ReportError("There is nothing to report on: no execution, and no captured record with an output.")
    counted = figures(executions, report.completeness)
    threshold = report.threshold
    if threshold is None:
        threshold = max((e.threshold for e in executions if e.threshold is not None), default=None)
    limit = default_review_limit(evaluation, threshold) if report.review_limit is None else report.review_limit
    drift = report.drift.drift if report.drift else None
    reasons = reasons_to_retrain(counted, drift, limit)
    dataset = drift.dataset if drift else evaluation.dataset if evaluation else "NAME"
    drift_chart = drift_sketch(report.drift) if report.drift else None
    started = [datetime.fromisoformat(e.started) for e in executions]
    page = (
        _environment()
        .get_template("report.html.j2")
        .render(
            title=report.title,
            written=datetime.now(UTC),
            first=min(started),
            last=max(started),
            endpoints=sorted({f"{e.endpoint} / {e.variant}" for e in executions if e.endpoint}),
            figures=counted,
            accuracy_interval=interval(counted.correct, counted.judged),
            threshold=threshold,
            findings=findings(counted, report.unexpected, drift, reasons, report.notices),
            steps=next_steps(dataset) if reasons else [],
            charts=[_chart(out, sketch) for sketch in sketches(executions, report.classes, threshold, evaluation)],
            drift=drift,
            smallest_distance=SMALLEST_DISTANCE,
            false_alarms=FALSE_ALARMS,
            drift_chart=_chart(out, drift_chart) if drift_chart else None,
            least_confident=[_thumbnail(pair) for pair in report.gallery.least_confident()],
            random_sample=_random_sample(report.gallery),
            model_seconds=report.model_seconds,
            rejected=[e for e in executions if e.outcome == Outcome.REJECTED][:ROWS_SHOWN],
            failed=[e for e in executions if e.outcome == Outcome.FAILED][:ROWS_SHOWN],
            executions=executions[:ROWS_SHOWN],
        )
    )
    write_whole(out / REPORT_FILE, page)
    return counted


def _chart(out: Path, sketch: Sketch) -> Chart:
    """Draw *sketch* for both colour schemes; the light one is written to *out*, too."""
    light = write_png(out, sketch)
    return Chart(sketch.title, sketch.alt, sketch.note, _data_uri(light), _data_uri(sketch.draw(DARK)))


def _random_sample(gallery: Gallery) -> list[Thumbnail]:
    """Return nothing where the least confident images are all that there are."""
    return [_thumbnail(pair) for pair in gallery.random_sample()] if gallery.seen > SHOWN else []


def _thumbnail(pair: Pair) -> Thumbnail:
    execution = pair.execution
    alt = f"{execution.case}: {execution.label} with {execution.confidence:.1%}"
    if execution.truth is not None:
        alt += f", truth {execution.truth}"
    try:
        with pair.record.image() as image:
            small = image.convert("RGB")
    except CaptureError:
        return Thumbnail(None, f"{alt}; the captured image can't be decoded", execution)
    small.thumbnail((THUMBNAIL, THUMBNAIL))
    buffer = io.BytesIO()
    small.save(buffer, "PNG")
    return Thumbnail(_data_uri(buffer.getvalue()), alt, execution)


def _data_uri(png: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"percent": _percent, "milliseconds": _milliseconds}
    return environment


def _percent(share: float | None, digits: int = 1) -> str:
    return "n/a" if share is None else f"{share:.{digits}%}"


def _milliseconds(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds * 1000:,.0f}"

"""The report: one HTML file that needs nothing beside it, and its charts as PNG files."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import jinja2

from contracts.files import write_whole
from contracts.outcomes import Outcome
from inference.executions import Execution
from monitoring.capture.completeness import Completeness
from monitoring.drift.check import DriftCheck
from monitoring.drift.verdict import FALSE_ALARMS, SMALLEST_DISTANCE
from monitoring.errors import MonitoringError
from monitoring.quality.calibration import interval
from monitoring.quality.diagnosis import Diagnosis
from monitoring.quality.evaluation import MAX_ERROR
from monitoring.quality.live_quality import LiveQuality, findings_of
from monitoring.report.advice import default_review_limit, next_steps, reasons_to_retrain
from monitoring.report.explanations import Explanations
from monitoring.report.figures import Figures, figures
from monitoring.report.findings import findings
from monitoring.report.gallery import SHOWN, Gallery
from monitoring.report.headline import headline
from monitoring.report.palette import DARK, LIGHT
from monitoring.report.panels import Sketch, drift_sketch, sketches, write_png
from monitoring.report.pictures import Thumbnail, data_uri, of_pair, of_suspect
from monitoring.report.rows import MOST_ROWS, ROWS_AN_OUTCOME, labels_of, shown
from monitoring.report.subject import TrainedModel, facts

REPORT_FILE = "report.html"


class ReportError(MonitoringError):
    """There is nothing to report on."""


@dataclass(frozen=True)
class Chart:
    """A chart in both colour schemes, as data URIs, with what it shows in words."""

    topic: str
    title: str
    alt: str
    note: str
    light: str
    dark: str


@dataclass(frozen=True)
class Report:
    """What a report is made of.

    `completeness` and `gallery` come from `match_executions` or `observe_capture`. `classes` are the model's labels in
    order (others that occur are added), `model` is the one that was trained last, `threshold` the workflow's (by
    default that of the executions), `diagnosis` is that of the model, `images` has the files of its first suspects by
    key, `explanations` where the model looked, `unexpected` one sentence for each case that did not end as it should,
    `review_limit` the share of reviews above which the report advises to retrain (by default `default_review_limit`),
    `model_seconds` what CloudWatch says of the endpoint's time, `live` what people decided about answers in use,
    `notices` what else the reader should know.
    """

    executions: Sequence[Execution]
    completeness: Completeness
    gallery: Gallery
    title: str = "Image classification"
    classes: Sequence[str] = ()
    model: TrainedModel | None = None
    threshold: float | None = None
    diagnosis: Diagnosis | None = None
    images: Mapping[str, bytes] = field(default_factory=dict)
    explanations: Explanations = field(default_factory=Explanations)
    unexpected: Sequence[str] = ()
    drift: DriftCheck | None = None
    review_limit: float | None = None
    model_seconds: Mapping[str, float] = field(default_factory=dict)
    live: LiveQuality | None = None
    notices: Sequence[str] = ()


def write_report(out: Path, report: Report) -> Figures:
    """Write `<out>/report.html` with its PNGs beside it, and return the figures that it shows.

    Raises ReportError where there are no executions.
    """
    executions, diagnosis = report.executions, report.diagnosis
    evaluation = diagnosis.evaluation if diagnosis else None
    if not executions:
        raise ReportError("There is nothing to report on: no execution, and no captured record with an output.")
    counted = figures(executions, report.completeness)
    max_error = evaluation.max_error if evaluation else MAX_ERROR
    limits = [e.familiarity_limit for e in executions if e.familiarity_limit is not None]
    threshold = report.threshold
    if threshold is None:
        threshold = max((e.threshold for e in executions if e.threshold is not None), default=None)
    limit = default_review_limit(evaluation, threshold) if report.review_limit is None else report.review_limit
    drift = report.drift.drift if report.drift else None
    reasons = reasons_to_retrain(counted, drift, limit)
    dataset = drift.dataset if drift else evaluation.dataset if evaluation else "NAME"
    drift_chart = drift_sketch(report.drift) if report.drift else None
    rows = shown(executions)
    page = (
        _environment()
        .get_template("report.html.j2")
        .render(
            title=report.title,
            written=datetime.now(UTC),
            light=LIGHT,
            dark=DARK,
            headline=headline(executions, counted, diagnosis, drift, report.live, report.unexpected, limit),
            facts=facts(executions, counted, report.model, evaluation, drift.dataset if drift else None),
            figures=counted,
            accuracy_interval=interval(counted.correct, counted.judged),
            threshold=threshold,
            review_reasons=", ".join(f"{name} {count:,}" for name, count in counted.review_reasons.items()),
            accepts_nothing=any(e.release and e.label and e.threshold is None for e in executions),
            diagnosis=diagnosis,
            suspects=_suspects(report),
            findings=findings(counted, report.unexpected, drift, reasons, report.notices, max_error),
            steps=next_steps(dataset) if reasons else [],
            charts=[_chart(out, sketch) for sketch in sketches(executions, report.classes, threshold, evaluation)],
            drift=drift,
            smallest_distance=SMALLEST_DISTANCE,
            false_alarms=FALSE_ALARMS,
            drift_chart=_chart(out, drift_chart) if drift_chart else None,
            least_confident=[of_pair(pair, report.explanations) for pair in report.gallery.least_confident()],
            explanations=report.explanations,
            least_familiar=[of_pair(pair) for pair in report.gallery.least_familiar()],
            unfamiliar=report.gallery.unfamiliar,
            familiarity_limit=max(limits, default=None),
            random_sample=_random_sample(report.gallery),
            live=report.live if report.live and not report.live.is_empty else None,
            live_findings=findings_of(report.live) if report.live else [],
            model_seconds=report.model_seconds,
            rejected=[e for e in executions if e.outcome == Outcome.REJECTED][:MOST_ROWS],
            failed=[e for e in executions if e.outcome == Outcome.FAILED][:MOST_ROWS],
            rows=rows,
            rows_an_outcome=ROWS_AN_OUTCOME,
            row_labels=labels_of(rows),
        )
    )
    write_whole(out / REPORT_FILE, page)
    return counted


def _chart(out: Path, sketch: Sketch) -> Chart:
    """Draw *sketch* for both colour schemes; the light one is written to *out*, too."""
    light = write_png(out, sketch)
    return Chart(sketch.topic, sketch.title, sketch.alt, sketch.note, data_uri(light), data_uri(sketch.draw(DARK)))


def _suspects(report: Report) -> list[Thumbnail]:
    suspects = report.diagnosis.suspects[:SHOWN] if report.diagnosis else []
    return [of_suspect(suspect, report.images.get(suspect.key)) for suspect in suspects]


def _random_sample(gallery: Gallery) -> list[Thumbnail]:
    """Return nothing where the least confident images are all that there are."""
    return [of_pair(pair) for pair in gallery.random_sample()] if gallery.seen > SHOWN else []


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"percent": _percent, "milliseconds": _milliseconds, "pieces": _pieces}
    return environment


def _percent(share: float | None, digits: int = 1) -> str:
    return "n/a" if share is None else f"{share:.{digits}%}"


def _milliseconds(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds * 1000:,.0f}"


def _pieces(name: str) -> list[str]:
    """The parts of *name* between which a line may end: after what separates its words."""
    return re.split(r"(?<=[/_.])(?=\S)", name)

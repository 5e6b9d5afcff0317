"""Which charts a report has, and what each says in words."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from contracts.coverage import CoverageCurve, coverage_curve
from contracts.files import write_whole
from contracts.outcomes import Outcome
from inference.executions import Execution
from monitoring.drift.check import DriftCheck
from monitoring.drift.result import Verdict
from monitoring.quality.calibration import (
    OperatingPoint,
    calibration,
    expected_calibration_error,
    merged,
    operating_point,
)
from monitoring.quality.evaluation import Evaluation
from monitoring.report import accuracy_charts, confidence_charts, confusion_chart, time_charts
from monitoring.report.chart_style import has_course
from monitoring.report.confidence_charts import LABELS_SHOWN, by_label, fewest_in_box
from monitoring.report.drift_chart import drift_histograms
from monitoring.report.figures import classified_table, confusion_counts, outcome_table
from monitoring.report.palette import LIGHT, Palette
from monitoring.report.time_charts import MOST_POINTS
from monitoring.report.titles import (
    on_confidence,
    on_confusion,
    on_course,
    on_coverage,
    on_labels,
    on_outcomes,
    on_reliability,
)

# A group of fewer images has an interval that says nothing.
IMAGES_A_GROUP = 10


@dataclass(frozen=True)
class Sketch:
    """A chart to be drawn.

    `name` is its file's, `topic` says what it is of, `title` what it shows, `alt` both for who can't see it, `note` how
    to read it; `draw` makes the PNG.
    """

    name: str
    topic: str
    title: str
    alt: str
    note: str
    draw: Callable[[Palette], bytes]


def sketches(
    executions: Sequence[Execution], classes: Sequence[str], threshold: float | None, evaluation: Evaluation | None
) -> list[Sketch]:
    """The charts that the data allow, in the report's order."""
    table, ends = classified_table(executions), outcome_table(executions)
    found = [_outcomes(ends)] if has_course(ends["time"]) else []
    if len(table):
        found += [_confidence(table, threshold)] if has_course(table["time"]) else []
        found += [_histogram(table, threshold), _labels(table, threshold)]
    judged = table[table["truth"].notna()]
    confidence, correct = judged["confidence"].to_numpy(), judged["correct"].to_numpy(dtype=bool)
    if len(judged):
        curve = coverage_curve(confidence, correct)
        # As it was decided: an unfamiliar image isn't accepted, whatever its confidence is.
        accepted = judged[judged["outcome"] == Outcome.ACCEPTED]["correct"]
        wrong = int(accepted.eq(False).sum())
        point = None if threshold is None else operating_point(threshold, len(judged), len(accepted), wrong)
        max_error = evaluation.max_error if evaluation else None
        found += [_confusion(judged, classes), _coverage(curve, point, max_error)]
    if evaluation:
        found.append(_reliability(*_answers(evaluation), "test images"))
    elif len(judged):
        found.append(_reliability(confidence, correct, "images whose truth is known"))
    return found


def write_png(out: Path, sketch: Sketch) -> bytes:
    """Draw *sketch* in light colours, write it to `<out>/<name>.png` and return it."""
    content = sketch.draw(LIGHT)
    write_whole(out / f"{sketch.name}.png", content)
    return content


def evaluation_sketch(evaluation: Evaluation) -> Sketch:
    """Error against coverage on the test images, with the threshold that they judge."""
    return _coverage(evaluation.curve, evaluation.judged, evaluation.max_error)


def drift_sketch(check: DriftCheck) -> Sketch | None:
    """The chart of a drift check; None where nothing could be compared."""
    drift = check.drift
    if drift.verdict is Verdict.TOO_FEW:
        return None
    drifted = ", ".join(check.name for check in drift.drifted)
    title = f"Drifted: {drifted}" if drifted else "Nothing has drifted"
    return Sketch(
        "drift",
        "The window against the baseline",
        title,
        f"Histograms of each measure in the baseline and in the window. {title}.",
        "Filled: the baseline. Line: the window. What has drifted is red.",
        lambda palette: drift_histograms(drift, check.reference, check.window, palette),
    )


def _confidence(table: pd.DataFrame, threshold: float | None) -> Sketch:
    each = "Each mark is an image." if len(table) <= MOST_POINTS else "Line and bands: median and spread of the images."
    return Sketch(
        "confidence",
        "Confidence over time",
        on_course(table),
        f"Confidence of {len(table):,} classified images over time, median {table['confidence'].median():.0%}."
        + _below(table, threshold),
        f"{each} A median that falls says that the images no longer look like the training set.",
        lambda palette: time_charts.confidence(table, threshold, palette),
    )


def _outcomes(table: pd.DataFrame) -> Sketch:
    counts = ", ".join(f"{count:,} {name}" for name, count in table["outcome"].value_counts().items())
    return Sketch(
        "outcomes",
        "Outcomes over time",
        on_outcomes(table),
        f"Stacked bars of how images ended over time: {counts}.",
        "More reviews with a like number of images: the model is less sure than it was.",
        lambda palette: time_charts.outcomes(table, palette),
    )


def _labels(table: pd.DataFrame, threshold: float | None) -> Sketch:
    groups = by_label(table)
    shown = ", ".join(f"{name} {images['confidence'].median():.0%}" for name, images in list(groups.items())[:5])
    sizes = [len(images) for images in groups.values()][:LABELS_SHOWN]
    notes, fewest = [], fewest_in_box(sizes)
    if min(sizes) < fewest:
        notes.append("Circles: accepted images; squares: to review; crosses: wrong labels.")
    if max(sizes) >= fewest:
        notes.append("Boxes: the middle half with the median; lines: all but the lowest and highest 5%.")
    if threshold is not None:
        notes.append("Dashed: the threshold.")
    if len(groups) > LABELS_SHOWN:
        notes.append(f"{len(groups) - LABELS_SHOWN} labels with more confidence are not shown.")
    return Sketch(
        "labels",
        "Confidence by label",
        on_labels(table),
        f"Confidence of each label's images, and their share that goes to review; the lowest medians: {shown}.",
        " ".join(notes),
        lambda palette: confidence_charts.labels(table, threshold, palette),
    )


def _histogram(table: pd.DataFrame, threshold: float | None) -> Sketch:
    return Sketch(
        "histogram",
        "How sure the model is",
        on_confidence(table),
        f"Histogram of the confidence of {len(table):,} images." + _below(table, threshold),
        "Wrong labels should gather left of the threshold (dashed), where a person decides."
        if threshold is not None
        else "Wrong labels should have a low confidence.",
        lambda palette: confidence_charts.histogram(table, threshold, palette),
    )


def _confusion(judged: pd.DataFrame, classes: Sequence[str]) -> Sketch:
    seen = {str(name) for column in ("truth", "label") for name in judged[column]}
    names = [*classes, *sorted(seen - set(classes))]
    counts = confusion_counts(judged, names)
    return Sketch(
        "confusion",
        "What is taken for what",
        on_confusion(counts, names),
        f"Confusion matrix: label and truth agree for {counts.trace():,} of {counts.sum():,} images.",
        "Rows are the truth; each sums to 100%. Blue: right. Red: mistakes, the more frequent the stronger.",
        lambda palette: confusion_chart.confusion(counts, names, palette),
    )


def _coverage(curve: CoverageCurve, point: OperatingPoint | None, max_error: float | None) -> Sketch:
    title = on_coverage(float(curve.error[-1]), point, max_error)
    return Sketch(
        "coverage",
        "Error against coverage",
        title,
        f"Error among accepted images for every share that could be accepted. {title}.",
        "A higher threshold moves left: fewer images pass without a person, and fewer of them are wrong."
        + (" The bar is the 95% interval." if point and point.accepted else ""),
        lambda palette: accuracy_charts.coverage(curve, max_error, point, palette),
    )


def _reliability(confidence: npt.NDArray[np.float64], correct: npt.NDArray[np.bool_], what: str) -> Sketch:
    bins = calibration(confidence, correct)
    groups, error = merged(bins, IMAGES_A_GROUP), expected_calibration_error(bins)
    return Sketch(
        "reliability",
        "Does confidence mean what it says?",
        on_reliability(confidence, correct),
        f"Reliability diagram of {len(correct):,} {what}; expected calibration error {error:.3f}.",
        f"Of images with a confidence of 80%, 80% should be right. {len(correct):,} {what}; expected calibration error "
        f"{error:.3f}.",
        lambda palette: accuracy_charts.reliability(groups, palette),
    )


def _answers(evaluation: Evaluation) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """Confidence and rightness of each prediction, both of shape (n,)."""
    confidence = np.array([one.confidence for one in evaluation.predictions])
    return confidence, np.array([one.label == one.truth for one in evaluation.predictions])


def _below(table: pd.DataFrame, threshold: float | None) -> str:
    return "" if threshold is None else f" {int((table['confidence'] < threshold).sum()):,} lie below the threshold."

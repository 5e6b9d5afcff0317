"""Which charts a report has, and what each says in words."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from contracts.coverage import CoverageCurve, coverage_curve
from contracts.files import write_whole
from contracts.outcomes import Outcome
from inference.executions import Execution
from monitoring.drift.check import DriftCheck
from monitoring.drift.result import Verdict
from monitoring.quality.calibration import (
    CalibrationBin,
    OperatingPoint,
    calibration,
    expected_calibration_error,
    operating_point,
)
from monitoring.quality.evaluation import Evaluation
from monitoring.report import charts
from monitoring.report.chart_style import LIGHT, Palette
from monitoring.report.drift_chart import drift_histograms
from monitoring.report.figures import classified_table, confusion_counts, outcome_table


@dataclass(frozen=True)
class Sketch:
    """A chart to be drawn: its file's name, its title, what it shows, how to read it, and the drawing as PNG."""

    name: str
    title: str
    alt: str
    note: str
    draw: Callable[[Palette], bytes]


def sketches(
    executions: Sequence[Execution], classes: Sequence[str], threshold: float | None, evaluation: Evaluation | None
) -> list[Sketch]:
    """The charts that the data allow, in the report's order."""
    table = classified_table(executions)
    found = []
    if len(table):
        found += [_confidence(table, threshold), _outcomes(executions), _labels(table, threshold)]
    judged = table[table["truth"].notna()]
    confidence, correct = judged["confidence"].to_numpy(), judged["correct"].to_numpy(dtype=bool)
    if len(judged):
        curve = coverage_curve(confidence, correct)
        # As it was decided: an unfamiliar image isn't accepted, whatever its confidence is.
        accepted = judged[judged["outcome"] == Outcome.ACCEPTED]["correct"]
        wrong = int(accepted.eq(False).sum())
        point = None if threshold is None else operating_point(threshold, len(judged), len(accepted), wrong)
        max_error = evaluation.max_error if evaluation else None
        found += [_histogram(judged, threshold), _confusion(judged, classes), _coverage(curve, point, max_error)]
    if evaluation:
        found.append(_reliability(evaluation.calibration, f"{evaluation.images} test images"))
    elif len(judged):
        bins = calibration(confidence, correct)
        found.append(_reliability(bins, f"{len(judged)} images whose truth is known"))
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
    drifted = ", ".join(check.name for check in drift.drifted) or "nothing"
    return Sketch(
        "drift",
        "The window against the baseline",
        f"Histograms of each measure in the baseline and in the window; drifted: {drifted}.",
        "Filled: the baseline. Line: the window. What has drifted is red.",
        lambda palette: drift_histograms(drift, check.reference, check.window, palette),
    )


def _confidence(table: pd.DataFrame, threshold: float | None) -> Sketch:
    return Sketch(
        "confidence",
        "Confidence over time",
        f"Confidence of {len(table)} classified images over time, median {table['confidence'].median():.0%}."
        + _below(table, threshold),
        "Each mark is an execution. A median that sinks says that the images no longer look like the training set.",
        lambda palette: charts.confidence(table, threshold, palette),
    )


def _outcomes(executions: Sequence[Execution]) -> Sketch:
    table = outcome_table(executions)
    counts = ", ".join(f"{count} {name}" for name, count in table["outcome"].value_counts().items())
    return Sketch(
        "outcomes",
        "Outcomes over time",
        f"Stacked bars of how executions ended over time: {counts}.",
        "More reviews with a like number of executions: the model is less sure than it was.",
        lambda palette: charts.outcomes(table, palette),
    )


def _labels(table: pd.DataFrame, threshold: float | None) -> Sketch:
    medians = table.groupby("label")["confidence"].median().sort_values()
    shown = ", ".join(f"{name} {value:.0%}" for name, value in medians.iloc[:5].items())
    return Sketch(
        "labels",
        "Confidence by label",
        f"Histogram of the confidence of each label's predictions; medians: {shown}.",
        "A label that is given with little confidence needs more training images.",
        lambda palette: charts.labels(table, threshold, palette),
    )


def _histogram(table: pd.DataFrame, threshold: float | None) -> Sketch:
    return Sketch(
        "histogram",
        "How sure the model is",
        f"Histogram of the confidence of {len(table)} images." + _below(table, threshold),
        "Errors should gather at low confidence, left of the threshold, where a person looks at them.",
        lambda palette: charts.histogram(table, threshold, palette),
    )


def _confusion(judged: pd.DataFrame, classes: Sequence[str]) -> Sketch:
    seen = {str(name) for column in ("truth", "label") for name in judged[column]}
    names = [*classes, *sorted(seen - set(classes))]
    counts = confusion_counts(judged, names)
    return Sketch(
        "confusion",
        "What is taken for what",
        f"Confusion matrix: label and truth agree for {counts.trace()} of {counts.sum()} images.",
        "Rows are the truth, columns the model's label; the shares of each row sum to 100%.",
        lambda palette: charts.confusion(counts, names, palette),
    )


def _coverage(curve: CoverageCurve, point: OperatingPoint | None, max_error: float | None) -> Sketch:
    here = f" The threshold accepts {point.coverage:.0%} with an error of {point.error:.1%}." if point else ""
    return Sketch(
        "coverage",
        "Error against coverage",
        "Error among accepted images for every share that could be accepted." + here,
        "A higher threshold moves left: fewer images pass without a person, and fewer of them are wrong."
        " The bar is the 95% interval.",
        lambda palette: charts.coverage(curve, max_error, point, palette),
    )


def _reliability(bins: Sequence[CalibrationBin], what: str) -> Sketch:
    error = expected_calibration_error(bins)
    return Sketch(
        "reliability",
        "Does confidence mean what it says?",
        f"Reliability diagram of {what}; expected calibration error {error:.3f}.",
        f"Of images with a confidence of 80%, 80% should be right. Expected calibration error: {error:.3f}.",
        lambda palette: charts.reliability(bins, palette),
    )


def _below(table: pd.DataFrame, threshold: float | None) -> str:
    return "" if threshold is None else f" {int((table['confidence'] < threshold).sum())} lie below the threshold."

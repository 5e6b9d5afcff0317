"""Which charts a report has, and what each says in words."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pandas as pd

from monitoring import charts
from monitoring.charts import Palette
from monitoring.evaluate import Evaluation
from monitoring.executions import Execution
from monitoring.join import classified_table, confusion_counts
from monitoring.quality import at_threshold, coverage_curve


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
        found += [_confidence(table, threshold), _histogram(table, threshold)]
    judged = table[table["truth"].notna()]
    if len(judged):
        found += [
            _confusion(judged, classes),
            _coverage(judged, threshold, evaluation.max_error if evaluation else None),
        ]
    if evaluation:
        found.append(_reliability(evaluation))
    return found


def _confidence(table: pd.DataFrame, threshold: float | None) -> Sketch:
    return Sketch(
        "confidence",
        "Confidence over time",
        f"Confidence of {len(table)} classified images over time, median {table['confidence'].median():.0%}."
        + _below(table, threshold),
        "Each mark is an execution. A median that sinks says that the images no longer look like the training set.",
        lambda palette: charts.confidence(table, threshold, palette),
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


def _coverage(judged: pd.DataFrame, threshold: float | None, max_error: float | None) -> Sketch:
    curve = coverage_curve(judged["confidence"].to_numpy(), judged["correct"].to_numpy(dtype=bool))
    point = None if threshold is None else at_threshold(curve, threshold)
    here = f" The threshold accepts {point.coverage:.0%} with an error of {point.error:.1%}." if point else ""
    return Sketch(
        "coverage",
        "Error against coverage",
        "Error among accepted images for every share that could be accepted." + here,
        "A higher threshold moves left: fewer images pass without a person, and fewer of them are wrong."
        " The bar is the 95% interval.",
        lambda palette: charts.coverage(curve, max_error, point, palette),
    )


def _reliability(evaluation: Evaluation) -> Sketch:
    error = evaluation.expected_calibration_error
    return Sketch(
        "reliability",
        "Does confidence mean what it says?",
        f"Reliability diagram of {evaluation.images} test images; expected calibration error {error:.3f}.",
        f"Of images with a confidence of 80%, 80% should be right. Expected calibration error: {error:.3f}.",
        lambda palette: charts.reliability(evaluation.calibration, palette),
    )


def _below(table: pd.DataFrame, threshold: float | None) -> str:
    return "" if threshold is None else f" {int((table['confidence'] < threshold).sum())} lie below the threshold."

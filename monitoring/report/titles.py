"""What each chart shows, in a sentence of its own: the chart's title."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from contracts.outcomes import Outcome
from monitoring.quality.calibration import OperatingPoint, interval
from monitoring.report.confidence_charts import by_label

# A median that moves by less is no news.
MOVED = 0.05
# The median of fewer images is no ground to compare labels.
FEWEST_IMAGES = 10


def on_course(table: pd.DataFrame) -> str:
    """Whether the confidence moves; *table* as for `time_charts.confidence`."""
    first, last = (half["confidence"].median() for half in _halves(table))
    if abs(last - first) >= MOVED:
        return f"The confidence {_moves(first, last)}: a median of {first:.0%}, then {last:.0%} in the second half"
    return f"The confidence is about the same throughout: a median of {table['confidence'].median():.0%}"


def on_outcomes(table: pd.DataFrame) -> str:
    """Whether the share of reviews moves, so far as its intervals tell; *table* as for `time_charts.outcomes`."""
    counts = [(int(half["outcome"].eq(Outcome.REVIEW).sum()), len(half)) for half in _halves(table)]
    (first, last), (shares) = [interval(*count) for count in counts], [review / total for review, total in counts]
    if first.high < last.low or last.high < first.low:
        moves = _moves(*shares)
        return f"The share of reviews {moves}: {shares[0]:.0%} in the first half, {shares[1]:.0%} in the second"
    return f"{table['outcome'].eq(Outcome.REVIEW).mean():.0%} go to review, with no clear change over time"


def on_labels(table: pd.DataFrame) -> str:
    """Which label is given with less confidence than others, if any; *table* as for `confidence_charts.labels`."""
    many = [(name, images) for name, images in by_label(table).items() if len(images) >= FEWEST_IMAGES]
    if not many:
        return f"No label has {FEWEST_IMAGES} images or more: too few to compare them"
    (name, least), (_, most) = many[0], many[-1]
    low, high = least["confidence"].median(), most["confidence"].median()
    if high - low < MOVED:
        return f"No label is answered with clearly less confidence than others: medians from {low:.0%} to {high:.0%}"
    return f"{name} is answered with the least confidence: a median of {low:.0%}"


def on_confidence(table: pd.DataFrame) -> str:
    """Where wrong labels end, or how sure the model is; *table* as for `confidence_charts.histogram`."""
    judged = table[table["correct"].notna()]
    wrong = judged[judged["correct"].eq(False)]
    if len(wrong):
        reviewed = int(wrong["outcome"].eq(Outcome.REVIEW).sum())
        number = f"{reviewed:,} of {len(wrong):,}" if reviewed < len(wrong) else f"All {reviewed:,}"
        return f"{number} wrong labels {'goes' if reviewed == 1 < len(wrong) else 'go'} to review"
    if len(judged):
        return f"None of {_count(len(judged), 'label')} is wrong"
    return f"Half of the images have a confidence of {table['confidence'].median():.0%} or more"


def on_confusion(counts: npt.NDArray[np.int64], names: Sequence[str]) -> str:
    """Which mistake is made most often; *counts* as for `confusion_chart.confusion`."""
    mistakes = counts - np.diag(np.diag(counts))
    row, column = np.unravel_index(int(mistakes.argmax()), mistakes.shape)
    count, truth, label = int(mistakes[row, column]), names[int(row)], names[int(column)]
    if not count:
        return "No class is taken for another"
    if count == 1:
        return "No mistake was made more than once"
    return f"Most often, {truth} is taken for {label}: {count:,} of {counts[row].sum():,} times"


def on_coverage(error: float, point: OperatingPoint | None, max_error: float | None) -> str:
    """What the threshold does, or would have to; *error* is that of accepting everything."""
    if point is None or not point.accepted:
        return f"If everything were accepted, {error:.1%} would be wrong"
    wrong = f"of which {point.error:.1%} are wrong" if point.wrong else "none of which is wrong"
    text = f"The threshold accepts {point.coverage:.0%}, {wrong}"
    return text if max_error is None else f"{text}; {max_error:.1%} are tolerated"


def on_reliability(confidence: npt.NDArray[np.float64], correct: npt.NDArray[np.bool_]) -> str:
    """Whether the model is as often right as it says, so far as the interval of its accuracy tells."""
    said, right = float(confidence.mean()), int(correct.sum())
    bounds = interval(right, len(correct))
    text = f"on average {said:.0%} sure and {right / len(correct):.0%} right"
    if said > bounds.high:
        return f"The model is surer than it should be: {text}"
    if said < bounds.low:
        return f"The model is less sure than it could be: {text}"
    return f"The model is right about as often as it says: {text}"


def _halves(table: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    ordered = table.sort_values("time", kind="stable")
    return ordered.iloc[: len(ordered) // 2], ordered.iloc[len(ordered) // 2 :]


def _moves(first: float, last: float) -> str:
    return "rises" if last > first else "falls"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"

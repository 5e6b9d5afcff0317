"""Count what came of executions."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from contracts.outcomes import Outcome, ReviewReason
from inference.executions import Execution
from inference.failures import Failure, failures_of
from monitoring.capture.completeness import Completeness


@dataclass(frozen=True)
class Figures:
    """The figures of a run.

    `errors` counts all errors, and `failures` has those of the executions that failed, with a message each.
    `review_reasons` counts the images that were not accepted, `audited` the accepted ones that a person sees, too.
    `judged` counts the classified images whose truth is known, and `chance` is the share of their most frequent class.
    Shares are None where there is nothing to share; `seconds` has p50, p95, p99, mean and most, or is None where no
    execution's duration is known.
    """

    executions: int
    outcomes: dict[str, int]
    errors: dict[str, int]
    failures: list[Failure]
    classified: int
    review_reasons: dict[str, int]
    audited: int
    judged: int
    correct: int
    chance: float | None
    accepted_judged: int
    accepted_correct: int
    seconds: dict[str, float] | None
    completeness: Completeness

    @property
    def accuracy(self) -> float | None:
        """The share of the judged images that is labelled right."""
        return self.correct / self.judged if self.judged else None

    @property
    def accepted_accuracy(self) -> float | None:
        """The same of those that were accepted."""
        return self.accepted_correct / self.accepted_judged if self.accepted_judged else None

    @property
    def review_share(self) -> float:
        """The share of the classified images that go to review; 0 where none was classified."""
        return self.outcomes[Outcome.REVIEW] / self.classified if self.classified else 0.0

    @property
    def observed_only(self) -> bool:
        """Whether all of it comes from data capture, so that nothing is known of rejections and failures."""
        return self.seconds is None


def figures(executions: Sequence[Execution], completeness: Completeness) -> Figures:
    """Count *executions*; every one of them has one outcome, so that the outcomes' counts sum to their number."""
    outcomes = Counter(execution.outcome for execution in executions)
    judged = [e for e in executions if e.truth is not None and e.label is not None]
    accepted = [e for e in judged if e.outcome == Outcome.ACCEPTED]
    reviewed = [e for e in executions if e.outcome == Outcome.REVIEW]
    seconds = np.array([e.seconds for e in executions if e.seconds is not None])
    return Figures(
        executions=len(executions),
        outcomes={outcome: outcomes[outcome] for outcome in Outcome},
        errors=dict(Counter(e.error for e in executions if e.error is not None).most_common()),
        failures=failures_of(executions),
        classified=sum(e.label is not None for e in executions),
        review_reasons=dict(Counter(e.review_reason for e in reviewed if e.review_reason is not None).most_common()),
        audited=sum(e.review_reason == ReviewReason.AUDIT for e in executions),
        judged=len(judged),
        correct=sum(e.label == e.truth for e in judged),
        chance=max(Counter(e.truth for e in judged).values()) / len(judged) if judged else None,
        accepted_judged=len(accepted),
        accepted_correct=sum(e.label == e.truth for e in accepted),
        seconds=_percentiles(seconds) if seconds.size else None,
        completeness=completeness,
    )


def classified_table(executions: Sequence[Execution]) -> pd.DataFrame:
    """The executions that were classified, for the charts.

    Columns: `time` (UTC), `confidence`, `label`, `truth`, `outcome`, `correct` (None where the truth is not known).
    """
    rows = [e for e in executions if e.label is not None and e.confidence is not None]
    return pd.DataFrame(
        {
            "time": pd.to_datetime([e.started for e in rows], utc=True, format="ISO8601"),
            "confidence": pd.Series([e.confidence for e in rows], dtype=float),
            "label": pd.Series([e.label for e in rows], dtype=object),
            "truth": pd.Series([e.truth for e in rows], dtype=object),
            "outcome": pd.Series([e.outcome for e in rows], dtype=object),
            "correct": pd.Series([None if e.truth is None else e.label == e.truth for e in rows], dtype=object),
        }
    )


def outcome_table(executions: Sequence[Execution]) -> pd.DataFrame:
    """When each execution started and how it ended. Columns: `time` (UTC), `outcome`."""
    times = pd.to_datetime([e.started for e in executions], utc=True, format="ISO8601")
    return pd.DataFrame({"time": times, "outcome": [e.outcome for e in executions]})


def confusion_counts(table: pd.DataFrame, classes: Sequence[str]) -> npt.NDArray[np.int64]:
    """Counts of truth (rows) and label (columns) over *classes*, where the truth is known."""
    index = {name: number for number, name in enumerate(classes)}
    counts = np.zeros((len(classes), len(classes)), dtype=np.int64)
    for truth, label in zip(table["truth"], table["label"], strict=True):
        if truth is not None:
            counts[index[truth], index[label]] += 1
    return counts


def _percentiles(seconds: npt.NDArray[np.float64]) -> dict[str, float]:
    points = {f"p{p}": float(np.percentile(seconds, p)) for p in (50, 95, 99)}
    return points | {"mean": float(seconds.mean()), "most": float(seconds.max())}

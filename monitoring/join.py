"""Bring executions and captured records together by inference id, and count what there is to count."""

import heapq
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from monitoring.capture import CaptureRecord, SkippedLine
from monitoring.executions import OUTCOMES, Execution, reached_endpoint

LEAST_CONFIDENT = 24
SKIPPED_SHOWN = 100
# What JSON carries of a probability; anything more is another answer.
AGREEMENT = 1e-6


@dataclass(frozen=True)
class Pair:
    """An execution and the record that the endpoint captured of it."""

    execution: Execution
    record: CaptureRecord


@dataclass
class Completeness:
    """Data capture held against the executions that reached the endpoint.

    `expected` executions have an inference id; `joined` of them were found in the capture and the ids in `missing`
    were not; `disagreeing` were found with other probabilities. Of the `records` read, `without_id` carry no inference
    id and `foreign` one of no execution (another caller's, or an attempt that was repeated). `skipped` counts the lines
    that are no record; the first of them are kept.
    """

    expected: int = 0
    joined: int = 0
    missing: list[str] = field(default_factory=list)
    disagreeing: int = 0
    records: int = 0
    without_id: int = 0
    foreign: int = 0
    skipped: int = 0
    skipped_lines: list[SkippedLine] = field(default_factory=list)


@dataclass(frozen=True)
class Figures:
    """What a run came to. Shares are None where there is nothing to share; `seconds` has p50, p95, p99 and mean."""

    executions: int
    outcomes: dict[str, int]
    errors: dict[str, int]
    classified: int
    judged: int
    correct: int
    accuracy: float | None
    accepted_judged: int
    accepted_accuracy: float | None
    seconds: dict[str, float]
    completeness: Completeness


def join(
    executions: Sequence[Execution], captured: Iterable[CaptureRecord | SkippedLine]
) -> tuple[Completeness, list[Pair]]:
    """The completeness of *captured*, which is read once as a stream, and the least confident pairs, lowest first."""
    expected = {execution.inference_id: execution for execution in reached_endpoint(executions)}
    waiting = set(expected)
    counts = Completeness(expected=len(expected))
    # A heap whose first element is the most confident of those kept: the next to go.
    least: list[tuple[float, int, Pair]] = []
    for record in captured:
        if isinstance(record, SkippedLine):
            counts.skipped += 1
            if counts.skipped <= SKIPPED_SHOWN:
                counts.skipped_lines.append(record)
            continue
        counts.records += 1
        if record.inference_id is None:
            counts.without_id += 1
        elif record.inference_id not in waiting:
            counts.foreign += 1
        else:
            waiting.remove(record.inference_id)
            execution = expected[record.inference_id]
            counts.disagreeing += not _agree(record, execution)
            if execution.confidence is not None:
                push = heapq.heappush if len(least) < LEAST_CONFIDENT else heapq.heappushpop
                push(least, (-execution.confidence, counts.records, Pair(execution, record)))
    counts.joined = len(expected) - len(waiting)
    counts.missing = sorted(str(inference_id) for inference_id in waiting)
    return counts, [pair for _, _, pair in sorted(least, key=lambda entry: (-entry[0], entry[1]))]


def figures(executions: Sequence[Execution], completeness: Completeness) -> Figures:
    """Count *executions*; every one of them has one outcome, so that the outcomes' counts sum to their number."""
    outcomes = Counter(execution.outcome for execution in executions)
    judged = [e for e in executions if e.truth is not None and e.label is not None]
    accepted = [e for e in judged if e.outcome == "ACCEPTED"]
    correct = sum(e.label == e.truth for e in judged)
    seconds = np.array([e.seconds for e in executions]) if executions else np.zeros(1)
    return Figures(
        executions=len(executions),
        outcomes={outcome: outcomes[outcome] for outcome in OUTCOMES},
        errors=dict(Counter(e.error for e in executions if e.error is not None).most_common()),
        classified=sum(e.label is not None for e in executions),
        judged=len(judged),
        correct=correct,
        accuracy=correct / len(judged) if judged else None,
        accepted_judged=len(accepted),
        accepted_accuracy=sum(e.label == e.truth for e in accepted) / len(accepted) if accepted else None,
        seconds={f"p{p}": float(np.percentile(seconds, p)) for p in (50, 95, 99)} | {"mean": float(seconds.mean())},
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


def confusion_counts(table: pd.DataFrame, classes: Sequence[str]) -> "np.ndarray[tuple[int, int], np.dtype[np.int64]]":
    """Counts of truth (rows) and label (columns) over *classes*, where the truth is known."""
    index = {name: number for number, name in enumerate(classes)}
    counts = np.zeros((len(classes), len(classes)), dtype=np.int64)
    for truth, label in zip(table["truth"], table["label"], strict=True):
        if truth is not None:
            counts[index[truth], index[label]] += 1
    return counts


def _agree(record: CaptureRecord, execution: Execution) -> bool:
    given, kept = record.probabilities, execution.inferences
    if given is None or kept is None:
        return True
    return len(given) == len(kept) and all(
        math.isclose(a, b, abs_tol=AGREEMENT) for a, b in zip(given, kept, strict=True)
    )

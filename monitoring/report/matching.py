"""Bring executions and captured records together by inference id."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from contracts.answer import Answer, ThresholdUnknown
from contracts.outcomes import Outcome, review_reason
from inference.executions import Execution, reached_endpoint
from monitoring.capture.completeness import Completeness
from monitoring.capture.records import CaptureRecord, SkippedLine
from monitoring.capture.span import hour_of
from monitoring.drift.window import Window
from monitoring.report.gallery import Gallery, Pair
from monitoring.report.labels import with_labels

# What JSON carries of a probability; anything more is another answer.
AGREEMENT = 1e-6


@dataclass(frozen=True)
class Rule:
    """Which threshold decides on a captured answer: *override*, else the answer's own, else *fallback*."""

    override: float | None = None
    fallback: float | None = None

    def threshold_of(self, answer: Answer) -> float | None:
        """The threshold for *answer*, None where its release accepts nothing; raises ThresholdUnknown."""
        own = answer.describes_itself or self.override is not None
        try:
            return answer.threshold_under(self.override if own else self.fallback)
        except ThresholdUnknown as error:
            raise ThresholdUnknown(
                "What goes to review is not known; give --threshold, or run `workflow evaluate` first."
            ) from error


def match_executions(
    executions: Sequence[Execution],
    captured: Iterable[CaptureRecord | SkippedLine],
    window: Window | None = None,
) -> tuple[Completeness, Gallery]:
    """Find the executions' records in *captured*, which is read once as a stream; add them to *window*."""
    expected = {execution.inference_id: execution for execution in reached_endpoint(executions)}
    waiting = set(expected)
    counts, gallery = Completeness(expected=len(expected)), Gallery()
    for record in captured:
        if isinstance(record, SkippedLine):
            counts.skip(record)
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
            gallery.add(Pair(execution, record))
            if window is not None:
                window.add(record)
    counts.joined = len(expected) - len(waiting)
    counts.missing = sorted(str(inference_id) for inference_id in waiting)
    started = {execution_id: _hour(execution) for execution_id, execution in expected.items()}
    found = Counter(hour for inference_id, hour in started.items() if inference_id not in waiting)
    counts.by_hour(Counter(started.values()), found)
    return counts, gallery


def observe_capture(
    captured: Iterable[CaptureRecord | SkippedLine],
    classes: Sequence[str],
    rule: Rule,
    labels: Mapping[str, str],
    window: Window | None = None,
) -> tuple[list[Execution], Completeness, Gallery]:
    """What data capture alone tells: each record with an output as if it were an execution that *rule* decided.

    Such an execution is named for its inference id (its event, where there is none) and has no duration. A class that
    neither the answer nor *classes*, in label order, have a name for is named by its number. *labels* are as for
    `with_labels`. Every record is added to *window*. Raises ThresholdUnknown.
    """
    counts, gallery = Completeness(expected=None), Gallery()
    executions: list[Execution] = []
    hours: Counter[datetime] = Counter()
    for record in captured:
        if isinstance(record, SkippedLine):
            counts.skip(record)
            continue
        counts.records += 1
        counts.without_id += record.inference_id is None
        hours[hour_of(record.time)] += 1
        if record.answer is not None:
            observed = _observed(record, record.answer, classes, rule)
            executions += with_labels([observed], labels)
            gallery.add(Pair(executions[-1], record))
        if window is not None:
            window.add(record)
    counts.joined = counts.records
    counts.by_hour({}, hours)
    return executions, counts, gallery


def _observed(record: CaptureRecord, answer: Answer, classes: Sequence[str], rule: Rule) -> Execution:
    names = answer.labels or tuple(classes)
    threshold = rule.threshold_of(answer)
    reason = review_reason(answer, threshold)
    return Execution(
        case=record.inference_id or record.event_id,
        input={},
        truth=None,
        outcome=Outcome.REVIEW if reason else Outcome.ACCEPTED,
        error=None,
        cause=None,
        label=names[answer.best] if answer.best < len(names) else str(answer.best),
        confidence=answer.confidence,
        inferences=list(answer.probabilities),
        inference_id=record.inference_id,
        endpoint=record.endpoint,
        variant=record.variant,
        threshold=threshold,
        execution_arn=None,
        started=record.time.isoformat(),
        seconds=None,
        labels=list(answer.labels) or None,
        release=answer.release,
        familiarity=answer.familiarity,
        familiarity_limit=answer.familiarity_limit,
        review_reason=reason,
    )


def _hour(execution: Execution) -> datetime:
    return hour_of(datetime.fromisoformat(execution.started))


def _agree(record: CaptureRecord, execution: Execution) -> bool:
    answer, kept = record.answer, execution.inferences
    if answer is None or kept is None:
        return True
    return (
        execution.release in (None, answer.release)
        and len(answer.probabilities) == len(kept)
        and all(math.isclose(a, b, abs_tol=AGREEMENT) for a, b in zip(answer.probabilities, kept, strict=True))
    )

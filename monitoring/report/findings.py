"""What the figures say, in sentences: the first thing that a reader of the report meets."""

from collections.abc import Sequence

from contracts.outcomes import Outcome
from inference.cases import Case
from inference.executions import Execution
from monitoring.capture.completeness import Completeness
from monitoring.drift.result import Verdict
from monitoring.drift.verdict import FEWEST, Drift
from monitoring.quality.evaluation import MAX_ERROR
from monitoring.quality.verdict import Finding, Level, on_accuracy, on_error
from monitoring.report.figures import Figures


def findings(
    figures: Figures,
    unexpected: Sequence[str] = (),
    drift: Drift | None = None,
    reasons: Sequence[str] = (),
    notices: Sequence[str] = (),
    max_error: float = MAX_ERROR,
) -> list[Finding]:
    """What is to be said of *figures* and *drift*, the worst first.

    *unexpected* are sentences of `unexpected_ends`, *reasons* of `reasons_to_retrain`; *max_error* is the error among
    accepted images that is tolerated.
    """
    found = [Finding(Level.BAD, sentence) for sentence in (*reasons, *unexpected)]
    found += [Finding(Level.NOTICE, sentence) for sentence in notices]
    if not figures.observed_only:
        found.append(_on_ends(figures))
    found += _on_capture(figures.completeness)
    if drift is not None and drift.verdict is Verdict.TOO_FEW:
        text = f"No verdict on drift: it takes {FEWEST} records, and the window has {drift.records}."
        found.append(Finding(Level.NOTICE, text))
    elif drift is not None and drift.verdict is Verdict.STABLE:
        text = f"No drift: {_count(drift.records, 'captured record')} look like the baseline of {drift.dataset}."
        found.append(Finding(Level.GOOD, text))
    found += _on_labels(figures, max_error)
    if waiting := figures.outcomes[Outcome.REVIEW]:
        share = f"{figures.review_share:.0%} of those classified"
        why = ", ".join(f"{count:,} {reason}" for reason, count in figures.review_reasons.items())
        text = f"{_count(waiting, 'image')} ({share}) wait for a person's review{f': {why}' if why else ''}."
        found.append(Finding(Level.NOTICE, text))
    return sorted(found, key=lambda finding: tuple(Level).index(finding.level))


def unexpected_ends(cases: Sequence[Case], executions: Sequence[Execution]) -> list[str]:
    """A sentence for each of *cases* that has no execution, or whose end or error is not the one that is right."""
    by_case = {execution.case: execution for execution in executions}
    sentences = []
    for case in cases:
        right = " or ".join(case.outcomes) + (f" ({case.error})" if case.error else "")
        execution = by_case.get(case.name)
        if execution is None:
            sentences.append(f"{case.name} was not run.")
        elif execution.outcome not in case.outcomes or (case.error and execution.error != case.error):
            ended = execution.outcome + (f" ({execution.error})" if execution.error else "")
            sentences.append(f"{case.name} ended {ended} where {right} is right.")
    return sentences


def _on_labels(figures: Figures, max_error: float) -> list[Finding]:
    """How right the labels are, by the same rules as the verdict on the model."""
    if figures.chance is None:
        return []
    level = on_accuracy(figures.correct, figures.judged, figures.chance).level
    text = f"{figures.correct:,} of {figures.judged:,} images with a known truth are labelled right"
    found = [Finding(level, f"{text}; always answering the most frequent class: {figures.chance:.0%}.")]
    if figures.accepted_judged:
        wrong = figures.accepted_judged - figures.accepted_correct
        found.append(on_error(wrong, figures.accepted_judged, max_error))
    return found


def _on_ends(figures: Figures) -> Finding:
    if failed := figures.outcomes[Outcome.FAILED]:
        why = "; ".join(map(str, figures.failures)).rstrip(".")
        return Finding(
            Level.BAD,
            f"{_count(failed, 'execution')} failed; the system is at fault, not the image: {why}. Once that is "
            "repaired, `workflow run --resume` runs them again.",
        )
    return Finding(Level.GOOD, f"Each of {_count(figures.executions, 'execution')} reached an end; none failed.")


def _on_capture(capture: Completeness) -> list[Finding]:
    found = []
    if capture.expected:
        reached = f"{capture.expected:,} {capture.counted}"
        if capture.joined < capture.expected:
            found.append(Finding(Level.BAD, f"Data capture holds only {capture.joined:,} of {reached}."))
        else:
            found.append(Finding(Level.GOOD, f"Data capture holds every one of {reached}."))
    elif capture.expected is None and capture.records:
        text = f"{_count(capture.records, 'captured record')}; how many invocations there were is not known here."
        found.append(Finding(Level.NOTICE, text))
    if capture.disagreeing:
        text = f"{_count(capture.disagreeing, 'captured record')} carry other probabilities than their executions."
        found.append(Finding(Level.BAD, text))
    if capture.skipped:
        text = f"{_count(capture.skipped, 'line')} of the capture files could not be used; they are listed below."
        found.append(Finding(Level.NOTICE, text))
    return found


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"

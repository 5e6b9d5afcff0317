"""The first thing on the page: whether the model can be used, in a sentence with its reason, and what is against it."""

from collections.abc import Sequence
from dataclasses import dataclass

from contracts.outcomes import Outcome
from inference.executions import Execution
from monitoring.drift.result import Verdict
from monitoring.drift.verdict import Drift
from monitoring.quality.diagnosis import Diagnosis
from monitoring.quality.live_quality import LiveQuality
from monitoring.quality.show import LEVELS
from monitoring.quality.verdict import Level
from monitoring.report.figures import Figures
from monitoring.report.subject import releases_of

UNKNOWN = "not known"


@dataclass(frozen=True)
class Headline:
    """The answer in a few words, its reason as a clause, and clauses that speak against relying on it.

    `level` is how good or bad the answer is.
    """

    level: Level
    answer: str
    reason: str
    doubts: tuple[str, ...] = ()

    @property
    def is_known(self) -> bool:
        """Whether there is a verdict on the model that answered."""
        return self.answer != UNKNOWN


def headline(
    executions: Sequence[Execution],
    figures: Figures,
    diagnosis: Diagnosis | None = None,
    drift: Drift | None = None,
    live: LiveQuality | None = None,
    unexpected: Sequence[str] = (),
    review_limit: float = 1.0,
) -> Headline:
    """What *diagnosis* says of the model that answered, or what can be said without one.

    *review_limit* is the share of the classified images above which reviews are too many.
    """
    doubts = tuple(_doubts(figures, drift, live, unexpected, review_limit))
    if diagnosis is None:
        return Headline(Level.NOTICE, UNKNOWN, _without_evaluation(figures), doubts)
    terms, answered = diagnosis.evaluation.terms, releases_of(executions)
    others = sorted(name for name in answered if name and terms and name != terms.release)
    if terms and others and terms.release not in answered:
        reason = f"release {' and '.join(others)} answered, and `workflow evaluate` has judged {terms.release}"
        return Headline(Level.NOTICE, UNKNOWN, reason, doubts)
    if others:
        doubts += (f"release {' and '.join(others)} answered too and was not evaluated",)
    verdict = diagnosis.verdict
    return Headline(LEVELS[verdict.usability], verdict.usability, verdict.reason, doubts)


def _without_evaluation(figures: Figures) -> str:
    """What the images themselves say of a model that nobody has evaluated."""
    start = "there is no evaluation (`workflow evaluate` makes one)"
    if figures.accuracy is not None:
        text = f"{start}; {figures.accuracy:.0%} of the {figures.judged:,} images with a known truth are labelled right"
        if figures.accepted_accuracy is not None:
            text += f", and {1 - figures.accepted_accuracy:.1%} of the accepted ones wrong"
        return text
    if not figures.classified:
        return f"{start}, and no image was classified"
    share = f"{figures.review_share:.0%}"
    return f"{start}, and no image here has a known truth; {share} of {figures.classified:,} go to review"


def _doubts(
    figures: Figures, drift: Drift | None, live: LiveQuality | None, unexpected: Sequence[str], review_limit: float
) -> list[str]:
    found = []
    if live and live.accuracy.broken_since:
        watched = live.accuracy.watched
        audited = f"{watched.wrong:,} of {watched.images:,} audited answers"
        found.append(f"in use, {audited} are wrong, which breaks the promised error")
    if drift and drift.verdict is Verdict.DRIFT:
        found.append(f"what the endpoint sees or says has drifted ({', '.join(one.name for one in drift.drifted)})")
    if figures.review_share > review_limit:
        share = f"{figures.review_share:.0%} of the classified images go to review"
        found.append(f"{share}, more than the limit of {review_limit:.0%}")
    if failed := figures.outcomes[Outcome.FAILED]:
        errors = ", ".join(one.error for one in figures.failures)
        found.append(f"{failed:,} of {figures.executions:,} executions failed ({errors})")
    if unexpected:
        found.append(f"{len(unexpected):,} {'case' if len(unexpected) == 1 else 'cases'} did not end as expected")
    capture = figures.completeness
    if capture.expected and capture.joined < capture.expected:
        found.append(f"data capture holds only {capture.joined:,} of {capture.expected:,} {capture.counted}")
    return found

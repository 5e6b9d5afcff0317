"""What people's decisions say of a model in use, in sentences and as `quality.json`."""

import json
from dataclasses import asdict, dataclass
from typing import Any

from monitoring.quality.calibration import Kept, kept
from monitoring.quality.live_accuracy import LiveAccuracy, Promise
from monitoring.quality.review_rate import DAYS, ReviewRate
from monitoring.quality.verdict import Finding, Level

QUALITY_FILE = "quality.json"


@dataclass(frozen=True)
class LiveQuality:
    """The labels of a data set, judged; `rate` is None where CloudWatch wasn't or couldn't be asked."""

    dataset: str
    accuracy: LiveAccuracy
    rate: ReviewRate | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nobody decided about anything."""
        found = self.accuracy
        return not (found.error.images or found.reviewed or found.agreement.pairs or found.agreement.disputed)

    def to_record(self) -> dict[str, Any]:
        """The content of `quality.json`: all figures, whether the promise holds, and times in ISO 8601, UTC."""
        record = asdict(self)
        record["accuracy"] |= {
            "promise": self.accuracy.promise,
            "images_missing": self.accuracy.images_missing,
            "broken_since": self.accuracy.broken_since and self.accuracy.broken_since.isoformat(),
        }
        return record

    def to_json(self) -> str:
        """The text of `quality.json`."""
        return json.dumps(self.to_record(), indent=1, allow_nan=False) + "\n"


def findings_of(quality: LiveQuality) -> list[Finding]:
    """Whether the promised error holds, as far as answers were audited, and what else is known."""
    return [*([on_promise(quality.accuracy)] if quality.accuracy.error.images else []), *facts(quality)]


def on_promise(found: LiveAccuracy) -> Finding:
    """Whether the promised error holds."""
    watched, promised = found.watched, f"The promised error of {found.promised:.1%}"
    if found.broken_since is not None:
        since = f"{found.broken_since:%Y-%m-%d %H:%M} UTC"
        text = f"{promised} is broken since {since}: {watched.wrong} of {watched.images} audited answers are wrong."
        return Finding(Level.BAD, text)
    if found.promise is Promise.HOLDS:
        text = f"{promised} holds: {watched.wrong} of {watched.images} audited answers are wrong, so that at most "
        return Finding(Level.GOOD, f"{text}{watched.upper_bound:.1%} of all are, with 95% confidence.")
    text = f"Whether the promised error of {found.promised:.1%} holds is not yet known: {watched.wrong} of "
    text += f"{watched.images} audited answers are wrong. It takes at least {found.images_missing} more that are right."
    return Finding(Level.NOTICE, text)


def facts(quality: LiveQuality) -> list[Finding]:
    """What else is known: of the images that went to review, and of the people who decide."""
    found, agreement = quality.accuracy, quality.accuracy.agreement
    lines = []
    if quality.rate is not None and quality.rate.share is not None:
        classified = quality.rate.accepted + quality.rate.review
        text = f"{quality.rate.share:.1%} of {classified:,} images went to review in the last {DAYS} days."
        lines.append(Finding(Level.NOTICE, text))
    if found.reviewed:
        text = f"Of the images that went to review, the model was right about {found.confirmed} of {found.reviewed}"
        if kept(found.reviewed - found.confirmed, found.reviewed, found.promised) is Kept.YES:
            lines.append(Finding(Level.BAD, f"{text}: the threshold is too strict."))
        else:
            lines.append(Finding(Level.NOTICE, f"{text} ({found.confirmed / found.reviewed:.0%})."))
    if agreement.pairs:
        text = f"Two people gave the same image the same label {agreement.same} of {agreement.pairs} times"
        lines.append(Finding(Level.NOTICE, f"{text}; {agreement.disputed} images are in dispute."))
    else:
        lines.append(Finding(Level.NOTICE, "No image was decided by two people, so that their agreement is not known."))
    return lines

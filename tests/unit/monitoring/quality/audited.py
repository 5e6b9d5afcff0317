"""What people decided about accepted answers."""

from datetime import UTC, datetime, timedelta

from contracts.labels import Decision, LabelledImage, ModelAnswer
from contracts.outcomes import ReviewReason

STARTED = datetime(2026, 3, 1, tzinfo=UTC)


def decision(
    minute: int,
    label: str | None,
    *,
    answer: str = "cat",
    reason: ReviewReason = ReviewReason.AUDIT,
    reviewer: str = "ann",
    release: str | None = "r1",
    undone: bool = False,
) -> Decision:
    model = ModelAnswer(release, answer, 0.9, 0.8, 0.5, (0.9, 0.1), (answer, "other"))
    return Decision(label, reviewer, (STARTED + timedelta(minutes=minute)).isoformat(), 2.0, reason, model, undone)


def image(*decisions: Decision) -> LabelledImage:
    return LabelledImage("0" * 64, "bucket", "incoming/one.png", None, decisions)

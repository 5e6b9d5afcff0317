"""How an image ends in the state machine, and the rule that accepts it."""

from enum import StrEnum


class Outcome(StrEnum):
    """The ends of an image: the first two are the model's answer, FAILED is an error of the system."""

    ACCEPTED = "ACCEPTED"
    REVIEW = "REVIEW"
    REJECTED = "REJECTED"
    FAILED = "FAILED"


CLASSIFIED = (Outcome.ACCEPTED, Outcome.REVIEW)


def is_accepted(confidence: float, threshold: float) -> bool:
    """Whether an answer of *confidence* is accepted: also where it equals *threshold*; NaN never is."""
    return confidence >= threshold

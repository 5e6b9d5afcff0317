"""How an image ends in the state machine, and the rules that accept it."""

from enum import StrEnum

from contracts.answer import Answer


class Outcome(StrEnum):
    """The ends of an image: the first two are the model's answer, FAILED is an error of the system."""

    ACCEPTED = "ACCEPTED"
    REVIEW = "REVIEW"
    REJECTED = "REJECTED"
    FAILED = "FAILED"


CLASSIFIED = (Outcome.ACCEPTED, Outcome.REVIEW)


class ReviewReason(StrEnum):
    """Why a person should look at an image; AUDIT is a share of the accepted, chosen to check on the model."""

    LOW_CONFIDENCE = "low confidence"
    UNFAMILIAR = "unfamiliar"
    AUDIT = "audit"


def review_reason(answer: Answer, threshold: float | None) -> ReviewReason | None:
    """Why an *answer* goes to review under *threshold*; None where it is accepted."""
    if not is_accepted(answer.confidence, threshold):
        return ReviewReason.LOW_CONFIDENCE
    return None if is_familiar(answer.familiarity, answer.familiarity_limit) else ReviewReason.UNFAMILIAR


def is_accepted(confidence: float, threshold: float | None) -> bool:
    """Whether an answer of *confidence* is accepted: also where it equals *threshold*; NaN never is.

    A model whose *threshold* is None accepts nothing.
    """
    return threshold is not None and confidence >= threshold


def is_familiar(familiarity: float | None, limit: float | None) -> bool:
    """Whether an image is like those of the training: also where it equals *limit*, and where the model can't tell."""
    return familiarity is None or limit is None or familiarity >= limit

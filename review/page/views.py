"""What the page is told of an image and of a decision, as JSON values."""

from pathlib import PurePosixPath
from typing import Any

from contracts.labels import LabelledImage
from contracts.outcomes import ReviewReason
from review.image import ReviewImage
from review.queue import Message


def image_view(message: Message) -> dict[str, Any]:
    """Return what the page shows of an image.

    The model's answer of an audited image stays hidden until a person has decided: people agree too easily with what
    they see, and the audit tells how often accepted answers are wrong.
    """
    image = message.image
    return {
        "id": message.id,
        "name": PurePosixPath(image.s3_key).name or image.s3_key,
        "address": str(image.address),
        "width": image.width,
        "height": image.height,
        "reason": image.reason,
        "labels": image.model.labels,
        "answer": None if image.reason is ReviewReason.AUDIT else answer_view(image),
    }


def answer_view(image: ReviewImage) -> dict[str, Any]:
    """Return the model's answer; `probabilities` are in the order of the labels."""
    model = image.model
    return {
        "label": model.label,
        "confidence": model.confidence,
        "threshold": model.threshold,
        "probabilities": model.inferences,
        "release": model.release,
        "familiarity": model.familiarity,
        "familiarityLimit": image.familiarity_limit,
    }


def decision_view(message: Message, labelled: LabelledImage, reviewer: str) -> dict[str, Any]:
    """Return what to show after a decision: what others decided about the same image, and the model's answer."""
    others = [vote for vote in labelled.votes.values() if vote.reviewer != reviewer]
    return {
        "id": message.id,
        "others": [{"reviewer": vote.reviewer, "label": vote.label} for vote in others],
        "disputed": labelled.disputed,
        "answer": answer_view(message.image),
    }

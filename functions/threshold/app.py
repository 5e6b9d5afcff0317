"""CheckThreshold: accept the model's answer, or send it to a person."""

from typing import Any

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext


class InvalidEvent(Exception):
    """The event doesn't carry a confidence and a threshold."""


class ThresholdConfidenceNotMet(Exception):
    """The model isn't confident enough: a person should look."""


class ImageUnfamiliar(Exception):
    """The image is unlike those that the model was trained on: a person should look."""


def confidence_of(event: Any) -> float:
    """Return the event's confidence, a number from 0 to 1."""
    confidence = share_of(event, "confidence")
    if confidence is None:
        raise InvalidEvent("The event must have confidence, a number from 0 to 1.")
    return confidence


def threshold_of(event: dict[str, Any]) -> float | None:
    """Return the event's threshold, a number from 0 to 1; None where the model's release accepts nothing."""
    if "threshold" not in event:
        raise InvalidEvent("The event must have threshold, a number from 0 to 1, or null to accept nothing.")
    return share_of(event, "threshold")


def share_of(event: Any, key: str) -> float | None:
    """Return a number from 0 to 1, or None where it is null or absent."""
    value = event.get(key) if isinstance(event, dict) else None
    if value is None:
        return None
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= 1:
        return float(value)
    raise InvalidEvent(f"The event must have {key}, a number from 0 to 1.")


def check(event: Any) -> None:
    """Raise ThresholdConfidenceNotMet below the threshold, else ImageUnfamiliar below the limit; equal passes."""
    confidence, threshold = confidence_of(event), threshold_of(event)
    if threshold is None:
        raise ThresholdConfidenceNotMet("The model's release has no threshold, so that it accepts nothing.")
    if confidence < threshold:
        raise ThresholdConfidenceNotMet(f"Confidence {confidence:.4f} is below the threshold {threshold:.4f}.")
    familiarity, limit = share_of(event, "familiarity"), share_of(event, "familiarity_limit")
    if familiarity is not None and limit is not None and familiarity < limit:
        raise ImageUnfamiliar(f"Familiarity {familiarity:.4f} is below the limit {limit:.4f}.")


logger = Logger()
tracer = Tracer(auto_patch=False)
metrics = Metrics()


def decide(event: Any) -> dict[str, Any]:
    """Return Classify's record as accepted, or raise what sends it to review; both are counted."""
    try:
        check(event)
    except (ThresholdConfidenceNotMet, ImageUnfamiliar) as error:
        _count(event, type(error).__name__)
        raise
    _count(event, None)
    return {**event, "outcome": "ACCEPTED", "review_reason": None}


def _count(event: dict[str, Any], reason: str | None) -> None:
    # Of a metric that is 0 or 1 the sum is a count and the average a rate.
    metrics.add_metric("Accepted", MetricUnit.Count, int(reason is None))
    metrics.add_metric("Review", MetricUnit.Count, int(reason is not None))
    logger.info("checked", extra={"confidence": event["confidence"], "accepted": reason is None, "reason": reason})


@metrics.log_metrics
@tracer.capture_lambda_handler(capture_response=False)
@logger.inject_lambda_context
def lambda_handler(event: Any, context: LambdaContext) -> dict[str, Any]:
    """Step Functions task: Classify's record in, the record with `outcome` and a `review_reason` of null out.

    Raises ThresholdConfidenceNotMet or ImageUnfamiliar when a person should look.
    """
    return decide(event)

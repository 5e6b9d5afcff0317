"""CheckThreshold: accept the model's answer, or send it to a person."""

import math
import os
from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext


class ConfigurationError(Exception):
    """An environment variable of the function is missing or out of range."""


class InvalidEvent(Exception):
    """The event doesn't carry a confidence."""


class ThresholdConfidenceNotMet(Exception):
    """The model isn't confident enough: a person should look."""


def threshold_of(environment: Mapping[str, str]) -> float:
    """Return CONFIDENCE_THRESHOLD, a number from 0 to 1."""
    text = environment.get("CONFIDENCE_THRESHOLD", "")
    try:
        threshold = float(text)
    except ValueError:
        threshold = math.nan
    if not 0 <= threshold <= 1:
        raise ConfigurationError(f"CONFIDENCE_THRESHOLD must be a number from 0 to 1, not {text!r}.")
    return threshold


def confidence_of(event: Any) -> float:
    """Return the event's confidence, a number from 0 to 1."""
    value = event.get("confidence") if isinstance(event, dict) else None
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= 1:
        return float(value)
    raise InvalidEvent("The event must have confidence, a number from 0 to 1.")


def check(confidence: float, threshold: float) -> None:
    """Raise ThresholdConfidenceNotMet if the confidence is below the threshold; equal passes."""
    if confidence < threshold:
        raise ThresholdConfidenceNotMet(f"Confidence {confidence:.4f} is below the threshold {threshold:.4f}.")


logger = Logger()
tracer = Tracer(auto_patch=False)
metrics = Metrics()
CONFIDENCE_THRESHOLD = threshold_of(os.environ)


def decide(event: Any) -> dict[str, Any]:
    """Return Classify's record as accepted, or raise ThresholdConfidenceNotMet; both are counted."""
    confidence = confidence_of(event)
    accepted = confidence >= CONFIDENCE_THRESHOLD
    # Of a metric that is 0 or 1 the sum is a count and the average a rate.
    metrics.add_metric("Accepted", MetricUnit.Count, int(accepted))
    metrics.add_metric("Review", MetricUnit.Count, int(not accepted))
    logger.info("checked", extra={"confidence": confidence, "accepted": accepted})
    check(confidence, CONFIDENCE_THRESHOLD)
    return {**event, "outcome": "ACCEPTED", "threshold": CONFIDENCE_THRESHOLD}


@metrics.log_metrics
@tracer.capture_lambda_handler(capture_response=False)
@logger.inject_lambda_context
def lambda_handler(event: Any, context: LambdaContext) -> dict[str, Any]:
    """Step Functions task: Classify's record in, the record with `outcome` and `threshold` out.

    Raises ThresholdConfidenceNotMet when a person should look.
    """
    return decide(event)

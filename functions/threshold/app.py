"""CheckThreshold: accept the model's answer, or send it to a person."""

import math
import os
import re
from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

SHA256 = re.compile("[0-9a-f]{64}")


class ConfigurationError(Exception):
    """An environment variable of the function is missing or out of range."""


class InvalidEvent(Exception):
    """The event doesn't carry a confidence and a threshold."""


class ThresholdConfidenceNotMet(Exception):
    """The model isn't confident enough: a person should look."""


class ImageUnfamiliar(Exception):
    """The image is unlike those that the model was trained on: a person should look."""


class AuditDue(Exception):
    """The answer is accepted, and belongs to the share of those that a person checks."""


def audit_rate_of(environment: Mapping[str, str]) -> float:
    """Return AUDIT_RATE, the share of the accepted that a person checks, from 0 to 1."""
    text = environment.get("AUDIT_RATE", "")
    try:
        rate = float(text)
    except ValueError:
        rate = math.nan
    if not 0 <= rate <= 1:
        raise ConfigurationError(f"AUDIT_RATE must be a number from 0 to 1, not {text!r}.")
    return rate


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


def is_audited(event: dict[str, Any], rate: float) -> bool:
    """Whether an accepted image is one of the share `rate`: its checksum decides, so that each call says the same.

    An event without `sha256`, as from a direct caller, is never one.
    """
    checksum = event.get("sha256")
    if checksum is None:
        return False
    if not isinstance(checksum, str) or not SHA256.fullmatch(checksum):
        raise InvalidEvent("The event's sha256 must be the SHA-256 of an image, 64 hexadecimal digits.")
    return int(checksum[:16], 16) < rate * 2**64


logger = Logger()
tracer = Tracer(auto_patch=False)
metrics = Metrics()
AUDIT_RATE = audit_rate_of(os.environ)


def decide(event: Any) -> dict[str, Any]:
    """Return Classify's record as accepted, or raise what sends it to review or to the audit; all are counted."""
    try:
        check(event)
        audited = is_audited(event, AUDIT_RATE)
    except (ThresholdConfidenceNotMet, ImageUnfamiliar) as error:
        _count(event, type(error).__name__)
        raise
    _count(event, None)
    metrics.add_metric("Audited", MetricUnit.Count, int(audited))
    if audited:
        raise AuditDue(f"Accepted with confidence {event['confidence']:.4f}, and chosen for the audit.")
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

    Raises ThresholdConfidenceNotMet or ImageUnfamiliar when a person should look, and AuditDue when the answer is
    accepted and a person should check on it: the state machine then completes the record.
    """
    return decide(event)

"""Put the live accuracy to CloudWatch, for alarms."""

from typing import TYPE_CHECKING

from monitoring.metrics import Value, put_metrics
from monitoring.quality.live_accuracy import LiveAccuracy, Promise

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient


def publish_live_accuracy(endpoint: str, found: LiveAccuracy, cloudwatch: "CloudWatchClient | None" = None) -> int:
    """Put metrics of the release that answered last, and return how many: none where none of its answers was audited.

    `LiveErrorUpperBound` is what the error is at most, with 95% confidence, `AuditedImages` how many images show that,
    and `LiveErrorTooHigh` is 1 from when the promise is broken until another release answers, else 0. The upper bound
    alone can't raise an alarm: it is high, too, while few images were audited.
    """
    watched = found.watched
    if not watched.images:
        return 0
    values: list[Value] = [
        ("LiveErrorUpperBound", watched.upper_bound, {}),
        ("AuditedImages", float(watched.images), {}),
        ("LiveErrorTooHigh", float(found.promise is Promise.BROKEN), {}),
    ]
    return put_metrics(endpoint, values, cloudwatch)

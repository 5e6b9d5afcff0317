"""How many images were accepted and sent to review, as CloudWatch counted them."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from monitoring.capture.endpoint_metrics import HOUR, MetricsError
from monitoring.metrics import NAMESPACE

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient

DAYS = 7


@dataclass(frozen=True)
class ReviewRate:
    """The images that were accepted and that went to review in the last DAYS days; those of the audit are accepted."""

    accepted: int
    review: int

    @property
    def share(self) -> float | None:
        """The share that went to review; None where nothing was classified."""
        classified = self.accepted + self.review
        return self.review / classified if classified else None


def review_rate(stack: str, cloudwatch: "CloudWatchClient | None" = None) -> ReviewRate:
    """Read what CheckThreshold of an app stack counted; raises MetricsError where CloudWatch doesn't answer."""
    cloudwatch = cloudwatch or boto3.client("cloudwatch")
    now = datetime.now(UTC)
    queries: Any = [_query("accepted", "Accepted", stack), _query("review", "Review", stack)]
    counts = dict.fromkeys(("accepted", "review"), 0.0)
    try:
        pages = cloudwatch.get_paginator("get_metric_data").paginate(
            MetricDataQueries=queries, StartTime=now - timedelta(days=DAYS), EndTime=now
        )
        for result in (result for page in pages for result in page["MetricDataResults"]):
            counts[result["Id"]] += sum(result["Values"])
    except (ClientError, BotoCoreError) as error:
        raise MetricsError(f"CloudWatch did not give the outcomes of {stack}: {error}.") from error
    return ReviewRate(round(counts["accepted"]), round(counts["review"]))


def _query(name: str, metric: str, stack: str) -> dict[str, Any]:
    dimensions = [{"Name": "service", "Value": stack}]
    named = {"Namespace": NAMESPACE, "MetricName": metric, "Dimensions": dimensions}
    return {"Id": name, "MetricStat": {"Metric": named, "Period": HOUR, "Stat": "Sum"}}

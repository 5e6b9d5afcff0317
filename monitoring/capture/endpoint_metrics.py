"""What CloudWatch counted and timed at an endpoint, by hour.

Names and units: https://docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html.
"""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from monitoring.capture.span import hour_of
from monitoring.errors import MonitoringError

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_cloudwatch.type_defs import DimensionTypeDef

NAMESPACE = "AWS/SageMaker"
HOUR = 3600
# GetMetricStatistics answers 1,440 points at most.
LONGEST = timedelta(hours=1440)
MICROSECONDS = 1_000_000
PERCENTILES: list[Any] = ["p50", "p95", "p99"]


class MetricsError(MonitoringError):
    """CloudWatch can't be asked."""


def invocations(
    endpoint: str,
    variants: Iterable[str],
    start: datetime,
    end: datetime,
    cloudwatch: "CloudWatchClient | None" = None,
) -> dict[datetime, int]:
    """How often *endpoint* was invoked in each full hour of the window, all *variants* together.

    Hours without an invocation are absent. Raises MetricsError where CloudWatch doesn't answer.
    """
    cloudwatch = cloudwatch or boto3.client("cloudwatch")
    counts: Counter[datetime] = Counter()
    try:
        for variant in variants:
            metric = {
                "Namespace": NAMESPACE,
                "MetricName": "Invocations",
                "Dimensions": _dimensions(endpoint, variant),
            }
            query: Any = {"Id": "invocations", "MetricStat": {"Metric": metric, "Period": HOUR, "Stat": "Sum"}}
            pages = cloudwatch.get_paginator("get_metric_data").paginate(
                MetricDataQueries=[query], StartTime=hour_of(start), EndTime=end
            )
            for page in pages:
                for result in page["MetricDataResults"]:
                    for time, value in zip(result["Timestamps"], result["Values"], strict=True):
                        counts[hour_of(time)] += round(value)
    except (ClientError, BotoCoreError) as error:
        raise MetricsError(f"CloudWatch did not give the invocations of {endpoint}: {error}.") from error
    return {hour: count for hour, count in sorted(counts.items()) if count}


def model_seconds(
    endpoint: str,
    variants: Iterable[str],
    start: datetime,
    end: datetime,
    cloudwatch: "CloudWatchClient | None" = None,
) -> dict[str, float]:
    """How long the model took, in its slowest hour of the window: p50, p95, p99, Average and Maximum, in seconds.

    What CloudWatch can't give is absent: it has no percentiles of values that were sent in sums. Of a long window the
    last 60 days count. Raises MetricsError where CloudWatch doesn't answer.
    """
    cloudwatch = cloudwatch or boto3.client("cloudwatch")
    worst: dict[str, float] = {}
    try:
        for variant in variants:
            for statistics in ({"ExtendedStatistics": PERCENTILES}, {"Statistics": ["Average", "Maximum"]}):
                points: Any = cloudwatch.get_metric_statistics(
                    Namespace=NAMESPACE,
                    MetricName="ModelLatency",
                    Dimensions=_dimensions(endpoint, variant),
                    StartTime=max(hour_of(start), end - LONGEST),
                    EndTime=end,
                    Period=HOUR,
                    **statistics,
                )["Datapoints"]
                for point in points:
                    values = point.get("ExtendedStatistics", {}) | {
                        name: point[name] for name in ("Average", "Maximum") if name in point
                    }
                    for name, value in values.items():
                        worst[name] = max(worst.get(name, 0.0), value / MICROSECONDS)
    except (ClientError, BotoCoreError) as error:
        raise MetricsError(f"CloudWatch did not give the latency of {endpoint}: {error}.") from error
    return worst


def _dimensions(endpoint: str, variant: str) -> "list[DimensionTypeDef]":
    return [{"Name": "EndpointName", "Value": endpoint}, {"Name": "VariantName", "Value": variant}]

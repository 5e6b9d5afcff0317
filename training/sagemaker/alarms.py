"""The CloudWatch alarms that can watch an update of an endpoint."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import boto3

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch.type_defs import MetricAlarmTypeDef, MetricOutputTypeDef

NAMESPACE = "AWS/SageMaker"
# https://docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html
ERRORS_AND_LATENCIES = frozenset(
    {"Invocation4XXErrors", "Invocation5XXErrors", "InvocationModelErrors", "ModelLatency", "OverheadLatency"}
)


def alarms_of(endpoint: str) -> tuple[str, ...]:
    """Name the alarms that watch the endpoint's errors and latencies, such as those of the app stack.

    Alarms on drift, on reviews or on the load, such as those that scaling makes, say nothing about an update.
    """
    pages = boto3.client("cloudwatch").get_paginator("describe_alarms").paginate(AlarmTypes=["MetricAlarm"])
    return tuple(alarm["AlarmName"] for page in pages for alarm in page["MetricAlarms"] if _watches(alarm, endpoint))


def in_alarm(names: Sequence[str]) -> tuple[str, ...]:
    """Name those of the alarms, metric or composite ones, that are in the state ALARM now."""
    if not names:
        return ()
    found = boto3.client("cloudwatch").describe_alarms(AlarmNames=names, AlarmTypes=["MetricAlarm", "CompositeAlarm"])
    states = {
        alarm["AlarmName"]: alarm["StateValue"]
        for alarm in (*found.get("MetricAlarms", ()), *found.get("CompositeAlarms", ()))
    }
    return tuple(name for name in names if states.get(name) == "ALARM")


def _watches(alarm: "MetricAlarmTypeDef", endpoint: str) -> bool:
    """Whether all metrics of the alarm are the endpoint's, and one of them is an error or a latency."""
    metrics: list[MetricOutputTypeDef] = [
        query["MetricStat"]["Metric"] for query in alarm.get("Metrics", ()) if "MetricStat" in query
    ]
    if "MetricName" in alarm:
        metrics.append(
            {
                "Namespace": alarm["Namespace"],
                "MetricName": alarm["MetricName"],
                "Dimensions": alarm.get("Dimensions", []),
            }
        )
    dimension = {"Name": "EndpointName", "Value": endpoint}
    return any(metric.get("MetricName") in ERRORS_AND_LATENCIES for metric in metrics) and all(
        metric.get("Namespace") == NAMESPACE and dimension in metric.get("Dimensions", ()) for metric in metrics
    )

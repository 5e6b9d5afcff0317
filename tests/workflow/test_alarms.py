"""Alarms over the metrics of endpoints, evaluated as CloudWatch does."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from local import stack
from local.sagemaker.alarms import Alarms
from local.sagemaker.metrics import NAMESPACE, Metrics
from tests.waiting import wait_until
from training.sagemaker.alarms import alarms_of

DIMENSIONS = [{"Name": "EndpointName", "Value": "ep"}, {"Name": "VariantName", "Value": "AllTraffic"}]


@pytest.fixture
def metrics() -> Iterator[Metrics]:
    """Metrics of this process, in a CloudWatch of its own that nothing else evaluates alarms in."""
    with mock_aws():
        collected = Metrics(boto3.client("cloudwatch"))
        collected.start()
        yield collected
        collected.stop()


def fires(metrics: Metrics, **alarm: Any) -> bool:
    """Put an alarm and evaluate it."""
    cloudwatch = boto3.client("cloudwatch")
    settings: dict[str, Any] = {
        "Namespace": NAMESPACE,
        "MetricName": "Invocation5XXErrors",
        "Dimensions": DIMENSIONS,
        "Period": 60,
        "EvaluationPeriods": 1,
        "Threshold": 0,
        "ComparisonOperator": "GreaterThanThreshold",
    }
    if "ExtendedStatistic" not in alarm:
        settings["Statistic"] = "Sum"
    cloudwatch.put_metric_alarm(AlarmName="tested", **settings | alarm)
    found = Alarms(cloudwatch, metrics).firing(["tested"]) == ["tested"]
    state = cloudwatch.describe_alarms(AlarmNames=["tested"])["MetricAlarms"][0]["StateValue"]
    assert (state == "ALARM") == found
    return found


def test_one_error_fires_where_none_is_allowed(metrics: Metrics) -> None:
    metrics.add("ep", "AllTraffic", 200, 0.01)
    assert not fires(metrics)
    metrics.add("ep", "AllTraffic", 500, 0.01)
    assert fires(metrics)


def test_a_timeout_is_an_error_of_the_server_and_a_refusal_is_not(metrics: Metrics) -> None:
    metrics.add("ep", "AllTraffic", 400, 0.01)
    assert not fires(metrics)
    assert fires(metrics, MetricName="Invocation4XXErrors")
    metrics.add("ep", "AllTraffic", 0, 60.0)
    assert fires(metrics)


def test_a_value_equal_to_the_threshold_fires_only_where_equal_counts(metrics: Metrics) -> None:
    metrics.add("ep", "AllTraffic", 500, 0.01)
    assert not fires(metrics, Threshold=1)
    assert fires(metrics, Threshold=1, ComparisonOperator="GreaterThanOrEqualToThreshold")


def test_latency_is_in_microseconds_and_percentiles_pass_over_outliers(metrics: Metrics) -> None:
    for seconds in [0.01] * 98 + [2.0, 2.0]:
        metrics.add("ep", "AllTraffic", 200, seconds)
    latency: dict[str, Any] = {"MetricName": "ModelLatency", "Threshold": 1_000_000}
    assert not fires(metrics, ExtendedStatistic="p98", **latency)
    assert fires(metrics, ExtendedStatistic="p99", **latency)
    assert fires(metrics, Statistic="Maximum", **latency)
    assert not fires(metrics, Statistic="Average", **latency)


def test_another_endpoint_does_not_count(metrics: Metrics) -> None:
    metrics.add("other", "AllTraffic", 500, 0.01)
    metrics.add("ep", "Shadow", 500, 0.01)
    assert not fires(metrics)
    assert fires(metrics, Dimensions=DIMENSIONS[:1])  # all variants


def test_all_periods_must_breach_unless_fewer_are_enough(metrics: Metrics) -> None:
    metrics.add("ep", "AllTraffic", 500, 0.01)
    assert not fires(metrics, EvaluationPeriods=3)
    assert fires(metrics, EvaluationPeriods=3, DatapointsToAlarm=1)


@pytest.mark.parametrize(
    ("missing", "expected"), [("breaching", True), ("notBreaching", False), ("missing", False), ("ignore", False)]
)
def test_silence_fires_only_where_missing_data_breach(metrics: Metrics, missing: str, expected: bool) -> None:
    assert fires(metrics, TreatMissingData=missing) is expected


def test_an_alarm_over_something_else_has_the_state_that_was_set(metrics: Metrics) -> None:
    assert not fires(metrics, Namespace="Elsewhere")
    cloudwatch = boto3.client("cloudwatch")
    cloudwatch.set_alarm_state(AlarmName="tested", StateValue="ALARM", StateReason="set")
    assert Alarms(cloudwatch, metrics).firing(["tested"]) == ["tested"]
    assert Alarms(cloudwatch, metrics).known(["tested", "unknown"]) == {"tested"}


def test_alarms_are_evaluated_without_being_asked(metrics: Metrics) -> None:
    cloudwatch = boto3.client("cloudwatch")
    alarms = Alarms(cloudwatch, metrics)
    metrics.add("ep", "AllTraffic", 500, 0.01)
    assert fires(metrics)
    cloudwatch.set_alarm_state(AlarmName="tested", StateValue="OK", StateReason="set")
    alarms.start()
    try:
        wait_until(lambda: bool(cloudwatch.describe_alarms(StateValue="ALARM")["MetricAlarms"]))
    finally:
        alarms.stop()


def test_the_app_stacks_alarms_watch_its_endpoint(running: stack.Running) -> None:
    running.deploy({"EndpointName": "watched"})
    try:
        assert {name.rsplit("-", 1)[-1] for name in alarms_of("watched")} == {
            "EndpointErrorsAlarm",
            "ModelLatencyAlarm",
        }
    finally:
        running.deploy({})
    assert alarms_of("watched") == ()

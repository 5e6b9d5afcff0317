"""Values of CloudWatch in a state, single ones and sums of many."""

from datetime import UTC, datetime
from typing import Any

from moto.cloudwatch.models import CloudWatchBackend

from local.state.metrics import MetricValues

TIME = datetime(2026, 11, 26, 5, tzinfo=UTC)
SUM = {"SampleCount": 2.0, "Sum": 3.0, "Minimum": 1.0, "Maximum": 2.0}


def backend(*data: dict[str, Any]) -> CloudWatchBackend:
    made = CloudWatchBackend("us-east-1", "123456789012")
    made.put_metric_data("Space", list(data))
    return made


def test_values_and_sums_are_restored_as_they_were() -> None:
    dimensions = [{"Name": "EndpointName", "Value": "pedals"}]
    before = backend(
        {"MetricName": "Error", "Value": 0.25, "Timestamp": TIME},
        {
            "MetricName": "Invocations",
            "StatisticValues": SUM,
            "Timestamp": TIME,
            "Dimensions": dimensions,
            "Unit": "None",
        },
    )
    saved = MetricValues(before).snapshot()
    after = backend()
    MetricValues(after).restore(saved)
    assert MetricValues(after).snapshot() == saved
    value, total = (one["datum"] for one in saved)
    assert (value["Value"], value["Dimensions"], value["Timestamp"]) == (0.25, [], "2026-11-26T05:00:00+00:00")
    assert (total["StatisticValues"], total["Dimensions"], total["Unit"]) == (SUM, dimensions, "None")

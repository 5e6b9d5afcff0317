"""The values of CloudWatch's metrics, which `workflow status` and `workflow capture` compare with what was captured."""

from datetime import datetime
from typing import Any

from moto.cloudwatch.models import CloudWatchBackend, MetricAggregatedDatum, MetricDatum, MetricDatumBase


class MetricValues:
    """Every value that was put into CloudWatch."""

    def __init__(self, backend: CloudWatchBackend) -> None:
        self._backend = backend

    def snapshot(self) -> list[dict[str, Any]]:
        """Return each value as PutMetricData takes it, with its namespace and its time in ISO 8601."""
        return [_saved(one) for one in list(self._backend.metric_data)]

    def restore(self, saved: list[dict[str, Any]]) -> None:
        """Put the values into CloudWatch."""
        for one in saved:
            datum = one["datum"] | {"Timestamp": datetime.fromisoformat(one["datum"]["Timestamp"])}
            self._backend.put_metric_data(one["namespace"], [datum])


def _saved(datum: MetricDatumBase) -> dict[str, Any]:
    return {
        "namespace": datum.namespace,
        "datum": {
            "MetricName": datum.name,
            "Dimensions": [{"Name": one.name, "Value": one.value} for one in datum.dimensions],
            "Timestamp": datum.timestamp.isoformat(),
            "Unit": datum.unit,
            **_value(datum),
        },
    }


def _value(datum: MetricDatumBase) -> dict[str, Any]:
    if isinstance(datum, MetricDatum):
        return {"Value": datum.value}
    assert isinstance(datum, MetricAggregatedDatum)
    return {
        "StatisticValues": {
            "SampleCount": datum.sample_count,
            "Sum": datum.sum,
            "Minimum": datum.min,
            "Maximum": datum.max,
        }
    }

"""The project's own metrics in CloudWatch that are about an endpoint."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import boto3

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_cloudwatch.type_defs import MetricDatumTypeDef

NAMESPACE = "ImageClassification"
# A metric's name, its value, and its dimensions beside the endpoint.
Value = tuple[str, float, Mapping[str, str]]


def put_metrics(endpoint: str, values: Sequence[Value], cloudwatch: "CloudWatchClient | None" = None) -> int:
    """Put values to NAMESPACE with the dimension `EndpointName`; return how many they are."""
    if values:
        (cloudwatch or boto3.client("cloudwatch")).put_metric_data(
            Namespace=NAMESPACE, MetricData=[_datum(endpoint, *value) for value in values]
        )
    return len(values)


def _datum(endpoint: str, name: str, value: float, dimensions: Mapping[str, str]) -> "MetricDatumTypeDef":
    named = {"EndpointName": endpoint, **dimensions}
    return {
        "MetricName": name,
        "Value": value,
        "Unit": "None",
        "Dimensions": [{"Name": key, "Value": named[key]} for key in named],
    }

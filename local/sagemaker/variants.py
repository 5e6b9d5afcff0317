"""The production variants of an endpoint: as in its configuration, with the capacity that they have now."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Variant = dict[str, Any]

# A variant's property in requests, and the field of a configuration that holds its first value.
PROPERTIES = {"DesiredInstanceCount": "InitialInstanceCount", "DesiredWeight": "InitialVariantWeight"}


def updated(current: Sequence[Variant], wanted: Sequence[Variant], request: Mapping[str, Any]) -> list[Variant]:
    """Return the variants after an UpdateEndpoint request: as wanted, except for the properties that it retains.

    Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_UpdateEndpoint.html
    """
    if not request.get("RetainAllVariantProperties"):
        return [dict(variant) for variant in wanted]
    excluded = {one["VariantPropertyType"] for one in request.get("ExcludeRetainedVariantProperties", ())}
    kept = [field for name, field in PROPERTIES.items() if name not in excluded]
    known = {variant["VariantName"]: variant for variant in current}
    return [
        variant | {field: old[field] for field in kept if field in (old := known.get(variant["VariantName"], {}))}
        for variant in wanted
    ]


def resized(current: Sequence[Variant], asked: Iterable[Mapping[str, Any]]) -> list[Variant]:
    """Return the variants with the weights and capacities that UpdateEndpointWeightsAndCapacities asks for."""
    by_name = {one["VariantName"]: one for one in asked}
    return [
        variant | {field: one[name] for name, field in PROPERTIES.items() if name in one}
        for variant in current
        for one in [by_name.get(variant["VariantName"], {})]
    ]


def summary(variant: Variant) -> Variant:
    """Return a variant as DescribeEndpoint shows it."""
    weight = variant.get("InitialVariantWeight", 1.0)
    common = {"VariantName": variant["VariantName"], "CurrentWeight": weight, "DesiredWeight": weight}
    if "ServerlessConfig" in variant:
        return common | {"CurrentServerlessConfig": variant["ServerlessConfig"]}
    count = variant.get("InitialInstanceCount", 1)
    return common | {"CurrentInstanceCount": count, "DesiredInstanceCount": count}

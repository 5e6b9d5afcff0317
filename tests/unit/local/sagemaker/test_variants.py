"""What an update and a change of capacity make of an endpoint's variants."""

from typing import Any

import pytest

from local.sagemaker.variants import resized, summary, updated

NOW = [{"VariantName": "A", "InstanceType": "ml.m5.large", "InitialInstanceCount": 3, "InitialVariantWeight": 0.5}]
WANTED = [
    {"VariantName": "A", "InstanceType": "ml.c5.large", "InitialInstanceCount": 1, "InitialVariantWeight": 1.0},
    {"VariantName": "B", "InstanceType": "ml.c5.large", "InitialInstanceCount": 2, "InitialVariantWeight": 1.0},
]
RETAIN = {"RetainAllVariantProperties": True}


@pytest.mark.parametrize(
    ("request_", "count", "weight"),
    [
        ({}, 1, 1.0),
        ({"RetainAllVariantProperties": False}, 1, 1.0),
        (RETAIN, 3, 0.5),
        (RETAIN | {"ExcludeRetainedVariantProperties": [{"VariantPropertyType": "DesiredWeight"}]}, 3, 1.0),
        (RETAIN | {"ExcludeRetainedVariantProperties": [{"VariantPropertyType": "DesiredInstanceCount"}]}, 1, 0.5),
    ],
)
def test_an_update_keeps_what_is_to_be_retained_and_not_excluded(
    request_: dict[str, Any], count: int, weight: float
) -> None:
    first, second = updated(NOW, WANTED, request_)
    assert (first["InitialInstanceCount"], first["InitialVariantWeight"]) == (count, weight)
    assert first["InstanceType"] == "ml.c5.large"
    assert second == WANTED[1]


def test_an_update_from_serverless_has_no_count_to_retain() -> None:
    serverless = [{"VariantName": "A", "ServerlessConfig": {"MemorySizeInMB": 1024, "MaxConcurrency": 1}}]
    assert updated(serverless, WANTED, RETAIN) == WANTED


def test_a_change_of_capacity_concerns_the_variants_named_and_the_properties_given() -> None:
    first, second = resized(WANTED, [{"VariantName": "A", "DesiredInstanceCount": 5}])
    assert (first["InitialInstanceCount"], first["InitialVariantWeight"]) == (5, 1.0)
    assert second == WANTED[1]


def test_a_serverless_variant_is_described_by_its_memory_and_not_by_instances() -> None:
    said = summary({"VariantName": "A", "ServerlessConfig": {"MemorySizeInMB": 1024, "MaxConcurrency": 1}})
    assert said["CurrentServerlessConfig"] == {"MemorySizeInMB": 1024, "MaxConcurrency": 1}
    assert "CurrentInstanceCount" not in said
    assert summary(NOW[0])["CurrentInstanceCount"] == 3

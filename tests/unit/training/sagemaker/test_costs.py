"""What a request would cost."""

import datetime

import pytest

from training.sagemaker.costs import PRICES, endpoint_hourly, instance_cost, training_cost, variant_cost


def training(instance: str, seconds: int, *, spot: bool = False) -> dict[str, object]:
    return {
        "ResourceConfig": {"InstanceType": instance, "InstanceCount": 1},
        "StoppingCondition": {"MaxRuntimeInSeconds": seconds},
        "EnableManagedSpotTraining": spot,
    }


def test_the_table_is_dated_and_names_its_region() -> None:
    assert datetime.date.fromisoformat(PRICES["date"])
    assert PRICES["region"] == "us-east-1"
    assert all(price > 0 for price in PRICES["instance_hour"].values())


def test_every_price_has_one_page_that_it_comes_from() -> None:
    pages = PRICES["sources"]
    assert all(page.startswith("https://aws.amazon.com/") for page in pages)
    named = sorted(name for names in pages.values() for name in names)
    assert named == sorted(PRICES.keys() - {"date", "region", "currency", "source", "sources"})


def test_an_endpoint_costs_what_its_instances_of_now_do() -> None:
    config = {"ProductionVariants": [{"VariantName": "A", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}]}
    hour = PRICES["instance_hour"]["ml.m5.large"]
    now = {"ProductionVariants": [{"VariantName": "A", "CurrentInstanceCount": 3}]}
    assert endpoint_hourly(now, config, "us-east-1") == pytest.approx(3 * hour)
    assert endpoint_hourly({}, config, "us-east-1") == pytest.approx(hour)
    config["ProductionVariants"].append({"VariantName": "B", "InstanceType": "ml.u9.huge", "InitialInstanceCount": 1})
    assert endpoint_hourly(now, config, "us-east-1") is None


def test_instances_cost_their_price_times_their_number() -> None:
    assert instance_cost("ml.m5.large", 3, "us-east-1").hourly == pytest.approx(
        3 * PRICES["instance_hour"]["ml.m5.large"]
    )


def test_the_sentence_says_price_region_and_date() -> None:
    sentence = instance_cost("ml.m5.large", 1, "us-east-1").sentence
    assert f"${PRICES['instance_hour']['ml.m5.large']:.3f} an hour" in sentence
    assert PRICES["date"] in sentence
    assert "yours" not in sentence


def test_another_region_is_told_that_its_prices_may_differ() -> None:
    assert "yours, eu-west-1, may differ" in instance_cost("ml.m5.large", 1, "eu-west-1").sentence


def test_an_instance_that_the_table_lacks_has_no_price_but_a_place_to_look() -> None:
    cost = instance_cost("ml.u9.huge", 1, "us-east-1")
    assert cost.hourly is None
    assert PRICES["source"] in cost.sentence
    assert training_cost(training("ml.u9.huge", 60), "us-east-1") == cost


def test_a_job_costs_at_most_its_longest_run() -> None:
    hour = PRICES["instance_hour"]["ml.g4dn.xlarge"]
    assert f"at most ${hour / 2:.2f}" in training_cost(training("ml.g4dn.xlarge", 1800), "us-east-1").sentence


def test_a_spot_job_says_that_it_usually_costs_less() -> None:
    assert "spot" in training_cost(training("ml.m5.large", 60, spot=True), "us-east-1").sentence
    assert "spot" not in training_cost(training("ml.m5.large", 60), "us-east-1").sentence


def test_a_serverless_endpoint_costs_nothing_idle() -> None:
    cost = variant_cost({"ServerlessConfig": {"MemorySizeInMB": 2048, "MaxConcurrency": 5}}, "us-east-1")
    assert cost.hourly == 0
    assert f"${2 * PRICES['serverless_gb_second']:.5f} per second" in cost.sentence

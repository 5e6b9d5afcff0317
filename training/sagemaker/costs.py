"""What a request would cost, from one dated table of prices, `prices.json`."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PRICES = json.loads(Path(__file__).with_name("prices.json").read_text())
HOUR = 3600


@dataclass(frozen=True)
class Cost:
    """What something costs: `hourly` in USD, None where the table has no price, and a sentence about it."""

    hourly: float | None
    sentence: str


def training_cost(request: Mapping[str, Any], region: str) -> Cost:
    """Return what a CreateTrainingJob request would cost."""
    resources = request["ResourceConfig"]
    cost = instance_cost(resources["InstanceType"], resources["InstanceCount"], region)
    if cost.hourly is None:
        return cost
    hours = request["StoppingCondition"]["MaxRuntimeInSeconds"] / HOUR
    most = f"Training for at most {hours:g} h costs at most ${cost.hourly * hours:.2f}"
    spot = "; on spot instances usually less than half of it" if request.get("EnableManagedSpotTraining") else ""
    return Cost(cost.hourly, f"{most}{spot}: {cost.sentence}")


def variant_cost(variant: Mapping[str, Any], region: str) -> Cost:
    """Return what a production variant costs while it is deployed; `variant` is as CreateEndpointConfig takes it."""
    if "ServerlessConfig" in variant:
        gigabytes = variant["ServerlessConfig"]["MemorySizeInMB"] / 1024
        second = gigabytes * PRICES["serverless_gb_second"]
        return Cost(
            0.0,
            f"A serverless endpoint costs nothing while idle, and ${second:.5f} per second of work{_where(region)}.",
        )
    return instance_cost(variant["InstanceType"], variant["InitialInstanceCount"], region)


def instance_cost(instance_type: str, count: int, region: str) -> Cost:
    """Return what instances cost an hour."""
    price = PRICES["instance_hour"].get(instance_type)
    if price is None:
        return Cost(None, f"There is no price of {instance_type} in the table; see {PRICES['source']}.")
    return Cost(price * count, f"{count} x {instance_type} costs ${price * count:.3f} an hour{_where(region)}.")


def endpoint_hourly(described: Mapping[str, Any], config: Mapping[str, Any], region: str) -> float | None:
    """Return what an endpoint costs an hour with the instances that it has now, None where the table has no price.

    `described` and `config` are what DescribeEndpoint and DescribeEndpointConfig answer.
    """
    counts = {item["VariantName"]: item.get("CurrentInstanceCount") for item in described.get("ProductionVariants", ())}
    costs = []
    for variant in config["ProductionVariants"]:
        count = counts.get(variant["VariantName"]) or variant.get("InitialInstanceCount")
        costs.append(variant_cost({**variant, "InitialInstanceCount": count}, region).hourly)
    known = [cost for cost in costs if cost is not None]
    return sum(known) if len(known) == len(costs) else None


def _where(region: str) -> str:
    other = "" if region == PRICES["region"] else f"; yours, {region}, may differ"
    return f" ({PRICES['region']}, prices of {PRICES['date']}{other})"

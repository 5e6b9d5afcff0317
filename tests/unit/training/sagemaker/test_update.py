"""How an endpoint is updated."""

from typing import Any

import pytest

from tests.unit.training.service_model import complaints
from training.errors import DeployError
from training.sagemaker.update import Canary, deployment_config, update_request


@pytest.mark.parametrize(
    "canary", [Canary(), Canary(bake=60, alarms=("a",)), Canary(10, 300, ("a", "b")), Canary(50, 3600, ("a",) * 10)]
)
@pytest.mark.parametrize("keep_count", [True, False])
def test_botocore_takes_every_update(canary: Canary, keep_count: bool) -> None:
    assert complaints("UpdateEndpoint", update_request("ep", "c", canary, keep_count=keep_count)) == ""


def test_an_update_keeps_the_number_of_instances_and_nothing_else_where_that_is_wanted() -> None:
    kept = update_request("ep", "c", Canary(), keep_count=True)
    assert kept["RetainAllVariantProperties"]
    assert kept["ExcludeRetainedVariantProperties"] == [{"VariantPropertyType": "DesiredWeight"}]
    assert "RetainAllVariantProperties" not in update_request("ep", "c", Canary(), keep_count=False)


def test_a_canary_moves_a_part_first_and_is_watched_after_each_step() -> None:
    deployment = deployment_config(Canary(10, 300, ("errors", "latency")))
    policy = deployment["BlueGreenUpdatePolicy"]
    assert policy["TrafficRoutingConfiguration"] == {
        "Type": "CANARY",
        "WaitIntervalInSeconds": 300,
        "CanarySize": {"Type": "CAPACITY_PERCENT", "Value": 10},
    }
    assert policy["TerminationWaitInSeconds"] == 300
    alarms = deployment["AutoRollbackConfiguration"]["Alarms"]
    assert alarms == [{"AlarmName": "errors"}, {"AlarmName": "latency"}]


def test_an_update_without_a_canary_is_watched_too() -> None:
    deployment = deployment_config(Canary(bake=60, alarms=("errors",)))
    assert deployment["BlueGreenUpdatePolicy"]["TrafficRoutingConfiguration"] == {
        "Type": "ALL_AT_ONCE",
        "WaitIntervalInSeconds": 60,
    }
    assert deployment["AutoRollbackConfiguration"]["Alarms"] == [{"AlarmName": "errors"}]


@pytest.mark.parametrize("bake", [0, 3600])
def test_the_time_limit_is_longer_than_all_waits(bake: int) -> None:
    policy = deployment_config(Canary(10, bake, ("a",)))["BlueGreenUpdatePolicy"]
    waits = 2 * policy["TrafficRoutingConfiguration"]["WaitIntervalInSeconds"] + policy["TerminationWaitInSeconds"]
    assert policy["MaximumExecutionTimeoutInSeconds"] > waits


@pytest.mark.parametrize("wrong", [{"percent": 0}, {"percent": 51}, {"bake": -1}, {"bake": 3601}, {"alarms": "a" * 11}])
def test_what_sagemaker_would_refuse_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(DeployError):
        Canary(**wrong)

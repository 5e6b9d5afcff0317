"""Move an endpoint's traffic to another configuration, a part first, and back when an alarm goes off."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import boto3

from training.errors import DeployError

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch.type_defs import DimensionTypeDef, MetricAlarmTypeDef
    from mypy_boto3_sagemaker import SageMakerClient
    from mypy_boto3_sagemaker.type_defs import (
        BlueGreenUpdatePolicyTypeDef,
        DeploymentConfigUnionTypeDef,
        DescribeEndpointOutputTypeDef,
    )

PREVIOUS_TAG = "workflow-previous-config"
MOST_ALARMS = 10
CANARY_BAKE = 300


@dataclass(frozen=True)
class Canary:
    """How an update goes: `percent` of the capacity first, then, after `bake` seconds without an alarm, the rest.

    `percent` None moves everything at once. After the last step the old fleet stays for another `bake` seconds, so that
    an alarm can still take the update back.
    """

    percent: int | None = None
    bake: int = 0
    alarms: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what SageMaker would."""
        if self.percent is not None and not 1 <= self.percent <= 50:
            raise DeployError(f"A canary takes 1 to 50 percent of the capacity, not {self.percent}.")
        if not 0 <= self.bake <= 3600:
            raise DeployError(f"A bake time is 0 to 3600 seconds, not {self.bake}.")
        if len(self.alarms) > MOST_ALARMS:
            raise DeployError(f"An update is watched by {MOST_ALARMS} alarms at most, not {len(self.alarms)}.")


def update(
    sagemaker: "SageMakerClient",
    endpoint: str,
    config: str,
    canary: Canary,
    settle: "Callable[[], DescribeEndpointOutputTypeDef]",
) -> None:
    """Move the endpoint to the configuration; `settle` waits until it serves again.

    Raises:
        DeployError: the update was rolled back; with the reason.
    """
    before = settle()
    arn, earlier = before["EndpointArn"], _tag(sagemaker, before["EndpointArn"])
    # Written first: whoever interrupts the update can still go back.
    _set_tag(sagemaker, arn, before["EndpointConfigName"])
    sagemaker.update_endpoint(
        EndpointName=endpoint, EndpointConfigName=config, DeploymentConfig=deployment_config(canary)
    )
    after = settle()
    if after["EndpointConfigName"] != config:
        _set_tag(sagemaker, arn, earlier or "")
        reason = " ".join(after.get("FailureReason", "SageMaker gives no reason").split())
        raise DeployError(
            f"The update of {endpoint} was rolled back, and it serves {after['EndpointConfigName']} as before: {reason}"
        )


def alarms_of(endpoint: str) -> tuple[str, ...]:
    """Name the CloudWatch alarms that watch the endpoint, such as those of the app stack."""
    pages = boto3.client("cloudwatch").get_paginator("describe_alarms").paginate(AlarmTypes=["MetricAlarm"])
    wanted = {"Name": "EndpointName", "Value": endpoint}
    return tuple(alarm["AlarmName"] for page in pages for alarm in page["MetricAlarms"] if wanted in _watched(alarm))


def canary_of(endpoint: str, percent: int | None, bake: int | None, alarms: Sequence[str]) -> Canary:
    """Return how to update the endpoint, watched by the alarms named.

    A canary is watched by those of the endpoint where none is named, and bakes five minutes where `bake` is None. An
    update that moves at once isn't: it may be what ends the fault for which they ring.

    Raises:
        DeployError: nothing would take a bad canary back.
    """
    if percent is None:
        return Canary(None, bake or 0, tuple(alarms))
    found = tuple(alarms) or alarms_of(endpoint)[:MOST_ALARMS]
    if not found:
        raise DeployError(
            f"No CloudWatch alarm watches the endpoint {endpoint}, so nothing would take a bad canary back: "
            "deploy the app stack with its alarms, or name some with --alarm."
        )
    return Canary(percent, CANARY_BAKE if bake is None else bake, found)


def _watched(alarm: "MetricAlarmTypeDef") -> "list[DimensionTypeDef]":
    """The dimensions of an alarm's metric, or of all metrics that its expression takes."""
    metrics = [query["MetricStat"]["Metric"] for query in alarm.get("Metrics", ()) if "MetricStat" in query]
    return [*alarm.get("Dimensions", ()), *(one for metric in metrics for one in metric.get("Dimensions", ()))]


def deployment_config(canary: Canary) -> "DeploymentConfigUnionTypeDef":
    """Return how an update is carried out; UpdateEndpoint without it would drop the rollback in silence."""
    policy: BlueGreenUpdatePolicyTypeDef = {
        "TrafficRoutingConfiguration": {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": canary.bake},
        # A single step is watched in its own wait; a canary's last step needs one of its own.
        "TerminationWaitInSeconds": 0 if canary.percent is None else canary.bake,
        "MaximumExecutionTimeoutInSeconds": max(600, 3 * canary.bake + 1800),
    }
    if canary.percent is not None:
        policy["TrafficRoutingConfiguration"] = {
            "Type": "CANARY",
            "WaitIntervalInSeconds": canary.bake,
            "CanarySize": {"Type": "CAPACITY_PERCENT", "Value": canary.percent},
        }
    deployment: DeploymentConfigUnionTypeDef = {"BlueGreenUpdatePolicy": policy}
    if canary.alarms:
        deployment["AutoRollbackConfiguration"] = {"Alarms": [{"AlarmName": name} for name in canary.alarms]}
    return deployment


def previous_config(sagemaker: "SageMakerClient", endpoint: str) -> str | None:
    """Return the configuration that the endpoint had before its last update, None where it had none."""
    standing = sagemaker.describe_endpoint(EndpointName=endpoint)
    name = _tag(sagemaker, standing["EndpointArn"])
    return name if name != standing["EndpointConfigName"] else None


def _tag(sagemaker: "SageMakerClient", arn: str) -> str | None:
    tags = {tag["Key"]: tag["Value"] for tag in sagemaker.list_tags(ResourceArn=arn)["Tags"]}
    return tags.get(PREVIOUS_TAG) or None


def _set_tag(sagemaker: "SageMakerClient", arn: str, config: str) -> None:
    sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": PREVIOUS_TAG, "Value": config}])

"""Move an endpoint's traffic to another configuration, a part first, and roll it back when an alarm fires."""

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from training.errors import DeployError
from training.sagemaker.alarms import alarms_of, in_alarm
from training.sagemaker.scaling import is_scaled, without_scaling

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient
    from mypy_boto3_sagemaker.type_defs import (
        BlueGreenUpdatePolicyTypeDef,
        DeploymentConfigUnionTypeDef,
        DescribeEndpointOutputTypeDef,
        UpdateEndpointInputTypeDef,
    )

PREVIOUS_TAG = "workflow-previous-config"
MOST_ALARMS = 10
CANARY_BAKE = 300


@dataclass(frozen=True)
class Canary:
    """How an update goes: `percent` of the capacity first, then, after `bake` seconds without an alarm, the rest.

    `percent` None moves everything at once. After the last step the old fleet stays for another `bake` seconds, so that
    an alarm can still roll the update back. `ignored` are alarms that were left out because they are in ALARM already.
    """

    percent: int | None = None
    bake: int = 0
    alarms: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()

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
    *,
    keep_count: bool,
) -> None:
    """Move the endpoint to the configuration; `settle` waits until it serves again.

    With `keep_count`, an endpoint that is scaled keeps the number of instances that it has now; otherwise the
    configuration says how many there are. Scaling is as before afterwards, also where the update failed.

    Raises:
        DeployError: the update was rolled back; with the reason.
    """
    before = settle()
    arn, earlier = before["EndpointArn"], _tag(sagemaker, before["EndpointArn"])
    request = update_request(endpoint, config, canary, keep_count=keep_count and is_scaled(endpoint))
    changes_type = _instance_types(sagemaker, before["EndpointConfigName"]) != _instance_types(sagemaker, config)
    with without_scaling(endpoint) if changes_type else nullcontext():
        # Written first: whoever interrupts the update can still go back.
        _set_tag(sagemaker, arn, before["EndpointConfigName"])
        sagemaker.update_endpoint(**request)
        after = settle()
    if after["EndpointConfigName"] != config:
        _set_tag(sagemaker, arn, earlier or "")
        reason = " ".join(after.get("FailureReason", "SageMaker gives no reason").split())
        raise DeployError(
            f"The update of {endpoint} was rolled back, and it serves {after['EndpointConfigName']} as before: {reason}"
        )


def canary_of(
    endpoint: str, percent: int | None, bake: int | None, alarms: Sequence[str], *, ignore_alarms: bool = False
) -> Canary:
    """Return how to update the endpoint, watched by the alarms named.

    A canary is watched by those of the endpoint where none is named, and bakes five minutes where `bake` is None. An
    update that moves at once isn't: it may be what ends the fault for which they fire. With `ignore_alarms`, those that
    are in ALARM now are left out.

    Raises:
        DeployError: an alarm is in ALARM, which would end the update at once, or nothing would roll a bad canary back.
    """
    found = tuple(alarms)
    if percent is not None:
        bake = CANARY_BAKE if bake is None else bake
        found = found or alarms_of(endpoint)[:MOST_ALARMS]
        if not found:
            raise DeployError(
                f"No CloudWatch alarm watches the endpoint {endpoint}, so nothing would roll a bad canary back: "
                "deploy the app stack with its alarms, or name some with --alarm."
            )
    firing = in_alarm(found)
    if firing and not ignore_alarms:
        raise DeployError(
            f"In ALARM now: {', '.join(firing)}. SageMaker would roll the update back at once, even if it brings the "
            "fix: wait until the alarm is over, or give --ignore-alarms to leave out alarms that are in ALARM."
        )
    left = tuple(name for name in found if name not in firing)
    if percent is not None and not left:
        raise DeployError(
            f"Every alarm that would watch the canary is in ALARM ({', '.join(firing)}), so none is left to roll it "
            "back: deploy without --canary, or name another alarm with --alarm."
        )
    return Canary(percent, bake or 0, left, firing)


def update_request(endpoint: str, config: str, canary: Canary, *, keep_count: bool) -> "UpdateEndpointInputTypeDef":
    """Return what UpdateEndpoint takes; with `keep_count`, the number of instances isn't the configuration's.

    Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_UpdateEndpoint.html
    """
    request: UpdateEndpointInputTypeDef = {
        "EndpointName": endpoint,
        "EndpointConfigName": config,
        "DeploymentConfig": deployment_config(canary),
    }
    if keep_count:
        request["RetainAllVariantProperties"] = True
        request["ExcludeRetainedVariantProperties"] = [{"VariantPropertyType": "DesiredWeight"}]
    return request


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
    current = sagemaker.describe_endpoint(EndpointName=endpoint)
    name = _tag(sagemaker, current["EndpointArn"])
    return name if name != current["EndpointConfigName"] else None


def is_serverless(current: "DescribeEndpointOutputTypeDef") -> bool:
    """Whether the endpoint serves without instances."""
    return any("CurrentServerlessConfig" in variant for variant in current.get("ProductionVariants", ()))


def _instance_types(sagemaker: "SageMakerClient", config: str) -> dict[str, str | None]:
    """Return the instance type of each variant, None for a serverless one; none where the configuration is gone."""
    try:
        variants = sagemaker.describe_endpoint_config(EndpointConfigName=config)["ProductionVariants"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "ValidationException":
            raise
        return {}  # Somebody deleted it under the endpoint.
    return {variant["VariantName"]: variant.get("InstanceType") for variant in variants}


def _tag(sagemaker: "SageMakerClient", arn: str) -> str | None:
    tags = {tag["Key"]: tag["Value"] for tag in sagemaker.list_tags(ResourceArn=arn)["Tags"]}
    return tags.get(PREVIOUS_TAG) or None


def _set_tag(sagemaker: "SageMakerClient", arn: str, config: str) -> None:
    sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": PREVIOUS_TAG, "Value": config}])

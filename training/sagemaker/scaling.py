"""Let an endpoint grow and shrink with its load."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import boto3

from training.errors import DeployError
from training.sagemaker.endpoint import VARIANT

DIMENSION = "sagemaker:variant:DesiredInstanceCount"
NAMESPACE = "sagemaker"
POLICY = (
    "PolicyName",
    "PolicyType",
    "TargetTrackingScalingPolicyConfiguration",
    "StepScalingPolicyConfiguration",
    "PredictiveScalingPolicyConfiguration",
)


@dataclass(frozen=True)
class Scaling:
    """From how many instances to how many, so that each has about `target` invocations a minute."""

    most: int
    least: int = 1
    target: float = 600.0

    def __post_init__(self) -> None:
        """Refuse what Application Auto Scaling would."""
        if not 1 <= self.least <= self.most:
            raise DeployError(f"An endpoint scales from one instance or more up, not from {self.least} to {self.most}.")
        if self.target <= 0:
            raise DeployError(f"The invocations a minute and instance must be above 0, not {self.target:g}.")


def apply_scaling(endpoint: str, scaling: Scaling | None) -> None:
    """Make the endpoint scale so, or, with None, not at all; the same call again changes nothing."""
    client, where = _client(), _where(endpoint)
    if scaling is None:
        if is_scaled(endpoint):
            client.deregister_scalable_target(**where)
        return
    client.register_scalable_target(**where, MinCapacity=scaling.least, MaxCapacity=scaling.most)
    client.put_scaling_policy(
        **where,
        PolicyName=f"{endpoint}-invocations",
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration={
            "TargetValue": scaling.target,
            "PredefinedMetricSpecification": {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"},
        },
    )


def is_scaled(endpoint: str) -> bool:
    """Whether the endpoint's instances are scaled."""
    return _registered(endpoint) is not None


def scaling_of(endpoint: str) -> Scaling | None:
    """Return how the endpoint scales, None where it doesn't, or not by a policy of `apply_scaling`'s kind."""
    registered = _registered(endpoint)
    if registered is None:
        return None
    policies = _client().describe_scaling_policies(**_where(endpoint))["ScalingPolicies"]
    tracking = [one.get("TargetTrackingScalingPolicyConfiguration") for one in policies]
    targets = [float(one["TargetValue"]) for one in tracking if one]
    return Scaling(registered["MaxCapacity"], registered["MinCapacity"], targets[0]) if targets else None


@contextmanager
def without_scaling(endpoint: str) -> Iterator[None]:
    """Deregister the endpoint from scaling while the block runs; register it again with its limits and policies after.

    UpdateEndpoint fails where it changes the instance type of a registered variant:
    https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-scaling-update.html. The endpoint is registered again
    however the block ends; only a killed process leaves it without scaling, until the next deployment that asks for it.
    """
    registered = _registered(endpoint)
    if registered is None:
        yield
        return
    client, where = _client(), _where(endpoint)
    # They are deleted with the registration.
    policies = client.describe_scaling_policies(**where)["ScalingPolicies"]
    client.deregister_scalable_target(**where)
    try:
        yield
    finally:
        limits = {name: registered[name] for name in ("MinCapacity", "MaxCapacity")}
        client.register_scalable_target(**where, **limits)
        for policy in policies:
            client.put_scaling_policy(**where, **{name: policy[name] for name in POLICY if name in policy})


def _client() -> Any:
    return boto3.client("application-autoscaling")  # its types are no dependency of ours


def _where(endpoint: str) -> dict[str, str]:
    resource = f"endpoint/{endpoint}/variant/{VARIANT}"
    return {"ServiceNamespace": NAMESPACE, "ResourceId": resource, "ScalableDimension": DIMENSION}


def _registered(endpoint: str) -> dict[str, Any] | None:
    """Return the scalable target that the endpoint is registered as, None where it isn't."""
    where = _where(endpoint)
    resource = where.pop("ResourceId")
    found = _client().describe_scalable_targets(**where, ResourceIds=[resource])["ScalableTargets"]
    return found[0] if found else None

"""Let an endpoint grow and shrink with its load."""

from dataclasses import dataclass
from typing import Any

import boto3

from training.endpoint import VARIANT
from training.errors import DeployError

DIMENSION = "sagemaker:variant:DesiredInstanceCount"
NAMESPACE = "sagemaker"


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
    client: Any = boto3.client("application-autoscaling")  # its types are no dependency of ours
    resource = f"endpoint/{endpoint}/variant/{VARIANT}"
    where = {"ServiceNamespace": NAMESPACE, "ResourceId": resource, "ScalableDimension": DIMENSION}
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
    client: Any = boto3.client("application-autoscaling")
    resource = f"endpoint/{endpoint}/variant/{VARIANT}"
    found = client.describe_scalable_targets(ServiceNamespace=NAMESPACE, ResourceIds=[resource])["ScalableTargets"]
    return bool(found)

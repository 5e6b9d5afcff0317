"""What SageMaker refuses though a request is well-formed."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from local.errors import LocalError
from local.sagemaker.alarms import Alarms
from local.sagemaker.training_jobs import DEFAULT_MAX_RUNTIME
from training.sagemaker.costs import PRICES

# As in a new account, the quota of the large GPU instances is none.
WITHOUT_QUOTA = re.compile(r"ml\.(p\d|trn\d)")
# Of all others; how many really run is for this machine to say.
QUOTA = 20
USAGES = ("training job", "endpoint")


class ServiceError(LocalError):
    """An error of the service as it goes over the wire: its code and its message."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def check_role(role_arn: str, known: str) -> None:
    """Refuse a role that can't be assumed: there is only the one known."""
    if role_arn != known:
        message = f"Could not assume role {role_arn}. Please ensure that the role exists; here it is {known}."
        raise ServiceError("ValidationException", message)


def quota_of(instance_type: str) -> int:
    """Return how many instances of a type the account may have for each usage."""
    return 0 if WITHOUT_QUOTA.match(instance_type) else QUOTA


def list_quotas(service: str) -> dict[str, Any]:
    """Return what ListServiceQuotas answers: those of the instance types that have a price."""
    names = [f"{kind} for {usage} usage" for kind in PRICES["instance_hour"] for usage in USAGES]
    quotas = [{"ServiceCode": service, "QuotaName": name, "Value": float(quota_of(name.split()[0]))} for name in names]
    return {"Quotas": quotas if service == "sagemaker" else []}


def check_quota(instance_type: str, usage: str) -> None:
    """Refuse an instance type of which the account may have none; `usage` is training job or endpoint."""
    if instance_type and not quota_of(instance_type):
        message = (
            f"The account-level service limit '{instance_type} for {usage} usage' is 0 Instances, with current "
            "utilization of 0 Instances and a request delta of 1 Instances."
        )
        raise ServiceError("ResourceLimitExceeded", message)


def check_spot(request: dict[str, Any]) -> None:
    """Refuse a spot job that doesn't wait at least as long as it may run."""
    times = request.get("StoppingCondition", {})
    wait, run = times.get("MaxWaitTimeInSeconds", 0), times.get("MaxRuntimeInSeconds", DEFAULT_MAX_RUNTIME)
    if request.get("EnableManagedSpotTraining") and wait < run:
        message = "MaxWaitTimeInSeconds must be present and be greater than or equal to MaxRuntimeInSeconds."
        raise ServiceError("ValidationException", message)


def check_serverless(config: Mapping[str, Any], models: Sequence[Mapping[str, Any]]) -> None:
    """Refuse a configuration that gives a serverless variant what serverless inference excludes.

    These are data capture, a variant beside it, and a model with network isolation:
    https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints.html.
    """
    variants = config["ProductionVariants"]
    if not any("ServerlessConfig" in variant for variant in variants):
        return
    excluded = {
        "DataCaptureConfig": config.get("DataCaptureConfig", {}).get("EnableCapture"),
        "More than one production variant": len(variants) > 1,
        "Network isolation": any(model.get("EnableNetworkIsolation") for model in models),
    }
    for what, asked in excluded.items():
        if asked:
            raise ServiceError("ValidationException", f"{what} is not supported with ServerlessConfig.")


def check_update(
    arn: str, now: Sequence[Mapping[str, Any]], wanted: Sequence[Mapping[str, Any]], scaled: set[str]
) -> None:
    """Refuse an update of an endpoint's variants that SageMaker or Application Auto Scaling refuses.

    An endpoint on instances never becomes serverless:
    https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints.html. A variant that is scaled, named in
    `scaled`, keeps its instance type and isn't removed:
    https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-scaling-update.html.
    """
    serverless = any("ServerlessConfig" in variant for variant in wanted)
    if serverless and not any("ServerlessConfig" in variant for variant in now):
        message = f'Cannot update endpoint "{arn}" from instances to a serverless configuration.'
        raise ServiceError("ValidationException", message)
    types = {variant["VariantName"]: variant.get("InstanceType") for variant in wanted}
    for variant in now:
        name = variant["VariantName"]
        if name in scaled and types.get(name) != variant.get("InstanceType"):
            message = (
                f"The variant {name} is registered as a scalable target; deregister it before an update that changes "
                "its instance type or removes it."
            )
            raise ServiceError("ValidationException", message)


def check_deployment(deployment: dict[str, Any], variants: list[dict[str, Any]], alarms: Alarms) -> None:
    """Refuse a deployment configuration with an unknown alarm or too large a canary for its instances."""
    names = [alarm["AlarmName"] for alarm in deployment.get("AutoRollbackConfiguration", {}).get("Alarms", ())]
    if missing := sorted(set(names) - alarms.known(names)):
        raise ServiceError("ValidationException", f"Could not find the alarms {', '.join(missing)}.")
    routing = deployment.get("BlueGreenUpdatePolicy", {}).get("TrafficRoutingConfiguration", {})
    if size := routing.get("CanarySize"):
        instances = sum(variant.get("InitialInstanceCount", 2) for variant in variants)
        if size["Value"] > 50 or instances < 2:
            message = "CanarySize must be less than or equal to 50% of the variant's total instance count."
            raise ServiceError("ValidationException", message)

"""What SageMaker refuses though a request is well-formed: roles, quotas, spot times and deployments."""

import re
from typing import Any

from local.alarms import Alarms
from local.errors import LocalError
from local.training_jobs import DEFAULT_MAX_RUNTIME

# As in a new account, the quota of the large GPU instances is none.
WITHOUT_QUOTA = re.compile(r"ml\.(p\d|trn\d)")


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


def check_quota(instance_type: str, usage: str) -> None:
    """Refuse an instance type of which the account may have none; `usage` is training job or endpoint."""
    if WITHOUT_QUOTA.match(instance_type):
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

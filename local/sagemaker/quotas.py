"""The account's quotas for instances, and what SageMaker refuses because of them."""

import re
from typing import Any

from local.sagemaker.errors import SageMakerError
from training.sagemaker.costs import PRICES

# As in a new account, the quota of the large GPU instances is 0.
WITHOUT_QUOTA = re.compile(r"ml\.(p\d|trn\d)")
# Of every other type; this machine decides how many really run.
QUOTA = 20
USAGES = ("training job", "endpoint")


def quota_of(instance_type: str) -> int:
    """Return how many instances of a type the account may have for each usage."""
    return 0 if WITHOUT_QUOTA.match(instance_type) else QUOTA


def list_quotas(service: str) -> dict[str, Any]:
    """Return what ListServiceQuotas answers: the quotas of the instance types that have a price."""
    names = [f"{kind} for {usage} usage" for kind in PRICES["instance_hour"] for usage in USAGES]
    quotas = [{"ServiceCode": service, "QuotaName": name, "Value": float(quota_of(name.split()[0]))} for name in names]
    return {"Quotas": quotas if service == "sagemaker" else []}


def check_quota(instance_type: str, usage: str) -> None:
    """Refuse an instance type of which the account may have none; `usage` is one of USAGES."""
    if instance_type and not quota_of(instance_type):
        message = (
            f"The account-level service limit '{instance_type} for {usage} usage' is 0 Instances, with current "
            "utilization of 0 Instances and a request delta of 1 Instances."
        )
        raise SageMakerError("ResourceLimitExceeded", message)

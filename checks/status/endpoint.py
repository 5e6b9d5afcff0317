"""The endpoint: whether it serves, what it costs, and which release it serves."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from checks.status.section import NothingYet
from monitoring.quality.verdict import Finding, Level
from training.sagemaker.costs import endpoint_hourly
from training.sagemaker.endpoint import DATASET_TAG, JOB_TAG, RELEASE_TAG

SERVERLESS = "serverless"
# What an endpoint is while it changes, and while it serves and rolls back.
CHANGING = {"Creating", "Updating", "SystemUpdating", "RollingBack", "Deleting"}


@dataclass(frozen=True)
class Served:
    """The model behind an endpoint, by its tags; None where it has none of that name."""

    model: str
    release: str | None
    training_job: str | None
    dataset: str | None


@dataclass(frozen=True)
class EndpointState:
    """An endpoint.

    Attributes:
        name: of the endpoint.
        status: InService, Creating, Updating, Failed and so on, as SageMaker names it.
        reason: why it failed, or why its last update was rolled back; None where neither happened.
        kind: `instances` or `serverless`.
        capacity: instances and their type, or memory and concurrency, in words.
        variants: names of its production variants.
        since: when it was created or changed last.
        hourly: USD an hour while nothing is asked; None where the table has no price.
        served: the model of its first variant; None where that was deleted.
    """

    name: str
    status: str
    reason: str | None
    kind: str
    capacity: str
    variants: tuple[str, ...]
    since: datetime
    hourly: float | None
    served: Served | None

    @property
    def findings(self) -> tuple[Finding, ...]:
        """How the endpoint is, and what it serves."""
        cost = "its price is unknown" if self.hourly is None else f"${self.hourly:.3f} an hour"
        cost = "free while idle" if self.kind == SERVERLESS else cost
        text = f"{self.name} has been {self.status} since {self.since:%Y-%m-%d %H:%M} UTC: {self.capacity}, {cost}"
        text += f"; variant {', '.join(self.variants)}." + (f" {self.reason}" if self.reason else "")
        level = Level.NOTICE if self.status in CHANGING else Level.BAD
        if self.status == "InService" and not self.reason:
            level = Level.GOOD
        return Finding(level, text), self._serves

    @property
    def _serves(self) -> Finding:
        if self.served is None:
            return Finding(Level.BAD, "The model that it serves was deleted; deploy again by `workflow deploy`.")
        served = self.served
        if served.training_job is None:
            return Finding(Level.NOTICE, f"It serves {served.model}, which `workflow deploy` did not make.")
        release = f"release {served.release}" if served.release else "a model without a release"
        return Finding(Level.GOOD, f"It serves {release}, trained on {served.dataset} by {served.training_job}.")


def endpoint_state(sagemaker: Any, name: str) -> EndpointState:
    """Describe an endpoint.

    Raises:
        NothingYet: there is none of that name.
    """
    try:
        described = sagemaker.describe_endpoint(EndpointName=name)
    except ClientError as error:
        if "Could not find" not in str(error):
            raise
        raise NothingYet(f"There is no endpoint {name}; `workflow deploy` creates it.") from error
    config = sagemaker.describe_endpoint_config(EndpointConfigName=described["EndpointConfigName"])
    first, now = config["ProductionVariants"][0], described.get("ProductionVariants", ())
    kind, capacity = _capacity(first, now)
    return EndpointState(
        name=name,
        status=described["EndpointStatus"],
        reason=described.get("FailureReason"),
        kind=kind,
        capacity=capacity,
        variants=tuple(one["VariantName"] for one in now or config["ProductionVariants"]),
        since=described["LastModifiedTime"].astimezone(UTC),
        hourly=endpoint_hourly(described, config, sagemaker.meta.region_name),
        served=_served(sagemaker, first["ModelName"]),
    )


def _capacity(variant: Any, now: Any) -> tuple[str, str]:
    if serverless := variant.get("ServerlessConfig"):
        return SERVERLESS, f"serverless, {serverless['MemorySizeInMB']} MB, {serverless['MaxConcurrency']} at once"
    count = next((one["CurrentInstanceCount"] for one in now if "CurrentInstanceCount" in one), None)
    return "instances", f"{count or variant['InitialInstanceCount']} x {variant['InstanceType']}"


def _served(sagemaker: Any, model: str) -> Served | None:
    try:
        arn = sagemaker.describe_model(ModelName=model)["ModelArn"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "ValidationException":
            raise
        return None
    tags = {one["Key"]: one["Value"] for one in sagemaker.list_tags(ResourceArn=arn)["Tags"]}
    return Served(model, *(tags.get(key) for key in (RELEASE_TAG, JOB_TAG, DATASET_TAG)))

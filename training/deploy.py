"""Deploy a model to a new or an existing endpoint, and wait until it serves."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import boto3
from rich.console import Console

from training.errors import DeployError
from training.model import Model
from training.sagemaker.aws_errors import with_advice
from training.sagemaker.endpoint import OWNER_TAG, EndpointOptions, config_request, model_request
from training.sagemaker.listing import is_deleted, listed, wait_until_gone
from training.sagemaker.polling import pauses
from training.sagemaker.scaling import Scaling, apply_scaling
from training.sagemaker.update import Canary, is_serverless, previous_config, update

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient
    from mypy_boto3_sagemaker.type_defs import (
        CreateEndpointConfigInputTypeDef,
        CreateModelInputTypeDef,
        DescribeEndpointOutputTypeDef,
    )


@dataclass(frozen=True)
class Deployment:
    """What is deployed: the endpoint, its configuration and model, and whether this call changed anything."""

    endpoint: str
    config: str
    model: str
    labels: tuple[str, ...]
    changed: bool


def deploy(
    model: Model,
    *,
    endpoint_name: str,
    bucket: str,
    role_arn: str,
    options: EndpointOptions | None = None,
    canary: Canary | None = None,
    scaling: Scaling | None = None,
    by_package: bool = False,
    before_change: Callable[[], object] | None = None,
) -> Deployment:
    """Make the endpoint serve the model; captured requests go to `capture/<endpoint>/<variant>/` in `bucket`.

    Resources that already exist as requested are kept, so the next deployment finishes one that was interrupted.
    An endpoint that serves something else is updated: `canary` says how the traffic moves and what rolls it back.
    Without `scaling` the number of instances stays as the options say. With `by_package` the model is made from its
    package in the model registry, which must be approved. `before_change` is called when nothing speaks against the
    deployment and before the endpoint is touched.

    Raises:
        DeployError: the endpoint's name is taken, it runs on instances and should become serverless, it failed, or its
            update was rolled back; with SageMaker's reason.
    """
    options, canary = options or EndpointOptions(), canary or Canary()
    if canary.percent is not None and options.serverless_memory is None and options.instances < 2:
        raise DeployError("A canary takes at most half of the instances, so it needs two or more: give --instances 2.")
    if scaling and options.serverless_memory is not None:
        raise DeployError("A serverless endpoint scales by itself; leave --autoscale out.")
    new_model, new_config = plan(model, endpoint_name, bucket, role_arn, options, by_package=by_package)
    sagemaker = boto3.client("sagemaker")
    if is_deleted(sagemaker, endpoint_name):
        # One that has just expired keeps its name until it is gone.
        wait_until_gone(sagemaker, endpoint_name)
    owned = _is_owned(sagemaker, endpoint_name)
    if owned is False:
        raise DeployError(
            f"The name {endpoint_name} is taken by an endpoint that this project didn't deploy; choose another, or tag "
            f"that one with {OWNER_TAG}={endpoint_name}."
        )
    current = settle(sagemaker, endpoint_name, failed_too=True) if owned else None
    if current and current["EndpointStatus"] != "Failed" and options.serverless_memory is not None:
        _check_serverless(current)
    if not _model_exists(sagemaker, new_model["ModelName"]):
        sagemaker.create_model(**new_model)
    if not _config_exists(sagemaker, new_config["EndpointConfigName"]):
        sagemaker.create_endpoint_config(**new_config)
    if before_change:
        before_change()
    config = new_config["EndpointConfigName"]
    changed = current is not None and _update(sagemaker, current, config, canary, keep_count=scaling is not None)
    if not _is_owned(sagemaker, endpoint_name):
        _create(sagemaker, endpoint_name, config, options)
        changed = True
    apply_scaling(endpoint_name, scaling)
    return Deployment(endpoint_name, config, new_model["ModelName"], model.labels, changed)


def plan(
    model: Model,
    endpoint_name: str,
    bucket: str,
    role_arn: str,
    options: EndpointOptions,
    *,
    by_package: bool = False,
) -> "tuple[CreateModelInputTypeDef, CreateEndpointConfigInputTypeDef]":
    """Return the requests that make the model and the configuration; nothing is asked of AWS.

    Raises:
        DeployError: the endpoint's name can't be one.
    """
    new_model = model_request(model, endpoint_name, role_arn, options, by_package=by_package)
    return new_model, config_request(new_model["ModelName"], endpoint_name, bucket, options)


def rollback(endpoint_name: str, canary: Canary | None = None) -> str:
    """Return the endpoint to the configuration that it had before its last update, and give that one's name.

    No alarm watches this unless `canary` names it: those that made it necessary are still in ALARM. An endpoint that is
    scaled keeps its scaling and the number of its instances.

    Raises:
        DeployError: there is no such endpoint, it had no configuration before, or a serverless one.
    """
    sagemaker = boto3.client("sagemaker")
    if not _is_owned(sagemaker, endpoint_name):
        raise DeployError(f"There is no endpoint {endpoint_name} to roll back.")
    current = settle(sagemaker, endpoint_name)
    config = previous_config(sagemaker, endpoint_name)
    if config is None:
        raise DeployError(f"The endpoint {endpoint_name} has had no other configuration to go back to.")
    variants = sagemaker.describe_endpoint_config(EndpointConfigName=config)["ProductionVariants"]
    if any("ServerlessConfig" in variant for variant in variants):
        _check_serverless(current)
    update(
        sagemaker,
        endpoint_name,
        config,
        canary or Canary(),
        lambda: settle(sagemaker, endpoint_name),
        keep_count=True,
    )
    return config


def _check_serverless(current: "DescribeEndpointOutputTypeDef") -> None:
    """Refuse to update an endpoint with instances to serverless, as SageMaker does.

    Source: https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints.html
    """
    if not is_serverless(current):
        endpoint = current["EndpointName"]
        raise DeployError(
            f"The endpoint {endpoint} runs on instances, and SageMaker can't update it to a serverless configuration, "
            "not even to roll back: deploy to another name with --endpoint, or delete this one first with "
            f"`workflow teardown --endpoint {endpoint}`."
        )


def _update(
    sagemaker: "SageMakerClient",
    current: "DescribeEndpointOutputTypeDef",
    config: str,
    canary: Canary,
    *,
    keep_count: bool,
) -> bool:
    """Move an existing endpoint to the configuration, or delete it where it failed; return whether anything changed."""
    endpoint = current["EndpointName"]
    if current["EndpointStatus"] == "Failed":
        # A failed endpoint can only be deleted.
        sagemaker.delete_endpoint(EndpointName=endpoint)
        wait_until_gone(sagemaker, endpoint)
    elif current["EndpointConfigName"] == config:
        return False
    else:
        update(sagemaker, endpoint, config, canary, lambda: settle(sagemaker, endpoint), keep_count=keep_count)
    return True


def _create(sagemaker: "SageMakerClient", endpoint: str, config: str, options: EndpointOptions) -> None:
    tags = {OWNER_TAG: endpoint, **options.tags}
    sagemaker.create_endpoint(
        EndpointName=endpoint,
        EndpointConfigName=config,
        Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
    )
    settle(sagemaker, endpoint)


def settle(sagemaker: "SageMakerClient", endpoint: str, *, failed_too: bool = False) -> "DescribeEndpointOutputTypeDef":
    """Wait until the endpoint's status is final, and return its description."""
    with Console(stderr=True, force_jupyter=False).status(f"The endpoint {endpoint} …") as status:
        for waited in pauses():
            current = sagemaker.describe_endpoint(EndpointName=endpoint)
            state = current["EndpointStatus"]
            if state == "InService" or (state == "Failed" and failed_too):
                return current
            if state in {"Failed", "OutOfService", "UpdateRollbackFailed"}:
                reason = with_advice(current.get("FailureReason", "SageMaker gives no reason"))
                raise DeployError(f"The endpoint {endpoint} is {state}: {reason}")
            status.update(f"The endpoint {endpoint} has been {state} for {waited:.0f} s")
    raise AssertionError("pauses() never ends")


def _is_owned(sagemaker: "SageMakerClient", endpoint: str) -> bool | None:
    """Whether this project deployed the endpoint; None if there is no such endpoint."""
    found = listed(sagemaker, endpoint)
    if found is None:
        return None
    tags = sagemaker.list_tags(ResourceArn=found["EndpointArn"])["Tags"]
    return any(tag["Key"] == OWNER_TAG for tag in tags)


def _model_exists(sagemaker: "SageMakerClient", name: str) -> bool:
    pages = sagemaker.get_paginator("list_models").paginate(NameContains=name)
    return any(item["ModelName"] == name for page in pages for item in page["Models"])


def _config_exists(sagemaker: "SageMakerClient", name: str) -> bool:
    pages = sagemaker.get_paginator("list_endpoint_configs").paginate(NameContains=name)
    return any(item["EndpointConfigName"] == name for page in pages for item in page["EndpointConfigs"])

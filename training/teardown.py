"""List what was deployed and what it costs, and delete it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import boto3
from botocore.exceptions import ClientError

from contracts.layout import Prefix
from training.deploy import settle
from training.errors import DeployError
from training.registry import delete_group, groups_of
from training.sagemaker.costs import endpoint_hourly
from training.sagemaker.endpoint import OWNER_TAG
from training.sagemaker.expiry import cancel_expiry, expiry_of
from training.sagemaker.listing import is_deleted, wait_until_gone
from training.sagemaker.scaling import apply_scaling, is_scaled

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sagemaker import SageMakerClient

Kind = Literal["expiry", "endpoint", "endpoint configuration", "model", "autoscaling", "model package group", "data"]


@dataclass(frozen=True)
class Resource:
    """One deployed thing; `hourly` in USD, None where the table of prices doesn't say.

    The name of data is a prefix of the bucket; `objects` counts its objects, with all versions and delete markers.
    """

    kind: Kind
    name: str
    hourly: float | None
    objects: int = 0


def list_resources(endpoint: str, bucket: str | None = None) -> list[Resource]:
    """List what was deployed for an endpoint, in the order in which it can be deleted.

    With a bucket, what the workflow wrote there and what was uploaded to it is listed too, of every endpoint, and the
    groups of the model registry whose models are in it.
    """
    sagemaker = boto3.client("sagemaker")
    found = [Resource("expiry", endpoint, 0.0)] if expiry_of(endpoint) else []
    if is_scaled(endpoint):
        found.append(Resource("autoscaling", endpoint, 0.0))
    for name, arn in _named(sagemaker, "list_endpoints", "Endpoints", "Endpoint", endpoint):
        if name == endpoint and _is_of(sagemaker, arn, endpoint):
            found.append(Resource("endpoint", name, _hourly(sagemaker, name)))
    for name, arn in _named(sagemaker, "list_endpoint_configs", "EndpointConfigs", "EndpointConfig", endpoint):
        if _is_of(sagemaker, arn, endpoint):
            found.append(Resource("endpoint configuration", name, 0.0))
    for name, arn in _named(sagemaker, "list_models", "Models", "Model", endpoint):
        if _is_of(sagemaker, arn, endpoint):
            found.append(Resource("model", name, 0.0))
    if bucket:
        found += [Resource("model package group", name, 0.0) for name in groups_of(bucket)]
        s3 = boto3.client("s3")
        counts = {prefix: sum(1 for _ in _versions(s3, bucket, prefix)) for prefix in Prefix}
        found += [Resource("data", prefix, None, count) for prefix, count in counts.items() if count]
    return found


def teardown(found: list[Resource], bucket: str | None = None) -> None:
    """Delete what `list_resources` listed, in its order; what is gone meanwhile is no error.

    Raises:
        DeployError: data is to be deleted, and no bucket is named.
    """
    sagemaker = boto3.client("sagemaker")
    for thing in found:
        if thing.kind == "expiry":
            cancel_expiry(thing.name)
        elif thing.kind == "autoscaling":
            apply_scaling(thing.name, None)
        elif thing.kind == "endpoint":
            _delete_endpoint(sagemaker, thing.name)
        elif thing.kind == "endpoint configuration":
            sagemaker.delete_endpoint_config(EndpointConfigName=thing.name)
        elif thing.kind == "model":
            sagemaker.delete_model(ModelName=thing.name)
        elif thing.kind == "model package group":
            delete_group(thing.name)
        elif bucket:
            _delete_data(boto3.client("s3"), bucket, thing.name)
        else:
            raise DeployError("To delete data, name the bucket that holds it.")


def _named(
    sagemaker: "SageMakerClient", operation: str, key: str, kind: str, endpoint: str
) -> Iterator[tuple[str, str]]:
    """Yield name and ARN of what belongs to the endpoint by its name."""
    pages = sagemaker.get_paginator(operation).paginate(NameContains=endpoint)  # type: ignore[call-overload]  # one of three operations that page alike
    for page in pages:
        for item in page[key]:
            name = item[f"{kind}Name"]
            if name == endpoint or name.startswith(f"{endpoint}-"):
                yield name, item[f"{kind}Arn"]


def _is_of(sagemaker: "SageMakerClient", arn: str, endpoint: str) -> bool:
    tags = sagemaker.list_tags(ResourceArn=arn)["Tags"]
    return {"Key": OWNER_TAG, "Value": endpoint} in tags


def _hourly(sagemaker: "SageMakerClient", endpoint: str) -> float | None:
    """What the endpoint costs an hour with the instances that it has now."""
    described = sagemaker.describe_endpoint(EndpointName=endpoint)
    try:
        config = sagemaker.describe_endpoint_config(EndpointConfigName=described["EndpointConfigName"])
    except ClientError:
        return None  # The configuration was deleted while the endpoint runs: its instances are unknown.
    return endpoint_hourly(described, config, sagemaker.meta.region_name)


def _delete_endpoint(sagemaker: "SageMakerClient", name: str) -> None:
    if not is_deleted(sagemaker, name):
        # An endpoint can't be deleted while it is created or updated.
        settle(sagemaker, name, failed_too=True)
        sagemaker.delete_endpoint(EndpointName=name)
    wait_until_gone(sagemaker, name)


def _versions(s3: "S3Client", bucket: str, prefix: str) -> Iterator[tuple[str, str]]:
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=prefix):
        for item in page.get("Versions", []):
            yield item["Key"], item["VersionId"]
        for marker in page.get("DeleteMarkers", []):
            yield marker["Key"], marker["VersionId"]


def _delete_data(s3: "S3Client", bucket: str, prefix: str) -> None:
    keys = list(_versions(s3, bucket, prefix))
    for start in range(0, len(keys), 1000):
        objects = [{"Key": key, "VersionId": version} for key, version in keys[start : start + 1000]]
        answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": True})  # type: ignore[typeddict-item]  # the stubs miss that these keys are enough
        if errors := answer.get("Errors"):
            raise DeployError(
                f"{len(errors)} objects under {prefix} could not be deleted, the first because: {errors[0]['Message']}"
            )

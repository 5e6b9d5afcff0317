"""SageMaker's model registry: register a model, approve it, and find the one that may be deployed."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
from botocore.exceptions import ClientError

from contracts.addresses import S3Address
from training.errors import ArchiveError, RegistryError
from training.job_output import read_judged
from training.model import MODEL_FILE, Model
from training.sagemaker.package import (
    RECORD_KEY,
    check_group,
    group_of,
    package_request,
    record_of,
    statistics,
    statistics_of,
)

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient
    from mypy_boto3_sagemaker.literals import ModelApprovalStatusType

# Of a group: the bucket whose models are registered in it.
BUCKET_TAG = "workflow-bucket"
APPROVED: "ModelApprovalStatusType" = "Approved"
REJECTED: "ModelApprovalStatusType" = "Rejected"


@dataclass(frozen=True)
class Version:
    """A version of a model package group; `metadata` is what was registered of the model."""

    arn: str
    group: str
    number: int
    status: str
    metadata: Mapping[str, str]

    @property
    def name(self) -> str:
        """What a user calls it: `group/number`."""
        return f"{self.group}/{self.number}"


def register(model: Model, out: Path, group: str | None = None) -> Version:
    """Put the model into a group, by default that of its data set, where it waits for approval; note it in `out`.

    A model that the group has already is found again. The registry points to the model's record and to its statistics
    on the test images, which are written beside the artifact.

    Raises:
        RegistryError: the group's name can't be one.
    """
    group = check_group(group or group_of(model.dataset))
    sagemaker = boto3.client("sagemaker")
    if model.package and (known := _find(sagemaker, model.package)) and known.group == group:
        return known
    if not _group_exists(sagemaker, group):
        sagemaker.create_model_package_group(
            ModelPackageGroupName=group,
            ModelPackageGroupDescription=f"Models of the data set {model.dataset}.",
            Tags=[{"Key": BUCKET_TAG, "Value": S3Address.parse(model.artifact).bucket}],
        )
    try:
        judged = read_judged(S3Address.parse(model.artifact))
    except ArchiveError:
        judged = ()  # Other algorithms don't say what they answered.
    else:
        _put(statistics_of(model), json.dumps(statistics(judged), indent=1) + "\n")
    _put(record_of(model), model.to_json())
    arn = sagemaker.create_model_package(**package_request(model, group, judged))["ModelPackageArn"]
    replace(model, package=arn).write(out / MODEL_FILE)
    return _describe(sagemaker, arn)


def decide(group: str, number: int | None, *, approved: bool, reason: str = "") -> Version:
    """Approve or reject a version of a group, the newest where no number is given.

    Raises:
        RegistryError: there is no such group or version.
    """
    sagemaker = boto3.client("sagemaker")
    numbers = _numbers(sagemaker, check_group(group))
    if not numbers or (number is not None and number not in numbers):
        what = f"no version {number}; it has {', '.join(map(str, sorted(numbers)))}" if numbers else "no versions"
        raise RegistryError(f"The model package group {group} has {what}. Register a model with `workflow register`.")
    arn = numbers[number or max(numbers)]
    status = APPROVED if approved else REJECTED
    sagemaker.update_model_package(ModelPackageArn=arn, ModelApprovalStatus=status, ApprovalDescription=reason)
    return _describe(sagemaker, arn)


def last_approved(group: str) -> Version:
    """Return the newest version of a group that is approved.

    Raises:
        RegistryError: there is none.
    """
    sagemaker = boto3.client("sagemaker")
    numbers = _numbers(sagemaker, check_group(group), APPROVED)
    if not numbers:
        raise RegistryError(
            f"The model package group {group} has no approved version; approve one with `workflow approve`."
        )
    return _describe(sagemaker, numbers[max(numbers)])


def model_of(version: Version) -> Model:
    """Read the record of a registered model.

    Raises:
        RegistryError: the registry doesn't lead to it, as `workflow register` didn't register it, or it is gone.
    """
    if RECORD_KEY not in version.metadata:
        raise RegistryError(
            f"{version.name} was not registered by `workflow register`, which keeps the model's record."
        )
    address = S3Address.parse(version.metadata[RECORD_KEY])
    try:
        body = boto3.client("s3").get_object(Bucket=address.bucket, Key=address.key)["Body"].read()
    except ClientError as error:
        if error.response["Error"]["Code"] not in {"NoSuchKey", "NoSuchBucket"}:
            raise
        raise RegistryError(f"The record of {version.name}, {address}, is gone.") from error
    return replace(Model.from_json(body, str(address)), package=version.arn)


def version_of(model: Model) -> Version | None:
    """Return the version that a model was registered as, None where it wasn't, or the version was deleted."""
    return _find(boto3.client("sagemaker"), model.package) if model.package else None


def groups_of(bucket: str) -> list[str]:
    """Name the groups that `register` made for models in a bucket."""
    sagemaker = boto3.client("sagemaker")
    pages = sagemaker.get_paginator("list_model_package_groups").paginate()
    groups = [group for page in pages for group in page["ModelPackageGroupSummaryList"]]
    wanted = {"Key": BUCKET_TAG, "Value": bucket}
    return [
        group["ModelPackageGroupName"]
        for group in groups
        if wanted in sagemaker.list_tags(ResourceArn=group["ModelPackageGroupArn"])["Tags"]
    ]


def delete_group(group: str) -> None:
    """Delete a group with all its versions."""
    sagemaker = boto3.client("sagemaker")
    for arn in _numbers(sagemaker, group).values():
        sagemaker.delete_model_package(ModelPackageName=arn)
    sagemaker.delete_model_package_group(ModelPackageGroupName=group)


def _numbers(sagemaker: "SageMakerClient", group: str, *status: "ModelApprovalStatusType") -> dict[int, str]:
    """Return the ARN of each version of a group by its number; none where there is no such group."""
    if not _group_exists(sagemaker, group):
        return {}
    wanted = {"ModelApprovalStatus": status[0]} if status else {}
    pages = sagemaker.get_paginator("list_model_packages").paginate(ModelPackageGroupName=group, **wanted)  # type: ignore[arg-type]  # one key
    items = [item for page in pages for item in page["ModelPackageSummaryList"]]
    return {item["ModelPackageVersion"]: item["ModelPackageArn"] for item in items}


def _group_exists(sagemaker: "SageMakerClient", group: str) -> bool:
    pages = sagemaker.get_paginator("list_model_package_groups").paginate(NameContains=group)
    return any(
        item["ModelPackageGroupName"] == group for page in pages for item in page["ModelPackageGroupSummaryList"]
    )


def _find(sagemaker: "SageMakerClient", arn: str) -> Version | None:
    group = arn.rsplit("/", 2)[1]
    return _describe(sagemaker, arn) if arn in _numbers(sagemaker, group).values() else None


def _describe(sagemaker: "SageMakerClient", arn: str) -> Version:
    found = sagemaker.describe_model_package(ModelPackageName=arn)
    return Version(
        arn=arn,
        group=found["ModelPackageGroupName"],
        number=found["ModelPackageVersion"],
        status=found["ModelApprovalStatus"],
        metadata=found.get("CustomerMetadataProperties", {}),
    )


def _put(address: S3Address, text: str) -> None:
    boto3.client("s3").put_object(
        Bucket=address.bucket, Key=address.key, Body=text.encode(), ContentType="application/json"
    )

"""The model registry of the local stack, as an SDK sees it."""

import zlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError

from local import stack
from tests.containers import model_of
from tests.contract.serving import answer_of, serve
from tests.waiting import wait_until

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient
    from mypy_boto3_sagemaker.type_defs import InferenceSpecificationTypeDef, ModelPackageContainerDefinitionTypeDef

pytestmark = pytest.mark.usefixtures("programs")


@pytest.fixture
def sagemaker(programs: stack.Running) -> "SageMakerClient":  # noqa: ARG001 - the client finds the stack
    return boto3.client("sagemaker")


@pytest.fixture
def group(sagemaker: "SageMakerClient", request: pytest.FixtureRequest) -> Iterator[str]:
    """A group of the test's own, which is deleted afterwards with what is in it."""
    name = f"group-{zlib.crc32(request.node.name.encode())}"
    sagemaker.create_model_package_group(ModelPackageGroupName=name, Tags=[{"Key": "team", "Value": "images"}])
    yield name
    for version in versions(sagemaker, name):
        sagemaker.delete_model_package(ModelPackageName=f"{name}/{version}")
    sagemaker.delete_model_package_group(ModelPackageGroupName=name)


def register(sagemaker: "SageMakerClient", group: str, program: str = "mirror_ridge", **more: Any) -> str:
    model = model_of(program)
    container: ModelPackageContainerDefinitionTypeDef = {"Image": model.image, "ModelDataUrl": model.artifact}
    specification: InferenceSpecificationTypeDef = {"Containers": [container]}
    answer = sagemaker.create_model_package(ModelPackageGroupName=group, InferenceSpecification=specification, **more)
    return answer["ModelPackageArn"]


def versions(sagemaker: "SageMakerClient", group: str, **asked: Any) -> list[int]:
    pages = sagemaker.get_paginator("list_model_packages").paginate(ModelPackageGroupName=group, **asked)
    return [item["ModelPackageVersion"] for page in pages for item in page["ModelPackageSummaryList"]]


def refused(caught: "pytest.ExceptionInfo[ClientError]") -> tuple[str, str]:
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def test_versions_count_up_and_the_number_of_a_deleted_one_is_not_given_again(
    sagemaker: "SageMakerClient", group: str
) -> None:
    first, second = (register(sagemaker, group) for _ in range(2))
    assert first.endswith(f":model-package/{group}/1")
    assert second.endswith(f":model-package/{group}/2")
    sagemaker.delete_model_package(ModelPackageName=second)
    assert register(sagemaker, group).endswith("/3")
    assert versions(sagemaker, group) == [1, 3]


def test_a_version_waits_for_approval_and_keeps_what_was_said_of_it(sagemaker: "SageMakerClient", group: str) -> None:
    arn = register(sagemaker, group, CustomerMetadataProperties={"release": "3fa4c0d1e2b7", "draft": "yes"})
    created = sagemaker.describe_model_package(ModelPackageName=arn)
    assert (created["ModelApprovalStatus"], created["ModelPackageStatus"]) == ("PendingManualApproval", "Completed")
    assert (created["ModelPackageGroupName"], created["ModelPackageVersion"]) == (group, 1)
    sagemaker.update_model_package(
        ModelPackageArn=arn,
        ModelApprovalStatus="Approved",
        ApprovalDescription="better by 2%",
        CustomerMetadataProperties={"reviewer": "ann"},
        CustomerMetadataPropertiesToRemove=["draft"],
    )
    updated = sagemaker.describe_model_package(ModelPackageName=arn)
    assert (updated["ModelApprovalStatus"], updated["ApprovalDescription"]) == ("Approved", "better by 2%")
    assert updated["CustomerMetadataProperties"] == {"release": "3fa4c0d1e2b7", "reviewer": "ann"}
    assert updated["LastModifiedTime"] > created["CreationTime"]


def test_a_list_is_filtered_sorted_and_comes_in_pages(sagemaker: "SageMakerClient", group: str) -> None:
    arns = [register(sagemaker, group) for _ in range(12)]
    for arn in arns[1::2]:
        sagemaker.update_model_package(ModelPackageArn=arn, ModelApprovalStatus="Approved")
    assert versions(sagemaker, group) == [*range(1, 13)]
    assert versions(sagemaker, group, ModelApprovalStatus="Approved") == [2, 4, 6, 8, 10, 12]
    assert versions(sagemaker, group, ModelApprovalStatus="Rejected") == []
    assert versions(sagemaker, group, SortBy="Name", SortOrder="Descending") == [*range(12, 0, -1)]
    first = sagemaker.list_model_packages(ModelPackageGroupName=group, MaxResults=5, SortOrder="Descending")
    assert [item["ModelPackageVersion"] for item in first["ModelPackageSummaryList"]] == [12, 11, 10, 9, 8]
    last = sagemaker.list_model_packages(ModelPackageGroupName=group, MaxResults=7, NextToken=first["NextToken"])
    assert "NextToken" not in last
    with pytest.raises(ClientError, match="NextToken 'x' is none that this operation returned"):
        sagemaker.list_model_packages(ModelPackageGroupName=group, NextToken="x")
    created = sagemaker.describe_model_package(ModelPackageName=arns[5])["CreationTime"]
    assert versions(sagemaker, group, CreationTimeAfter=created)[-1:] == [12]
    assert 1 not in versions(sagemaker, group, CreationTimeAfter=created)


def test_packages_without_a_group_are_listed_apart(sagemaker: "SageMakerClient", group: str) -> None:
    register(sagemaker, group)
    sagemaker.create_model_package(ModelPackageName="alone", ModelPackageDescription="in no group")
    alone = sagemaker.list_model_packages(NameContains="alo")["ModelPackageSummaryList"]
    assert [(one["ModelPackageName"], one.get("ModelPackageVersion")) for one in alone] == [("alone", None)]
    assert (
        sagemaker.list_model_packages(ModelPackageType="Versioned", NameContains="alo")["ModelPackageSummaryList"] == []
    )
    assert len(sagemaker.list_model_packages(ModelPackageType="Both")["ModelPackageSummaryList"]) == 2
    with pytest.raises(ClientError) as caught:
        sagemaker.update_model_package(ModelPackageArn=alone[0]["ModelPackageArn"], ModelApprovalStatus="Approved")
    assert refused(caught)[0] == "ValidationException"
    sagemaker.delete_model_package(ModelPackageName="alone")


def test_a_group_is_described_listed_and_deleted_only_when_it_is_empty(
    sagemaker: "SageMakerClient", group: str
) -> None:
    arn = sagemaker.describe_model_package_group(ModelPackageGroupName=group)["ModelPackageGroupArn"]
    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "team", "Value": "images"}]
    found = sagemaker.list_model_package_groups(NameContains=group)["ModelPackageGroupSummaryList"]
    assert [(one["ModelPackageGroupName"], one["ModelPackageGroupArn"]) for one in found] == [(group, arn)]
    register(sagemaker, arn)
    with pytest.raises(ClientError) as caught:
        sagemaker.delete_model_package_group(ModelPackageGroupName=group)
    assert refused(caught) == (
        "ConflictException",
        f"The model package group {group} can't be deleted: it still contains model packages.",
    )


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        ({"ModelPackageGroupName": "nowhere"}, "ModelPackageGroup .*/nowhere does not exist"),
        ({}, "one of either ModelPackageName or ModelPackageGroupName"),
        ({"ModelPackageGroupName": "{group}", "ModelPackageName": "both"}, "one of either"),
        ({"ModelPackageGroupName": "{group}", "Tags": [{"Key": "a", "Value": "b"}]}, "tags of the group"),
        ({"ModelPackageGroupName": "{group}", "ModelApprovalStatus": "Maybe"}, "ModelApprovalStatus"),
        ({"ModelPackageName": "-no-name"}, "regular expression"),
        ({"ModelPackageGroupName": "{group}", "CustomerMetadataProperties": {"k": "x" * 257}}, "length"),
    ],
    ids=["no group", "no name", "both names", "tags", "status", "pattern", "long value"],
)
def test_a_package_that_sagemaker_would_refuse_is_refused(
    sagemaker: Any, group: str, request_: dict[str, Any], reason: str
) -> None:
    asked = {key: value.format(group=group) if isinstance(value, str) else value for key, value in request_.items()}
    with pytest.raises(ClientError, match=reason):
        sagemaker.create_model_package(**asked)
    assert versions(sagemaker, group) == []


@pytest.mark.parametrize(
    "name", ["nowhere/1", "nowhere", "arn:aws:sagemaker:us-east-1:123456789012:model-package/no/7"]
)
def test_a_package_that_is_not_there_can_not_be_described_or_deleted(sagemaker: "SageMakerClient", name: str) -> None:
    for operation in (sagemaker.describe_model_package, sagemaker.delete_model_package):
        with pytest.raises(ClientError, match=r"ModelPackage arn:.* does not exist"):
            operation(ModelPackageName=name)


def test_an_approved_version_becomes_a_model_that_an_endpoint_serves(
    sagemaker: "SageMakerClient", group: str, endpoint: str
) -> None:
    arn = register(sagemaker, group, "better")
    request: Any = {"ModelName": f"{endpoint}-model", "ExecutionRoleArn": stack.ROLE_ARN}
    with pytest.raises(ClientError, match="PendingManualApproval; it must be Approved"):
        sagemaker.create_model(**request, PrimaryContainer={"ModelPackageName": arn})
    sagemaker.update_model_package(ModelPackageArn=arn, ModelApprovalStatus="Approved")
    sagemaker.create_model(**request, Containers=[{"ModelPackageName": arn}])
    assert sagemaker.describe_model(ModelName=f"{endpoint}-model")["Containers"] == [{"ModelPackageName": arn}]
    serve("mirror_ridge", endpoint)
    sagemaker.create_endpoint_config(
        EndpointConfigName=f"{endpoint}-config",
        ProductionVariants=[
            {
                "VariantName": "AllTraffic",
                "ModelName": f"{endpoint}-model",
                "InstanceType": "ml.m5.large",
                "InitialInstanceCount": 1,
            }
        ],
    )
    sagemaker.update_endpoint(EndpointName=endpoint, EndpointConfigName=f"{endpoint}-config")
    wait_until(lambda: answer_of(endpoint) == "[0.2, 0.8]")


@pytest.mark.parametrize(
    "container", [{}, {"Image": "image", "ModelPackageName": "group/1"}], ids=["neither", "image and package"]
)
def test_a_model_has_either_an_image_or_a_model_package(
    sagemaker: "SageMakerClient", container: dict[str, str]
) -> None:
    with pytest.raises(ClientError, match="Specify one of either Image and Model Data URL or ModelPackageName"):
        sagemaker.create_model(ModelName="odd", ExecutionRoleArn=stack.ROLE_ARN, PrimaryContainer=container)  # type: ignore[arg-type]  # on purpose


def test_a_package_can_not_lead_a_program_to_other_code(sagemaker: "SageMakerClient", group: str) -> None:
    arn = sagemaker.create_model_package(
        ModelPackageGroupName=group,
        ModelApprovalStatus="Approved",
        InferenceSpecification={"Containers": [{"Image": "mirror_ridge", "Environment": {"PYTHONPATH": "/elsewhere"}}]},
    )["ModelPackageArn"]
    with pytest.raises(ClientError, match="refuses the environment variable PYTHONPATH"):
        sagemaker.create_model(
            ModelName="odd", ExecutionRoleArn=stack.ROLE_ARN, PrimaryContainer={"ModelPackageName": arn}
        )

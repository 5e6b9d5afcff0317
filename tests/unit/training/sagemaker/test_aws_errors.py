"""What a user is told of AWS's errors. The messages are those that the services send."""

import pytest
from botocore.exceptions import (
    ClientError,
    EndpointConnectionError,
    NoCredentialsError,
    NoRegionError,
    TokenRetrievalError,
)

from training.sagemaker.aws_errors import advice, sentence, with_advice

CASES = [
    ("ValidationException", "Could not find model data at s3://bucket/model.tar.gz.", "train again"),
    ("ValidationException", 'Cannot update in-progress endpoint "arn:x".', "Wait until"),
    ("ExpiredTokenException", "The security token included in the request is expired", "log in again"),
    ("ExpiredToken", "The provided token has expired.", "log in again"),
    ("UnrecognizedClientException", "The security token included in the request is invalid.", "aren't valid"),
    ("InvalidClientTokenId", "The security token included in the request is invalid", "aren't valid"),
    (
        "AccessDeniedException",
        "User: arn:aws:iam::1:user/x is not authorized to perform: sagemaker:CreateTrainingJob on resource: y",
        "lack this permission",
    ),
    (
        "AccessDeniedException",
        "User: arn:aws:iam::1:user/x is not authorized to perform: iam:PassRole on resource: arn:aws:iam::1:role/r",
        "that you may pass on",
    ),
    (
        "ValidationException",
        "Could not assume role arn:aws:iam::1:role/r. Please ensure that the role exists and allows principal "
        "'sagemaker.amazonaws.com' to assume the role.",
        "SageMaker may assume",
    ),
    ("NoSuchBucket", "The specified bucket does not exist", "--bucket"),
    (
        "ResourceLimitExceeded",
        "The account-level service limit 'ml.p3.2xlarge for training job usage' is 0 Instances, with current "
        "utilization of 0 Instances and a request delta of 1 Instances. Please use AWS Service Quotas",
        "Service Quotas",
    ),
    ("ThrottlingException", "Rate exceeded", "try again"),
    ("ResourceInUse", 'Training job names must be unique within an AWS account and region: "x"', "name is taken"),
    ("ValidationException", 'Cannot create already existing endpoint "arn:x".', "name is taken"),
    (
        "ValidationException",
        "Requested image 1.dkr.ecr.us-east-1.amazonaws.com/x:latest not found.",
        "workflow build-image",
    ),
    (
        "ValidationException",
        "The repository of your image 1.dkr.ecr.us-east-1.amazonaws.com/x:latest does not exist.",
        "workflow build-image",
    ),
]


@pytest.mark.parametrize(("code", "message", "what"), CASES, ids=[f"{case[0]}-{case[2]}" for case in CASES])
def test_an_error_of_a_service_is_one_line_with_what_to_do(code: str, message: str, what: str) -> None:
    error = ClientError({"Error": {"Code": code, "Message": message}}, "CreateSomething")
    line = sentence(error)
    assert "\n" not in line
    assert message.split(".")[0] in line
    assert what in line


@pytest.mark.parametrize(
    ("reason", "what"),
    [
        ("CapacityError: Unable to provision requested ML compute capacity. Please retry", "another --instance-type"),
        ("Request to service failed. InsufficientInstanceCapacity in the availability zone", "another --instance-type"),
        ("ClientError: Data download failed: NoSuchBucket", "--bucket"),
        ("ClientError: No S3 objects found under S3 URL 's3://b/x' given in input data source", "Stage the data set"),
    ],
)
def test_the_reason_of_a_failed_job_is_followed_by_what_to_do(reason: str, what: str) -> None:
    assert what in with_advice(reason)


def test_a_reason_of_the_algorithm_stands_alone() -> None:
    assert with_advice("AlgorithmError: weights are\n NaN., exit code: 1") == (
        "AlgorithmError: weights are NaN., exit code: 1."
    )


def test_an_error_nobody_foresaw_keeps_its_own_words() -> None:
    assert advice("Something new", "NewException") == ""


@pytest.mark.parametrize("error", [NoCredentialsError(), TokenRetrievalError(provider="sso", error_msg="expired")])
def test_without_credentials_both_ways_to_go_on_are_named(error: NoCredentialsError) -> None:
    assert "aws configure" in sentence(error)
    assert "workflow local" in sentence(error)


def test_without_a_region_the_variable_and_both_ways_are_named() -> None:
    assert "AWS_DEFAULT_REGION" in sentence(NoRegionError())
    assert "workflow local" in sentence(NoRegionError())


def test_a_stack_that_is_gone_is_suspected() -> None:
    error = EndpointConnectionError(endpoint_url="http://127.0.0.1:1")
    assert "local stack still running" in sentence(error)

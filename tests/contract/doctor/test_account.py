"""`workflow doctor` finds each fault of the account, the role and the bucket."""

import dataclasses
import json
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from checks import account
from checks.check import Status
from checks.scope import Scope
from local import stack
from tests.contract.doctor.examined import bad, only_bad


@pytest.fixture
def bucket(scope: Scope) -> Iterator[Any]:
    """S3, whose bucket is put back as the template has it."""
    s3: Any = boto3.client("s3")
    settings = s3.get_bucket_encryption(Bucket=scope.bucket)["ServerSideEncryptionConfiguration"]
    block = s3.get_public_access_block(Bucket=scope.bucket)["PublicAccessBlockConfiguration"]
    yield s3
    s3.put_bucket_versioning(Bucket=scope.bucket, VersioningConfiguration={"Status": "Enabled"})
    s3.put_bucket_encryption(Bucket=scope.bucket, ServerSideEncryptionConfiguration=settings)
    s3.put_public_access_block(Bucket=scope.bucket, PublicAccessBlockConfiguration=block)
    s3.put_bucket_notification_configuration(
        Bucket=scope.bucket, NotificationConfiguration={"EventBridgeConfiguration": {}}
    )


def test_an_instance_type_without_a_quota_by_its_name_is_bad(scope: Scope) -> None:
    found = only_bad(dataclasses.replace(scope, endpoint_instance="ml.none.large"))
    assert found.name == "quota ml.none.large for endpoint usage"


@pytest.mark.parametrize(
    ("name", "change"),
    [
        (
            "bucket's versioning",
            lambda s3: s3.put_bucket_versioning(Bucket=stack.BUCKET, VersioningConfiguration={"Status": "Suspended"}),
        ),
        ("bucket's encryption", lambda s3: s3.delete_bucket_encryption(Bucket=stack.BUCKET)),
        ("bucket's public access", lambda s3: s3.delete_public_access_block(Bucket=stack.BUCKET)),
        (
            "bucket's public access",
            lambda s3: s3.put_public_access_block(
                Bucket=stack.BUCKET,
                PublicAccessBlockConfiguration={"BlockPublicAcls": True},
            ),
        ),
        (
            "bucket's EventBridge notifications",
            lambda s3: s3.put_bucket_notification_configuration(Bucket=stack.BUCKET, NotificationConfiguration={}),
        ),
    ],
)
def test_a_bucket_without_a_setting_is_bad(
    scope: Scope, bucket: Any, name: str, change: Callable[[Any], object]
) -> None:
    change(bucket)
    assert only_bad(scope).name == name


def test_a_bucket_that_is_not_there_is_bad_at_each_of_its_checks(scope: Scope) -> None:
    found = bad(dataclasses.replace(scope, given_bucket="no-such-bucket"))
    assert len(found) == 4
    assert all("--bucket" in check.found for check in found.values())


def test_an_image_that_was_never_pushed_is_bad(scope: Scope) -> None:
    ecr: Any = boto3.client("ecr")
    manifest = ecr.batch_get_image(repositoryName="mirror_ridge", imageIds=[{"imageTag": "latest"}])["images"][0]
    ecr.batch_delete_image(repositoryName="mirror_ridge", imageIds=[{"imageTag": "latest"}])
    try:
        assert "workflow build-image mirror_ridge" in only_bad(scope).advice
    finally:
        ecr.put_image(repositoryName="mirror_ridge", imageTag="latest", imageManifest=manifest["imageManifest"])


@pytest.mark.parametrize(
    ("principal", "condition"),
    [
        ({"Service": "lambda.amazonaws.com"}, {}),
        ({"AWS": "arn:aws:iam::123456789012:root"}, {}),
        ({"Service": "sagemaker.amazonaws.com"}, {"StringEquals": {"aws:SourceAccount": "210987654321"}}),
    ],
)
def test_a_role_that_sagemaker_may_not_assume_is_bad(
    scope: Scope, principal: dict[str, str], condition: dict[str, Any]
) -> None:
    iam: Any = boto3.client("iam")
    name = scope.role_arn.rpartition("/")[2]
    before = iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]
    statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": principal, "Condition": condition}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.update_assume_role_policy(RoleName=name, PolicyDocument=policy)
    try:
        assert only_bad(scope).name == "role's trust"
    finally:
        iam.update_assume_role_policy(RoleName=name, PolicyDocument=json.dumps(before))


def test_a_permission_that_the_role_lacks_is_named_with_its_resource(
    scope: Scope, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert scope.account
    iam: Any = boto3.client("iam")
    sent: list[dict[str, Any]] = []
    iam.meta.events.register("provide-client-params.iam", lambda params, **_: sent.append(params))
    bucket = f"arn:aws:s3:::{scope.bucket}"
    statements = account._needed(scope)
    lacking = {"EvalActionName": "s3:ListBucket", "EvalResourceName": bucket, "EvalDecision": "implicitDeny"}
    allowed = {"EvalActionName": "s3:GetObject", "EvalResourceName": bucket, "EvalDecision": "allowed"}
    with Stubber(iam) as stubber:
        for number in range(len(statements)):
            stubber.add_response("simulate_principal_policy", {"EvaluationResults": [allowed if number else lacking]})
        monkeypatch.setattr(account, "client", lambda _service: iam)
        (check,) = account.permissions(scope)
    assert check.status is Status.BAD
    assert check.found == f"lacks s3:ListBucket on {bucket}"
    resources = {resource for params in sent for resource in params["ResourceArns"]}
    assert {bucket, f"{bucket}/capture/*", "*"} <= resources
    assert any("log-group:/aws/sagemaker/*" in resource and ":123456789012:" in resource for resource in resources)
    contexts = [one["ContextKeyName"] for params in sent for one in params["ContextEntries"]]
    assert "cloudwatch:namespace" in contexts

"""Checks of the account: credentials, Region, quotas, SageMaker's execution role and container image."""

from collections.abc import Iterator
from typing import Any

import boto3

from checks.check import PATIENCE, Check, Status, client, judged
from checks.scope import Scope
from local.stack import ROOT
from local.template import Template

SAGEMAKER = "sagemaker.amazonaws.com"


def credentials(_scope: Scope) -> Iterator[Check]:
    """Check that there are credentials, and name their owner."""
    # The caller's identity doesn't depend on the Region, which has its own check.
    sts = boto3.client("sts", region_name=boto3.Session().region_name or "us-east-1", config=PATIENCE)
    who = sts.get_caller_identity()
    yield Check("credentials", Status.OK, f"account {who['Account']}, {who['Arn']}")


def region(_scope: Scope) -> Iterator[Check]:
    """Check that a Region is set."""
    found = boto3.Session().region_name
    yield judged("Region", bool(found), found or "none is set", "Set AWS_DEFAULT_REGION, or run `aws configure`.")


def quotas(scope: Scope) -> Iterator[Check]:
    """Check the quotas of the instance types for training and hosting, which Service Quotas lists by name."""
    wanted = {
        f"{scope.training_instance or scope.recipe.instance_type} for training job usage",
        f"{scope.endpoint_instance} for endpoint usage",
    }
    found: dict[str, float] = {}
    # An applied value is listed only where it differs from the default.
    for operation in ("list_service_quotas", "list_aws_default_service_quotas"):
        if wanted <= found.keys():
            break
        for page in client("service-quotas").get_paginator(operation).paginate(ServiceCode="sagemaker"):
            for quota in page["Quotas"]:
                if quota["QuotaName"] in wanted:
                    found.setdefault(quota["QuotaName"], quota["Value"])
    for name in sorted(wanted):
        if name not in found:
            what = "SageMaker has no such quota in this Region"
            yield Check(f"quota {name}", Status.BAD, what, "Choose an instance type that the Region has.")
            continue
        advice = "Request an increase in Service Quotas, or choose another --training-instance or --endpoint-instance."
        yield judged(f"quota {name}", found[name] >= 1, f"{found[name]:g} instances", advice)


def trust(scope: Scope) -> Iterator[Check]:
    """Check that SageMaker may assume the role for this account."""
    name = scope.role_arn.rpartition("/")[2]
    document = client("iam").get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]
    trusted = any(_trusts(statement, scope.account) for statement in _list(document["Statement"]))
    advice = f"Let {SAGEMAKER} assume it, as training/template.yaml does."
    yield judged("role's trust", trusted, f"{name} {'trusts' if trusted else 'does not trust'} SageMaker", advice)


def permissions(scope: Scope) -> Iterator[Check]:
    """Check that the role has the permissions of training/template.yaml on this account's resources."""
    lacking, asked = [], 0
    for statement in _needed(scope):
        context = [
            {"ContextKeyName": key, "ContextKeyType": "string", "ContextKeyValues": _list(value)}
            for keys in statement.get("Condition", {}).values()
            for key, value in keys.items()
        ]
        pages = (
            client("iam")
            .get_paginator("simulate_principal_policy")
            .paginate(
                PolicySourceArn=scope.role_arn,
                ActionNames=_list(statement["Action"]),
                ResourceArns=_list(statement["Resource"]),
                ContextEntries=context,
            )
        )
        for result in (result for page in pages for result in page["EvaluationResults"]):
            asked += 1
            if result["EvalDecision"] != "allowed":
                lacking.append(f"{result['EvalActionName']} on {result.get('EvalResourceName', '*')}")
    found = f"{asked} actions allowed" if not lacking else f"lacks {', '.join(lacking)}"
    yield judged("role's permissions", not lacking, found, "Deploy the data stack again, or grant them to the role.")


def image(scope: Scope) -> Iterator[Check]:
    """Check that the container image for training and serving is in ECR."""
    if scope.recipe.built_in:
        yield Check("container image", Status.SKIPPED, f"SageMaker provides that of {scope.algorithm}")
        return
    ecr = client("ecr")
    advice = f"Run `workflow build-image {scope.recipe.image}`."
    try:
        (found,) = ecr.describe_images(repositoryName=scope.recipe.image, imageIds=[{"imageTag": "latest"}])[
            "imageDetails"
        ]
    except (ecr.exceptions.RepositoryNotFoundException, ecr.exceptions.ImageNotFoundException):
        yield Check("container image", Status.BAD, f"{scope.recipe.image}:latest is not in ECR", advice)
        return
    yield Check("container image", Status.OK, f"{scope.recipe.image}:latest of {found['imagePushedAt']:%Y-%m-%d}")


def _needed(scope: Scope) -> list[dict[str, Any]]:
    """Return the statements of the role's policies in the template, with this account's resources."""

    def attribute(name: str, what: str) -> str | None:
        arn = f"arn:{scope.role_arn.split(':')[1]}:s3:::{scope.bucket}"
        return {("DataBucket", "Arn"): arn, ("DataBucket", "Ref"): scope.bucket}.get((name, what))

    parameters = {"DataBucketName": scope.bucket}
    partition = scope.role_arn.split(":")[1]
    path = ROOT / "training/template.yaml"
    template = Template(path, parameters, scope.region, attribute, account=scope.account, partition=partition)
    (role,) = template.resources("AWS::IAM::Role").values()
    policies = template.resolve(role["Policies"])
    return [statement for policy in policies for statement in policy["PolicyDocument"]["Statement"]]


def _trusts(statement: dict[str, Any], account: str) -> bool:
    principal = statement.get("Principal", {})
    services = _list(principal.get("Service", [])) if isinstance(principal, dict) else []
    accounts = statement.get("Condition", {}).get("StringEquals", {}).get("aws:SourceAccount", account)
    return (
        statement["Effect"] == "Allow"
        and SAGEMAKER in services
        and "sts:AssumeRole" in _list(statement["Action"])
        and account in _list(accounts)
    )


def _list(value: Any) -> list[Any]:
    """Return a list: a policy may have a single string instead of one."""
    return value if isinstance(value, list) else [value]

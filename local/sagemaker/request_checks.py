"""Checks of requests that SageMaker refuses, or that only the local stack must."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape

from local.sagemaker.alarms import Alarms
from local.sagemaker.errors import SageMakerError
from local.sagemaker.training_jobs import DEFAULT_MAX_RUNTIME

# What leads an interpreter, a linker, a shell or an SDK to other code, other files or another service.
REDIRECTING = re.compile(
    r"PYTHON.*|LD_.*|DYLD_.*|GLIBC_TUNABLES|GCONV_PATH|LOCPATH|NLSPATH|PATH|HOME|ENV|BASH_ENV|SHELLOPTS|IFS|TMPDIR|TEMP|TMP|"
    r"AWS_.*|BOTO_.*|(HTTP|HTTPS|ALL|NO)_PROXY|SSL_.*|OPENSSL_.*|(REQUESTS|CURL)_CA_BUNDLE|"
    r"SAGEMAKER_BASE_DIR|SAGEMAKER_BIND_TO_.*",
    re.IGNORECASE,
)


def check_constraints(value: Any, shape: Shape, name: str = "request") -> None:
    """Refuse text that is longer than SageMaker's own model of the request allows, or not of its values or pattern.

    The SDK checks types and minima alone. Patterns with classes of Unicode, those of tags, are left to SageMaker.
    """
    if isinstance(shape, StructureShape):
        for member, inner in value.items():
            check_constraints(inner, shape.members[member], member)
    elif isinstance(shape, ListShape):
        for inner in value:
            check_constraints(inner, shape.member, name)
    elif isinstance(shape, MapShape):
        for key, inner in value.items():
            check_constraints(key, shape.key, name)
            check_constraints(inner, shape.value, name)
    elif shape.type_name == "string":
        _check_text(value, shape, name)


def _check_text(value: str, shape: Shape, name: str) -> None:
    pattern, values = shape.metadata.get("pattern", ""), shape.metadata.get("enum")
    if len(value) > shape.metadata.get("max", len(value)):
        message = f"{name} must have length less than or equal to {shape.metadata['max']}."
        raise SageMakerError("ValidationException", message)
    if values and value not in values:
        message = f"Value {value!r} at {name} must satisfy enum value set: {', '.join(values)}"
        raise SageMakerError("ValidationException", message)
    if pattern and r"\p{" not in pattern and not re.fullmatch(pattern, value):
        message = f"Value {value!r} at {name} must satisfy regular expression pattern: {pattern}"
        raise SageMakerError("ValidationException", message)


def check_environment(environment: Mapping[str, str]) -> None:
    """Refuse variables that would lead a program elsewhere: here it runs as the user, with no container around it."""
    for name, value in environment.items():
        if REDIRECTING.fullmatch(name) or "\0" in value:
            message = (
                f"The local stack refuses the environment variable {name}, which SageMaker allows: containers on AWS "
                "are isolated, but here programs run on your machine, and it could lead them to other code or files."
            )
            raise SageMakerError("ValidationException", message)


def check_role(role_arn: str, known: str) -> None:
    """Refuse a role that can't be assumed: the only one that can is `known`."""
    if role_arn != known:
        message = f"Could not assume role {role_arn}. Please ensure that the role exists; here it is {known}."
        raise SageMakerError("ValidationException", message)


def check_spot(request: dict[str, Any]) -> None:
    """Refuse a spot job that doesn't wait at least as long as it may run."""
    times = request.get("StoppingCondition", {})
    wait, run = times.get("MaxWaitTimeInSeconds", 0), times.get("MaxRuntimeInSeconds", DEFAULT_MAX_RUNTIME)
    if request.get("EnableManagedSpotTraining") and wait < run:
        message = "MaxWaitTimeInSeconds must be present and be greater than or equal to MaxRuntimeInSeconds."
        raise SageMakerError("ValidationException", message)


def check_serverless(config: Mapping[str, Any], models: Sequence[Mapping[str, Any]]) -> None:
    """Refuse a configuration that gives a serverless variant what serverless inference excludes.

    These are data capture, a variant beside it, and a model with network isolation:
    https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints.html. Provisioned concurrency is refused too,
    which SageMaker has and the local stack hasn't.
    """
    variants = config["ProductionVariants"]
    if not any("ServerlessConfig" in variant for variant in variants):
        return
    excluded = {
        "DataCaptureConfig": config.get("DataCaptureConfig", {}).get("EnableCapture"),
        "More than one production variant": len(variants) > 1,
        "Network isolation": any(model.get("EnableNetworkIsolation") for model in models),
    }
    for what, asked in excluded.items():
        if asked:
            raise SageMakerError("ValidationException", f"{what} is not supported with ServerlessConfig.")
    if any("ProvisionedConcurrency" in variant.get("ServerlessConfig", {}) for variant in variants):
        message = (
            "The local stack refuses ProvisionedConcurrency, which SageMaker allows: it starts containers on demand."
        )
        raise SageMakerError("ValidationException", message)


def check_update(
    arn: str, current: Sequence[Mapping[str, Any]], wanted: Sequence[Mapping[str, Any]], scaled: set[str]
) -> None:
    """Refuse an update of an endpoint's variants that SageMaker or Application Auto Scaling refuses.

    An endpoint on instances never becomes serverless:
    https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints.html. A variant that is scaled, named in
    `scaled`, keeps its instance type and isn't removed:
    https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-scaling-update.html.
    """
    serverless = any("ServerlessConfig" in variant for variant in wanted)
    if serverless and not any("ServerlessConfig" in variant for variant in current):
        message = f'Cannot update endpoint "{arn}" from instances to a serverless configuration.'
        raise SageMakerError("ValidationException", message)
    types = {variant["VariantName"]: variant.get("InstanceType") for variant in wanted}
    for variant in current:
        name = variant["VariantName"]
        if name in scaled and types.get(name) != variant.get("InstanceType"):
            message = (
                f"The variant {name} is registered as a scalable target; deregister it before an update that changes "
                "its instance type or removes it."
            )
            raise SageMakerError("ValidationException", message)


def check_deployment(deployment: dict[str, Any], variants: list[dict[str, Any]], alarms: Alarms) -> None:
    """Refuse a deployment configuration with an unknown alarm or too large a canary for its instances."""
    names = [alarm["AlarmName"] for alarm in deployment.get("AutoRollbackConfiguration", {}).get("Alarms", ())]
    if missing := sorted(set(names) - alarms.known(names)):
        raise SageMakerError("ValidationException", f"Could not find the alarms {', '.join(missing)}.")
    routing = deployment.get("BlueGreenUpdatePolicy", {}).get("TrafficRoutingConfiguration", {})
    if size := routing.get("CanarySize"):
        instances = sum(variant.get("InitialInstanceCount", 2) for variant in variants)
        if size["Value"] > 50 or instances < 2:
            message = "CanarySize must be less than or equal to 50% of the variant's total instance count."
            raise SageMakerError("ValidationException", message)

"""Find the artifact of a model that a user names: a model.json, a registered version, or an endpoint."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from botocore.exceptions import ClientError

from contracts.addresses import S3Address, is_s3_address
from training.errors import ArtifactError
from training.model import MODEL_FILE, Model
from training.sagemaker.endpoint import NAME as ENDPOINT_NAME
from training.sagemaker.package import VERSION_NAME

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient


def artifact_of(text: str) -> S3Address:
    """Return the artifact of a model by what names it.

    That is a folder of results or its model.json, the address of a model.tar.gz, a version of the model registry by its
    ARN or as GROUP/NUMBER, or an endpoint.

    Raises:
        ArtifactError: it is none of these, or the endpoint or the version has no artifact.
        ModelRecordError: the file is no model.json.
    """
    path = Path(text)
    if path.exists():
        return S3Address.parse(Model.read(path / MODEL_FILE if path.is_dir() else path).artifact)
    if is_s3_address(text):
        return S3Address.parse(text)
    sagemaker = boto3.client("sagemaker")
    if VERSION_NAME.fullmatch(text):
        return _of_container({"ModelPackageName": text}, sagemaker)
    served = served_by(text) if ENDPOINT_NAME.fullmatch(text) else None
    if served is None:
        raise ArtifactError(
            f"{text!r} names no model: give a folder with a {MODEL_FILE}, the s3:// address of a model.tar.gz, a "
            "registered version as GROUP/NUMBER, or an endpoint."
        )
    return served


def served_by(endpoint: str) -> S3Address | None:
    """Return the artifact of the model that an endpoint serves, None where there is no such endpoint.

    Raises:
        ArtifactError: its model has no artifact, or was deleted under it.
    """
    sagemaker = boto3.client("sagemaker")
    pages = sagemaker.get_paginator("list_endpoints").paginate(NameContains=endpoint)
    if not any(item["EndpointName"] == endpoint for page in pages for item in page["Endpoints"]):
        return None
    config = sagemaker.describe_endpoint(EndpointName=endpoint)["EndpointConfigName"]
    try:
        variant = sagemaker.describe_endpoint_config(EndpointConfigName=config)["ProductionVariants"][0]
        model = sagemaker.describe_model(ModelName=variant["ModelName"])
    except ClientError as error:
        if error.response["Error"]["Code"] != "ValidationException":
            raise
        raise ArtifactError(f"The model or the configuration that {endpoint} serves was deleted.") from error
    return _of_container(model.get("PrimaryContainer") or model["Containers"][0], sagemaker)


def _of_container(container: Any, sagemaker: "SageMakerClient") -> S3Address:
    package = container.get("ModelPackageName")
    if package:
        described = sagemaker.describe_model_package(ModelPackageName=package)
        container = described.get("InferenceSpecification", {}).get("Containers", [{}])[0]
    if "ModelDataUrl" not in container:
        raise ArtifactError(f"The model {package or container.get('Image')} has no artifact in S3.")
    return S3Address.parse(container["ModelDataUrl"])

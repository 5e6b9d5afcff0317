"""The requests that put a model behind an endpoint, in AWS's own spelling, and the names of what they make.

A model and a configuration are named for the endpoint and for what they say: the same input gives the same names, so
what an interrupted deployment left is found and used by the next.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from contracts.addresses import S3Address
from contracts.layout import Prefix
from training.errors import DeployError
from training.model import Model

if TYPE_CHECKING:
    from mypy_boto3_sagemaker.literals import ProductionVariantInstanceTypeType
    from mypy_boto3_sagemaker.type_defs import (
        CreateEndpointConfigInputTypeDef,
        CreateModelInputTypeDef,
        DataCaptureConfigTypeDef,
        ProductionVariantTypeDef,
        TagTypeDef,
    )

VARIANT = "AllTraffic"
OWNER_TAG = "workflow-endpoint"
# Of a model: what it was trained by and on, and what its answers call it.
JOB_TAG, DATASET_TAG, RELEASE_TAG = "training-job", "dataset", "release"
NAME = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,49}")


@dataclass(frozen=True)
class EndpointOptions:
    """How an endpoint serves.

    `capture_percentage` of the requests are recorded, 0 for none, by the endpoint; a serverless one can't, so Classify
    does. `serverless_memory`, in MB, makes the endpoint serverless; otherwise `instances` machines of `instance_type`
    serve, and the container reaches no network.
    What serverless endpoints exclude: https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints.html.
    """

    instance_type: str = "ml.m5.large"
    instances: int = 1
    serverless_memory: int | None = None
    serverless_concurrency: int = 5
    capture_percentage: int = 100
    kms_key_id: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse what SageMaker would."""
        if not 0 <= self.capture_percentage <= 100:
            raise DeployError(f"The capture percentage goes from 0 to 100; it is {self.capture_percentage}.")
        if self.instances < 1:
            raise DeployError(f"An endpoint has one instance or more, not {self.instances}.")
        if self.serverless_memory is None:
            return
        if self.serverless_memory not in range(1024, 6145, 1024):
            raise DeployError(f"Serverless memory is 1024 to 6144 MB in steps of 1024, not {self.serverless_memory}.")
        if not 1 <= self.serverless_concurrency <= 200:
            raise DeployError(f"Serverless concurrency is 1 to 200, not {self.serverless_concurrency}.")


def model_request(
    model: Model, endpoint: str, role_arn: str, options: EndpointOptions, *, by_package: bool = False
) -> "CreateModelInputTypeDef":
    """Return what CreateModel takes; with `by_package` SageMaker reads image and data from the model's package.

    That package must be approved: https://docs.aws.amazon.com/sagemaker/latest/dg/model-registry-deploy.html.

    Raises:
        DeployError: the endpoint's name can't be one.
    """
    if not NAME.fullmatch(endpoint):
        raise DeployError(f"{endpoint!r} can't name an endpoint: use letters, digits and single -, 50 at most.")
    content: dict[str, Any] = {
        "PrimaryContainer": {"ModelPackageName": model.package}
        if by_package
        else {"Image": model.image, "ModelDataUrl": model.artifact},
        "ExecutionRoleArn": role_arn,
        # Serverless inference has no network isolation.
        "EnableNetworkIsolation": options.serverless_memory is None,
    }
    tags = {JOB_TAG: model.training_job, DATASET_TAG: model.dataset, "dataset-sha256": model.dataset_sha256}
    tags |= {RELEASE_TAG: model.release.release} if model.release else {}
    request = {"ModelName": _name(endpoint, content), **content, "Tags": _tags(endpoint, options, tags)}
    return cast("CreateModelInputTypeDef", request)


def config_request(
    model_name: str, endpoint: str, bucket: str, options: EndpointOptions
) -> "CreateEndpointConfigInputTypeDef":
    """Return what CreateEndpointConfig takes."""
    variant: ProductionVariantTypeDef = {
        "VariantName": VARIANT,
        "ModelName": model_name,
        "InitialVariantWeight": 1.0,
    }
    if options.serverless_memory is None:
        # SageMaker itself checks the instance type.
        variant["InstanceType"] = cast("ProductionVariantInstanceTypeType", options.instance_type)
        variant["InitialInstanceCount"] = options.instances
    else:
        variant["ServerlessConfig"] = {
            "MemorySizeInMB": options.serverless_memory,
            "MaxConcurrency": options.serverless_concurrency,
        }
    content: dict[str, Any] = {"ProductionVariants": [variant]}
    if options.capture_percentage and options.serverless_memory is None:
        content["DataCaptureConfig"] = _capture(bucket, options)
    if options.kms_key_id:
        content["KmsKeyId"] = options.kms_key_id
    request = {"EndpointConfigName": _name(endpoint, content), **content, "Tags": _tags(endpoint, options, {})}
    return cast("CreateEndpointConfigInputTypeDef", request)


def _capture(bucket: str, options: EndpointOptions) -> "DataCaptureConfigTypeDef":
    capture: DataCaptureConfigTypeDef = {
        "EnableCapture": True,
        "InitialSamplingPercentage": options.capture_percentage,
        "DestinationS3Uri": str(S3Address(bucket, Prefix.CAPTURE.rstrip("/"))),
        "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
        # What isn't named here, the images, is recorded in base64.
        "CaptureContentTypeHeader": {"JsonContentTypes": ["application/json"], "CsvContentTypes": ["text/csv"]},
    }
    if options.kms_key_id:
        capture["KmsKeyId"] = options.kms_key_id
    return capture


def _name(endpoint: str, content: Mapping[str, Any]) -> str:
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    return f"{endpoint}-{digest[:12]}"


def _tags(endpoint: str, options: EndpointOptions, more: Mapping[str, str]) -> "list[TagTypeDef]":
    return [{"Key": key, "Value": value} for key, value in {OWNER_TAG: endpoint, **more, **options.tags}.items()]

"""An endpoint as SageMaker lists it: whether there is one of a name, and in which state."""

from typing import TYPE_CHECKING

from training.sagemaker.polling import pauses

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient
    from mypy_boto3_sagemaker.type_defs import EndpointSummaryTypeDef


def listed(sagemaker: "SageMakerClient", endpoint: str) -> "EndpointSummaryTypeDef | None":
    """Return the endpoint of that name, None where there is none."""
    pages = sagemaker.get_paginator("list_endpoints").paginate(NameContains=endpoint)
    return next((item for page in pages for item in page["Endpoints"] if item["EndpointName"] == endpoint), None)


def is_deleted(sagemaker: "SageMakerClient", endpoint: str) -> bool:
    """Whether the endpoint is being deleted, or gone."""
    found = listed(sagemaker, endpoint)
    return found is None or found["EndpointStatus"] == "Deleting"


def wait_until_gone(sagemaker: "SageMakerClient", endpoint: str) -> None:
    """Wait until an endpoint that is being deleted is gone."""
    for _ in pauses():
        if listed(sagemaker, endpoint) is None:
            return

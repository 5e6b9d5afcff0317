"""Checks a request against botocore's own model of SageMaker."""

from collections.abc import Mapping
from typing import Any

import botocore.session
from botocore.model import ServiceModel
from botocore.validate import ParamValidator

SAGEMAKER = ServiceModel(
    botocore.session.get_session().get_component("data_loader").load_service_model("sagemaker", "service-2")
)


def complaints(operation: str, request: Mapping[str, Any]) -> str:
    """Return what botocore would refuse, nothing where the request is well-formed."""
    shape = SAGEMAKER.operation_model(operation).input_shape
    assert shape is not None
    return str(ParamValidator().validate(dict(request), shape).generate_report())


def enum_of(shape: str) -> list[str]:
    """Return the values that a string of the service may have."""
    return list(SAGEMAKER.shape_for(shape).enum)  # type: ignore[attr-defined]  # the stubs know no string shapes

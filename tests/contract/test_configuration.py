"""A function whose variables are wrong fails when it starts, and says which one it is."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from local import stack
from local.lambdas import Function
from local.template import Template

TEMPLATE = Template(stack.ROOT / "template.yaml", {"DataBucketName": stack.BUCKET, "DriftCheck": "on"}, stack.REGION)
SPECS = {spec.name: spec for spec in TEMPLATE.functions()}


@pytest.mark.parametrize(
    ("name", "variables"),
    [
        ("SerializeFunction", {"MAX_SIDE": "0"}),
        ("SerializeFunction", {"MAX_SIDE": None}),
        ("SerializeFunction", {"IMAGE_FIT": "stretched"}),
        ("ClassifyFunction", {"CLASS_LABELS": "bicycle"}),
        ("ClassifyFunction", {"CLASS_LABELS": "bicycle,bicycle"}),
        ("ClassifyFunction", {"ENDPOINT_NAME": None}),
        ("ClassifyFunction", {"CONFIDENCE_THRESHOLD": "1.5"}),
        ("ClassifyFunction", {"CONFIDENCE_THRESHOLD": "NaN"}),
        ("ClassifyFunction", {"MODEL_TIMEOUT": "0"}),
        ("ClassifyFunction", {"CLASSIFY_CAPTURE": "101"}),
        ("ClassifyFunction", {"DATA_BUCKET": "", "CLASSIFY_CAPTURE": "1"}),
        ("DriftFunction", {"DATA_BUCKET": ""}),
        ("DriftFunction", {"ENDPOINT_NAME": None}),
        ("DriftFunction", {"WINDOW_HOURS": "0"}),
        ("DriftFunction", {"WINDOW_HOURS": "an hour"}),
        ("DriftFunction", {"MAX_ERROR": "0.5"}),
    ],
)
def test_a_bad_variable_is_named_at_cold_start(tmp_path: Path, name: str, variables: Mapping[str, str | None]) -> None:
    given: dict[str, str | None] = {**SPECS[name].environment, **variables}
    environment = {key: value for key, value in given.items() if value is not None}
    function = Function(
        replace(SPECS[name], environment=environment), stack.REGION, stack.new_credentials(), tmp_path, 1
    )
    try:
        result = function.invoke(b"{}")
    finally:
        function.stop()
    said = json.loads(result.payload)
    assert result.error == "Unhandled"
    assert said["errorType"] == "ConfigurationError"
    assert next(iter(variables)) in said["errorMessage"]

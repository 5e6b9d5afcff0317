"""The outputs and parameters of the stacks on this machine, in CloudFormation."""

import json
from collections.abc import Mapping
from typing import Any

import boto3


def publish(stack: str, outputs: Mapping[str, str], parameters: Mapping[str, str] | None = None) -> None:
    """Let DescribeStacks answer the outputs and parameters of a stack, whose resources aren't CloudFormation's."""
    parameters = parameters or {}
    cloudformation: Any = boto3.client("cloudformation")  # boto3-stubs is installed without its types
    body = json.dumps(
        {
            "Parameters": {name: {"Type": "String"} for name in parameters},
            "Resources": {},
            "Outputs": {key: {"Value": value} for key, value in outputs.items()},
        }
    )
    given = [{"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()]
    pages = cloudformation.get_paginator("describe_stacks").paginate()
    known = next((one for page in pages for one in page["Stacks"] if one["StackName"] == stack), None)
    if known is None:
        cloudformation.create_stack(StackName=stack, TemplateBody=body, Parameters=given)
    # CloudFormation refuses an update that changes nothing.
    elif (_values(known, "Output"), _values(known, "Parameter")) != (dict(outputs), dict(parameters)):
        cloudformation.update_stack(StackName=stack, TemplateBody=body, Parameters=given)


def _values(described: Mapping[str, Any], kind: str) -> dict[str, str]:
    """Return the values of a stack's outputs or parameters by their keys."""
    return {one[f"{kind}Key"]: one[f"{kind}Value"] for one in described.get(f"{kind}s", ())}

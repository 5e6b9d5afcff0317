"""Check that the role of a state machine allows what its definition does.

On AWS an execution fails where its role lacks a permission; here the deployment does. The permissions are those of
https://docs.aws.amazon.com/step-functions/latest/dg/service-integration-iam-templates.html and, for a Distributed Map,
https://docs.aws.amazon.com/step-functions/latest/dg/iam-policies-eg-dist-map.html.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from local.errors import LocalError
from local.template import ACCOUNT_ID, StateMachineSpec, state_machine_arn

# The action of each task, the parameter that names its resource, and the resource's ARN by that name.
TASKS = {
    "arn:aws:states:::lambda:invoke": ("lambda:InvokeFunction", "FunctionName", "{name}"),
    "arn:aws:states:::sqs:sendMessage": ("sqs:SendMessage", "QueueUrl", "arn:aws:sqs:{region}:{account}:{last}"),
    "arn:aws:states:::aws-sdk:sfn:startSyncExecution": ("states:StartSyncExecution", "StateMachineArn", "{name}"),
    "arn:aws:states:::aws-sdk:sfn:listExecutions": ("states:ListExecutions", "StateMachineArn", "{name}"),
    "arn:aws:states:::aws-sdk:sagemaker:deleteEndpoint": (
        "sagemaker:DeleteEndpoint",
        "EndpointName",
        "arn:aws:sagemaker:{region}:{account}:endpoint/{name}",
    ),
    "arn:aws:states:::aws-sdk:scheduler:getSchedule": (
        "scheduler:GetSchedule",
        "Name",
        "arn:aws:scheduler:{region}:{account}:schedule/default/{name}",
    ),
    "arn:aws:states:::aws-sdk:scheduler:deleteSchedule": (
        "scheduler:DeleteSchedule",
        "Name",
        "arn:aws:scheduler:{region}:{account}:schedule/default/{name}",
    ),
}
OF_CHILDREN = ("states:DescribeExecution", "states:StopExecution", "states:RedriveExecution")
TO_WRITE_RESULTS = ("s3:PutObject", "s3:ListMultipartUploadParts", "s3:AbortMultipartUpload")


class PermissionMissing(LocalError):
    """A role doesn't allow what its state machine does."""


@dataclass(frozen=True)
class Permission:
    """An action on a resource; `resource` ends with `/*` where only an execution knows the name or key."""

    action: str
    resource: str


def check_role(machine: StateMachineSpec, region: str) -> None:
    """Raise PermissionMissing for the first permission that the machine's role lacks."""
    if machine.role is None:
        return
    for permission in _permissions_of(json.loads(machine.definition), machine.name, region):
        if not _allows(machine.role, permission):
            lacking = f"{permission.action} on {permission.resource}"
            raise PermissionMissing(f"The role of {machine.name} lacks {lacking}, which its definition needs.")


def _permissions_of(machine: Mapping[str, Any], name: str, region: str) -> Iterator[Permission]:
    for state in machine["States"].values():
        if state["Type"] == "Task":
            yield _of_task(state, region)
        if "ItemProcessor" in state:
            if state["ItemProcessor"]["ProcessorConfig"]["Mode"] == "DISTRIBUTED":
                yield from _of_distributed_map(state, name, region)
            yield from _permissions_of(state["ItemProcessor"], name, region)


def _of_distributed_map(state: Mapping[str, Any], name: str, region: str) -> Iterator[Permission]:
    machine = state_machine_arn(name, region)
    yield Permission("states:StartExecution", machine)
    for action in OF_CHILDREN:
        yield Permission(action, f"{machine.replace(':stateMachine:', ':execution:')}:child")
    yield Permission("s3:GetObject", f"arn:aws:s3:::{state['ItemReader']['Parameters']['Bucket']}/*")
    for action in TO_WRITE_RESULTS:
        yield Permission(action, f"arn:aws:s3:::{state['ResultWriter']['Parameters']['Bucket']}/*")


def _of_task(state: Mapping[str, Any], region: str) -> Permission:
    action, parameter, arn = TASKS[state["Resource"]]
    name = state["Parameters"].get(parameter, "*")
    # A queue is named by its URL.
    return Permission(action, arn.format(name=name, last=name.rsplit("/", 1)[-1], region=region, account=ACCOUNT_ID))


def _allows(role: Sequence[Mapping[str, Any]], permission: Permission) -> bool:
    return any(
        permission.action in _listed(statement["Action"])
        and any(_covers(pattern, permission.resource) for pattern in _listed(statement["Resource"]))
        for statement in role
    )


def _covers(pattern: str, resource: str) -> bool:
    if resource.endswith("/*"):
        return pattern.startswith(resource[:-1])
    expression = "".join({"*": ".*", "?": "."}.get(letter, re.escape(letter)) for letter in pattern)
    return re.fullmatch(expression, resource) is not None


def _listed(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]

"""Tell the app stack how its endpoint serves, so that the workflow waits for cold starts and captures in its place.

A serverless endpoint has no data capture: https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints.html.
Two parameters of the stack say so. UpdateStack keeps its template, its other parameters, its tags, topics and role:
https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_UpdateStack.html.
"""

from collections.abc import Mapping
from typing import Any

import boto3
from botocore.exceptions import ClientError
from rich.console import Console

from training.errors import StackError
from training.sagemaker.aws_errors import sentence
from training.sagemaker.polling import pauses
from training.sagemaker.stacks import Outputs, StackMissing, describe_stack, read_outputs
from training.sagemaker.update import is_serverless

KIND, CAPTURE = "EndpointKind", "ClassifyCapture"
# Those of template.yaml.
INSTANCES = {KIND: "instances", CAPTURE: "0"}
# The stack serves with its new parameters; only what they replaced is still deleted.
UPDATED = {"UPDATE_COMPLETE", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"}


class StackNotUpdated(StackError):
    """The app stack doesn't know how its endpoint serves; the message says how to tell it."""


def follow_endpoint(stack: str, endpoint: str, percentage: int | None = None) -> str:
    """Set the app stack's parameters to how the endpoint serves, wait for it, and return a line about that.

    Of the requests to a serverless endpoint Classify captures `percentage`, by default as many as before. The line is
    empty where the stack has these parameters already, or needs none as the endpoint runs on instances.

    Raises:
        StackNotUpdated: the stack can't be updated, or the update failed; with the reason.
    """
    wanted = _parameters_for(endpoint, percentage)
    given = f"`sam deploy --parameter-overrides {_words(wanted)}`"
    try:
        found = read_outputs(stack)
    except StackMissing:
        return "" if wanted == INSTANCES else f"There is no app stack {stack} yet: create it by {given}."
    except StackError as error:
        if wanted == INSTANCES:
            return f"It isn't known whether the app stack {stack} expects a serverless endpoint: {error}"
        raise _not_updated(stack, endpoint, f"{error}", given) from error
    if found.values.get("EndpointName") != endpoint:
        other = f"The app stack {stack} calls another endpoint, {found.values.get('EndpointName')}"
        return "" if wanted == INSTANCES else f"{other}: deploy the stack of {endpoint} by {given}."
    if wanted == INSTANCES and CAPTURE not in found.parameters:
        return ""
    return _update(found, endpoint, wanted, given)


def _parameters_for(endpoint: str, percentage: int | None) -> dict[str, str]:
    """Return the parameters that say how the endpoint serves; without ClassifyCapture where it stays as it is."""
    if not is_serverless(boto3.client("sagemaker").describe_endpoint(EndpointName=endpoint)):
        return INSTANCES
    return {KIND: "serverless"} | ({} if percentage is None else {CAPTURE: str(percentage)})


def _update(found: Outputs, endpoint: str, wanted: Mapping[str, str], given: str) -> str:
    stack = found.stack
    if missing := [name for name in wanted if name not in found.parameters]:
        reason = f"It has no parameter {' and no '.join(missing)}; deploy this version of template.yaml."
        raise _not_updated(stack, endpoint, reason, given)
    changed = {name: value for name, value in wanted.items() if found.parameters[name] != value}
    if not changed:
        return ""
    try:
        _send(stack, changed)
    except ClientError as error:
        raise _not_updated(stack, endpoint, sentence(error), given) from error
    status, reason = _settled(stack)
    if status not in UPDATED:
        raise _not_updated(stack, endpoint, f"It is {status}: {reason}", given)
    return f"The app stack {stack} is updated: {_words(changed)}."


def _send(stack: str, changed: Mapping[str, str]) -> None:
    """Start the update."""
    before = describe_stack(stack)
    parameters = [
        {"ParameterKey": name, "ParameterValue": changed[name]}
        if name in changed
        else {"ParameterKey": name, "UsePreviousValue": True}
        for name in (one["ParameterKey"] for one in before["Parameters"])
    ]
    # SAM's transform is a macro, which needs a capability that `sam deploy` doesn't: it sends a change set.
    capabilities = [*before.get("Capabilities", []), "CAPABILITY_AUTO_EXPAND"]
    cloudformation: Any = boto3.client("cloudformation")  # boto3-stubs is installed without its types
    cloudformation.update_stack(
        StackName=stack, UsePreviousTemplate=True, Parameters=parameters, Capabilities=capabilities
    )


def _settled(stack: str) -> tuple[str, str]:
    """Wait until the update has ended, and return the stack's status with its reason."""
    with Console(stderr=True).status(f"The app stack {stack} …") as shown:
        for waited in pauses():
            found = describe_stack(stack)
            status = found["StackStatus"]
            if status in UPDATED or not status.endswith("_IN_PROGRESS"):
                return status, found.get("StackStatusReason", "see its events in CloudFormation")
            shown.update(f"The app stack {stack} has been {status} for {waited:.0f} s")
    raise AssertionError("pauses() never ends")


def _not_updated(stack: str, endpoint: str, reason: str, given: str) -> StackNotUpdated:
    return StackNotUpdated(
        f"The endpoint {endpoint} is in service, but the app stack {stack} isn't updated. {reason} Then give {given}."
    )


def _words(parameters: Mapping[str, str]) -> str:
    return " ".join(f"{name}={value}" for name, value in parameters.items())

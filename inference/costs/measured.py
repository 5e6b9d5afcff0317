"""What an image takes, as the executions of `workflow run` and the deployed stack tell."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from inference.errors import InferenceError
from inference.executions import Execution

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_lambda.literals import ArchitectureType
    from mypy_boto3_stepfunctions import SFNClient

# What a function runs on whose configuration doesn't say.
DEFAULT_ARCHITECTURE: "ArchitectureType" = "x86_64"


class CostsError(InferenceError):
    """There is nothing to measure, or no price."""


@dataclass(frozen=True)
class Measured:
    """Means of the executions looked at: states entered, seconds, seconds by function, share that a person sees.

    A function goes by the name or ARN that the state machine calls it by.
    """

    executions: int
    transitions: float
    seconds: float
    function_seconds: Mapping[str, float]
    review: float


@dataclass(frozen=True)
class DeployedFunction:
    """What decides the price of a function's time: memory in MB, and the instruction set, `x86_64` or `arm64`."""

    memory: int
    architecture: str


def measure_executions(client: "SFNClient", executions: Sequence[Execution], most: int = 50) -> Measured:
    """Read the histories of the last executions that the model answered, at most *most*.

    Raises CostsError where there is none.
    """
    looked = [one for one in executions if one.execution_arn and one.inference_id and one.seconds][-most:]
    if not looked:
        raise CostsError("No execution has reached the model; run some by `workflow run`.")
    transitions, by_function = [], defaultdict(list)
    for one in looked:
        pages = client.get_paginator("get_execution_history").paginate(executionArn=str(one.execution_arn))
        events = [event for page in pages for event in page["events"]]
        transitions.append(sum(event["type"].endswith("StateEntered") for event in events))
        for name, seconds in _tasks(events):
            by_function[name].append(seconds)
    return Measured(
        executions=len(looked),
        transitions=fmean(transitions),
        seconds=fmean(one.seconds or 0.0 for one in looked),
        function_seconds={name: fmean(values) for name, values in by_function.items()},
        review=fmean(one.review_reason is not None for one in looked),
    )


def read_functions(client: "LambdaClient", names: Iterable[str]) -> dict[str, DeployedFunction]:
    """Return what is deployed of each function.

    Source: https://docs.aws.amazon.com/lambda/latest/api/API_GetFunctionConfiguration.html. Raises CostsError where a
    function is gone or may not be read.
    """
    functions = {}
    for name in names:
        try:
            found = client.get_function_configuration(FunctionName=name)
        except client.exceptions.ResourceNotFoundException as error:
            raise CostsError(f"The function {name} is gone; measure new executions by `workflow run`.") from error
        except client.exceptions.ClientError as error:
            raise _refused(error, f"the function {name}", "lambda:GetFunctionConfiguration") from error
        functions[name] = DeployedFunction(found["MemorySize"], found.get("Architectures", [DEFAULT_ARCHITECTURE])[0])
    return functions


def read_batch_size(client: "SFNClient", state_machine_arn: str) -> int:
    """Return how many images a child of the deployed ClassifyBatch takes.

    Raises CostsError where the state machine is another one, is gone, or may not be read.
    """
    try:
        definition = json.loads(client.describe_state_machine(stateMachineArn=state_machine_arn)["definition"])
        return int(definition["States"]["Defaults"]["Result"]["batch_size"])
    except client.exceptions.ClientError as error:
        raise _refused(error, f"the state machine {state_machine_arn}", "states:DescribeStateMachine") from error
    except (ValueError, KeyError, TypeError) as error:
        raise CostsError(f"{state_machine_arn} isn't ClassifyBatch: its definition has no batch size.") from error


def _refused(error: ClientError, what: str, action: str) -> CostsError:
    """Return the error to raise for one of AWS, with the permission that is missing where that is the reason."""
    code = error.response["Error"]["Code"]
    if code.startswith("AccessDenied"):
        return CostsError(f"You may not read {what} ({code}); ask for {action}.")
    return CostsError(f"AWS did not describe {what}: {error}")


def _tasks(events: Iterable[Mapping[str, Any]]) -> Iterable[tuple[str, float]]:
    """Yield each call of a function that ended, with how long it took, its way there included."""
    started: dict[int, tuple[str, Any]] = {}
    for event in events:
        if event["type"] == "TaskScheduled" and event["taskScheduledEventDetails"]["resourceType"] == "lambda":
            called = json.loads(event["taskScheduledEventDetails"]["parameters"])["FunctionName"]
            started[event["id"]] = (called, event["timestamp"])
        elif event["type"] == "TaskStarted" and event["previousEventId"] in started:
            started[event["id"]] = (started.pop(event["previousEventId"])[0], event["timestamp"])
        elif event["type"] in ("TaskSucceeded", "TaskFailed") and event["previousEventId"] in started:
            name, begun = started.pop(event["previousEventId"])
            yield name, (event["timestamp"] - begun).total_seconds()

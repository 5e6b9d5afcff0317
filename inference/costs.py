"""What 1,000 images cost in three scenarios, term by term, from measured executions and a table of prices.

The baseline is one Standard execution per image with three functions and nothing else. The others are single images
(ClassifyImage) and a batch (ClassifyBatch). What all three pay alike is left out: the endpoint, logs, storage.
"""

import json
import math
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

IMAGES = 1000
FUNCTIONS = 3
# Express is billed by 64 MB and 100 ms; ours hold less than that.
EXPRESS_GIGABYTES = 64 / 1024
EXPRESS_STEP = 0.1
# What a function runs on whose configuration doesn't say.
DEFAULT_ARCHITECTURE: "ArchitectureType" = "x86_64"
# States of ClassifyBatch itself: Defaults, Settings, Source, and the Distributed Map.
BATCH_STATES = 4
# The driver's list of a prefix, its manifest, and what ResultWriter puts and the driver reads.
BATCH_PUTS, BATCH_GETS = 4, 4

Terms = dict[str, tuple[float, float, str]]
"""By name: how many, the price of one in USD, and what they are."""


class CostsError(InferenceError):
    """There is nothing to measure."""


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


@dataclass(frozen=True)
class Scenario:
    """What 1,000 images cost in one scenario: USD by term, and the quantity and price behind each term."""

    name: str
    terms: Mapping[str, float]
    quantities: Mapping[str, str]

    @property
    def orchestration(self) -> float:
        """What state transitions and Express requests with their duration cost."""
        return sum(cost for term, cost in self.terms.items() if term.startswith(("state", "Express")))


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


def scenarios(
    measured: Measured, prices: Mapping[str, Any], functions: Mapping[str, DeployedFunction], batch_size: int
) -> list[Scenario]:
    """Return the baseline, single images and a batch, in this order; *functions* by their names in *measured*.

    The baseline's functions are taken to run as long as ours.
    """
    work = _work(measured, prices, functions)
    review = {"SQS requests": (measured.review * IMAGES, prices["sqs_request"], "messages to review and audit")}
    children = math.ceil(IMAGES / batch_size)
    gigabyte_seconds = (IMAGES + children) * _billed(measured.seconds) * EXPRESS_GIGABYTES
    batch = {
        "state transitions": (BATCH_STATES + children, prices["states_transition"], "states and children"),
        "Express requests": (IMAGES + children, prices["express_request"], "images and children"),
        "Express duration": (gigabyte_seconds, prices["express_gb_second"], "GB-seconds"),
        "S3 lists and puts": (BATCH_PUTS, prices["s3_put"], "lists, manifests and results"),
        "S3 gets of results": (BATCH_GETS, prices["s3_get"], "manifests and results"),
    }

    def standard(states: float) -> Terms:
        return {"state transitions": (states * IMAGES, prices["states_transition"], f"({states:.3g} an image)")}

    return [
        _scenario("baseline", standard(FUNCTIONS) | work),
        _scenario("single images", standard(measured.transitions) | work | review),
        _scenario("batch", batch | work | review),
    ]


def _work(measured: Measured, prices: Mapping[str, Any], functions: Mapping[str, DeployedFunction]) -> Terms:
    used: dict[str, float] = defaultdict(float)
    for name, seconds in measured.function_seconds.items():
        used[functions[name].architecture] += seconds * functions[name].memory / 1024 * IMAGES
    durations: Terms = {
        f"Lambda duration, {architecture}": (gigabyte_seconds, prices["lambda_gb_second"][architecture], "GB-seconds")
        for architecture, gigabyte_seconds in used.items()
    }
    requests: Terms = {"Lambda requests": (FUNCTIONS * IMAGES, prices["lambda_request"], "calls")}
    return requests | durations | {"S3 gets": (IMAGES, prices["s3_get"], "images")}


def _scenario(name: str, terms: Terms) -> Scenario:
    return Scenario(
        name,
        {term: number * price for term, (number, price, _) in terms.items()},
        {term: f"{number:,.5g} {what} at ${price:.8f}" for term, (number, price, what) in terms.items()},
    )


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


def _billed(seconds: float) -> float:
    return math.ceil(seconds / EXPRESS_STEP) * EXPRESS_STEP

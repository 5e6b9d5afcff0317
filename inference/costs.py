"""What 1,000 images cost on three paths, term by term, from measured executions and a table of prices.

The paths: the course project's (a Standard execution an image, three functions, nothing else), ours for single images
(ClassifyImage), and ours in batch (ClassifyBatch). What all three pay alike is left out: the endpoint, logs, storage.
"""

import json
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING, Any

from contracts.outcomes import Outcome
from inference.errors import InferenceError
from inference.executions import Execution

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

IMAGES = 1000
FUNCTIONS = 3
# Express is billed by 64 MB and 100 ms; ours hold less than that.
EXPRESS_GIGABYTES = 64 / 1024
EXPRESS_STEP = 0.1
# States of ClassifyBatch itself: Defaults, Settings, Source, and the Distributed Map.
BATCH_STATES = 4
# The driver's list of a prefix, its manifest, and what ResultWriter puts and the driver reads.
BATCH_PUTS, BATCH_GETS = 4, 4


class CostsError(InferenceError):
    """There is nothing to measure."""


@dataclass(frozen=True)
class Measured:
    """Means of the executions looked at: states entered, seconds, seconds by function, share that goes to review."""

    executions: int
    transitions: float
    seconds: float
    function_seconds: Mapping[str, float]
    review: float


@dataclass(frozen=True)
class Path:
    """What 1,000 images cost on a path: USD by term, and what each term is."""

    name: str
    terms: Mapping[str, float]
    said: Mapping[str, str]

    @property
    def orchestration(self) -> float:
        """What state transitions and Express requests with their duration cost."""
        return sum(cost for term, cost in self.terms.items() if term.startswith(("state", "Express")))


def measure(client: "SFNClient", executions: Sequence[Execution], most: int = 50) -> Measured:
    """Look at the histories of the last executions that the model answered, so many at most.

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
        review=fmean(one.outcome == Outcome.REVIEW for one in looked),
    )


def paths(measured: Measured, prices: Mapping[str, Any], memory: Mapping[str, int], batch_size: int) -> list[Path]:
    """Return the three paths; `memory` in MB by function.

    The course project's functions and ours are taken to run equally long.
    """
    work = _work(measured, prices, memory)
    review = {"SQS requests": (measured.review * IMAGES, prices["sqs_request"], "messages to review")}
    children = math.ceil(IMAGES / batch_size)
    gigabyte_seconds = (IMAGES + children) * _billed(measured.seconds) * EXPRESS_GIGABYTES
    batch = {
        "state transitions": (BATCH_STATES + children, prices["states_transition"], "states and children"),
        "Express requests": (IMAGES + children, prices["express_request"], "images and children"),
        "Express duration": (gigabyte_seconds, prices["express_gb_second"], "GB-seconds"),
        "S3 lists and puts": (BATCH_PUTS, prices["s3_put"], "lists, manifests and results"),
        "S3 gets of results": (BATCH_GETS, prices["s3_get"], "manifests and results"),
    }

    def standard(states: float) -> dict[str, tuple[float, float, str]]:
        return {"state transitions": (states * IMAGES, prices["states_transition"], f"({states:.3g} an image)")}

    return [
        _path("course project", standard(FUNCTIONS) | work),
        _path("ours, single", standard(measured.transitions) | work | review),
        _path("ours, batch", batch | work | review),
    ]


def _work(
    measured: Measured, prices: Mapping[str, Any], memory: Mapping[str, int]
) -> dict[str, tuple[float, float, str]]:
    used = sum(seconds * _memory(name, memory) / 1024 for name, seconds in measured.function_seconds.items())
    return {
        "Lambda requests": (FUNCTIONS * IMAGES, prices["lambda_request"], "calls"),
        "Lambda duration": (used * IMAGES, prices["lambda_gb_second"], "GB-seconds"),
        "S3 gets": (IMAGES, prices["s3_get"], "images"),
    }


def _path(name: str, terms: Mapping[str, tuple[float, float, str]]) -> Path:
    return Path(
        name,
        {term: number * price for term, (number, price, _) in terms.items()},
        {term: f"{number:,.5g} {what} at ${price:.8f}" for term, (number, price, what) in terms.items()},
    )


def _memory(name: str, memory: Mapping[str, int]) -> int:
    """Return a function's memory; CloudFormation puts the logical id into the name."""
    found = [size for logical_id, size in memory.items() if logical_id in name]
    if not found:
        raise CostsError(f"The executions call {name}, which the template doesn't have.")
    return found[0]


def _tasks(events: Iterable[Mapping[str, Any]]) -> Iterable[tuple[str, float]]:
    """Yield each call of a function that ended, with how long it took, its way there included."""
    started: dict[int, tuple[str, Any]] = {}
    for event in events:
        if event["type"] == "TaskScheduled" and event["taskScheduledEventDetails"]["resourceType"] == "lambda":
            called = json.loads(event["taskScheduledEventDetails"]["parameters"])["FunctionName"]
            started[event["id"]] = (called.split(":function:")[-1], event["timestamp"])
        elif event["type"] == "TaskStarted" and event["previousEventId"] in started:
            started[event["id"]] = (started.pop(event["previousEventId"])[0], event["timestamp"])
        elif event["type"] in ("TaskSucceeded", "TaskFailed") and event["previousEventId"] in started:
            name, begun = started.pop(event["previousEventId"])
            yield name, (event["timestamp"] - begun).total_seconds()


def _billed(seconds: float) -> float:
    return math.ceil(seconds / EXPRESS_STEP) * EXPRESS_STEP

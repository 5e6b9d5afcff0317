"""Executions in a state: a batch with its Map Run, and one that ran when the stack ended."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from moto.stepfunctions.parser.models import StepFunctionsParserBackend

from local.state.executions import ENDED_WITH_THE_STACK, Executions

ROLE = "arn:aws:iam::123456789012:role/x"
DEFINITION = json.dumps({"StartAt": "Pass", "States": {"Pass": {"Type": "Pass", "End": True}}})
RUN = "arn:aws:states:us-east-1:123456789012:mapRun:batch/label:1"
COUNTS = {
    "aborted": 0,
    "failed": 1,
    "pending": 0,
    "results_written": 2,
    "running": 0,
    "succeeded": 2,
    "timed_out": 0,
    "total": 3,
}


@pytest.fixture
def backend() -> Iterator[StepFunctionsParserBackend]:
    """A service with one state machine of each type."""
    backend = StepFunctionsParserBackend("us-east-1", "123456789012")
    for name, kind in (("batch", "STANDARD"), ("image", "EXPRESS")):
        backend.create_state_machine(name, DEFINITION, ROLE, sm_type=kind)
    yield backend
    backend.reset()


def saved(name: str, status: str, **changes: Any) -> dict[str, Any]:
    return {
        "name": name,
        "arn": f"arn:aws:states:us-east-1:123456789012:execution:batch:{name}",
        "input": '{"a": 1}',
        "started": "2026-11-26T05:00:00+00:00",
        "stopped": "2026-11-26T05:01:00+00:00",
        "status": status,
        "output": None,
        "error": None,
        "cause": None,
        "map_runs": [],
    } | changes


def map_run(status: str, stopped: str | None) -> dict[str, Any]:
    return {
        "map_run_arn": RUN,
        "map_state_machine_arn": "arn:aws:states:us-east-1:123456789012:stateMachine:batch/label",
        "limits": [40, 0, 5.0],
        "status": status,
        "started": "2026-11-26T05:00:01+00:00",
        "stopped": stopped,
        "items": COUNTS,
        "executions": COUNTS | {"total": 2},
    }


def machine(backend: StepFunctionsParserBackend) -> str:
    (arn,) = (one.arn for one in backend.state_machines if one.name == "batch")
    return str(arn)


def test_what_is_saved_is_what_was_restored(backend: StepFunctionsParserBackend) -> None:
    ended = saved(
        "good", "SUCCEEDED", output={"b": [1, None]}, map_runs=[map_run("SUCCEEDED", "2026-11-26T05:01:00+00:00")]
    )
    given = {machine(backend): [ended, saved("bad", "FAILED", error="EndpointBusy", cause="Throttled.")]}
    Executions(backend).restore({**given, "arn:of:a:machine:that:is:gone": [ended]})
    assert Executions(backend).snapshot() == given
    counts = backend.describe_map_run(RUN)["itemCounts"]
    assert (counts["total"], counts["failed"], counts["resultsWritten"]) == (3, 1, 2)
    assert [one["mapRunArn"] for one in backend.list_map_runs(ended["arn"])["mapRuns"]] == [RUN]
    assert backend.get_execution_history(ended["arn"]) == {"events": []}


def test_an_execution_that_ran_when_the_stack_ended_was_aborted_then(backend: StepFunctionsParserBackend) -> None:
    running = saved("batch", "RUNNING", stopped=None, map_runs=[map_run("RUNNING", None)])
    Executions(backend).restore({machine(backend): [running]})
    described = backend.describe_execution(running["arn"])
    assert (described.status, described.cause) == ("ABORTED", ENDED_WITH_THE_STACK)
    assert described.stop_date is not None
    assert backend.describe_map_run(RUN)["status"] == "ABORTED"

"""The state machine ExpireEndpoint of the template, with short waits and a batch that runs until it is stopped."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import boto3

from local import stack
from local.template import substitute
from tests.contract.serving import serve
from tests.waiting import wait_until
from training.deploy import Deployment
from training.lifetime import deploy_until
from training.sagemaker.expiry import set_expiry

BATCH = {"StartAt": "Run", "States": {"Run": {"Type": "Wait", "Seconds": 3600, "End": True}}}


@dataclass(frozen=True)
class Expiring:
    """The two state machines by their ARNs."""

    machine: str
    batch: str

    def set_expiry(self, endpoint: str, at: datetime) -> None:
        """Let the endpoint expire."""
        set_expiry(endpoint, at, self.machine, stack.ROLE_ARN)

    def told_to(self, endpoint: str) -> str:
        """Return the input of the execution that the endpoint's schedule starts when its time has come."""
        return str(boto3.client("scheduler").get_schedule(Name=f"expire-{endpoint}")["Target"]["Input"])

    def last_state(self, told: str) -> str:
        """Run an execution with an input, and name the state in which it ended."""
        states = boto3.client("stepfunctions")
        execution = states.start_execution(stateMachineArn=self.machine, input=told)["executionArn"]
        wait_until(lambda: states.describe_execution(executionArn=execution)["status"] == "SUCCEEDED")
        return self.states_of(execution)[-1]

    def states_of(self, execution: str) -> list[str]:
        """Name the states that an execution has entered, in their order."""
        pages = boto3.client("stepfunctions").get_paginator("get_execution_history").paginate(executionArn=execution)
        events: list[Any] = [event for page in pages for event in page["events"]]
        return [one["stateEnteredEventDetails"]["name"] for one in events if "stateEnteredEventDetails" in one]

    def executions(self) -> list[str]:
        """Return the ARNs of the executions, the last first."""
        found = boto3.client("stepfunctions").list_executions(stateMachineArn=self.machine)["executions"]
        return [one["executionArn"] for one in found]


@contextmanager
def expiring() -> Iterator[Expiring]:
    """Make the state machines, and delete them afterwards."""
    states = boto3.client("stepfunctions")

    def made(name: str, definition: str) -> str:
        return states.create_state_machine(name=name, definition=definition, roleArn=stack.ROLE_ARN)["stateMachineArn"]

    batch = made("ExpiringBatch", json.dumps(BATCH))
    text = (stack.ROOT / "statemachine/expire_endpoint.asl.json").read_text()
    machine = made("Expiring", substitute(text, {"ClassifyBatchArn": batch, "WaitSeconds": 1}))
    yield Expiring(machine, batch)
    for arn in (machine, batch):
        states.delete_state_machine(stateMachineArn=arn)


def serve_until(program: str, endpoint: str, machine: str, at: str) -> Deployment:
    """Deploy an endpoint that expires at a time in ISO 8601, as `workflow deploy --expires` does."""

    def set_it() -> datetime:
        when = datetime.fromisoformat(at)
        set_expiry(endpoint, when, machine, stack.ROLE_ARN)
        return when

    deployment, _ = deploy_until(set_it, endpoint, lambda before: serve(program, endpoint, before_change=before))
    return deployment

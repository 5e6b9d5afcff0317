"""One-time schedules on the local stack start executions."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import boto3
import pytest

from local import stack
from tests.waiting import wait_until

pytestmark = pytest.mark.usefixtures("programs")

NAME = "once"


@pytest.fixture
def machine() -> Iterator[str]:
    """A state machine that ends at once."""
    states = boto3.client("stepfunctions")
    definition = json.dumps({"StartAt": "End", "States": {"End": {"Type": "Succeed"}}})
    arn = states.create_state_machine(name="scheduled", definition=definition, roleArn=stack.ROLE_ARN)[
        "stateMachineArn"
    ]
    yield arn
    states.delete_state_machine(stateMachineArn=arn)


def request(machine: str, at: datetime, told: str = "{}", zone: str = "UTC", **given: Any) -> dict[str, Any]:
    return {
        "Name": NAME,
        "ScheduleExpression": f"at({at.astimezone(ZoneInfo(zone)):%Y-%m-%dT%H:%M:%S})",
        "ScheduleExpressionTimezone": zone,
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "Target": {"Arn": machine, "RoleArn": stack.ROLE_ARN, "Input": told},
        **given,
    }


def inputs(machine: str) -> list[str]:
    """Return the inputs of the executions that were started, in no order."""
    states = boto3.client("stepfunctions")
    started = states.list_executions(stateMachineArn=machine)["executions"]
    return [states.describe_execution(executionArn=one["executionArn"])["input"] for one in started]


def is_kept() -> bool:
    return any(one["Name"] == NAME for one in boto3.client("scheduler").list_schedules()["Schedules"])


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata"])
def test_a_schedule_fires_once_when_its_time_has_come_and_is_deleted_where_it_says_so(machine: str, zone: str) -> None:
    due = datetime.now(UTC) + timedelta(seconds=1)
    boto3.client("scheduler").create_schedule(**request(machine, due, '{"a": 1}', zone, ActionAfterCompletion="DELETE"))
    wait_until(lambda: not is_kept())
    assert inputs(machine) == ['{"a": 1}']


def test_a_schedule_fires_again_only_after_it_was_changed(machine: str) -> None:
    scheduler, past = boto3.client("scheduler"), datetime.now(UTC) - timedelta(hours=1)
    scheduler.create_schedule(**request(machine, past, '"first"'))
    wait_until(lambda: inputs(machine) == ['"first"'])
    scheduler.update_schedule(**request(machine, past + timedelta(days=1), '"later"'))
    # Another schedule that fires after it would have shows that it doesn't.
    scheduler.create_schedule(**request(machine, past, '"other"') | {"Name": "other"})
    wait_until(lambda: len(inputs(machine)) == 2)
    assert sorted(inputs(machine)) == ['"first"', '"other"']
    scheduler.update_schedule(**request(machine, past, '"again"'))
    wait_until(lambda: sorted(inputs(machine)) == ['"again"', '"first"', '"other"'])
    assert is_kept()
    for name in (NAME, "other"):
        scheduler.delete_schedule(Name=name)


def test_a_schedule_whose_state_machine_is_gone_leaves_the_others_alone(machine: str) -> None:
    scheduler, past = boto3.client("scheduler"), datetime.now(UTC) - timedelta(hours=1)
    deleting = {"ActionAfterCompletion": "DELETE"}
    scheduler.create_schedule(**request(f"{machine}-gone", past, **deleting) | {"Name": "gone"})
    scheduler.create_schedule(**request(machine, past, **deleting))
    wait_until(lambda: not scheduler.list_schedules()["Schedules"])
    assert inputs(machine) == ["{}"]


def test_a_schedule_that_is_turned_off_does_not_fire(machine: str) -> None:
    scheduler, past = boto3.client("scheduler"), datetime.now(UTC) - timedelta(hours=1)
    scheduler.create_schedule(**request(machine, past, '"off"', State="DISABLED"))
    scheduler.create_schedule(**request(machine, past, '"on"') | {"Name": "on"})
    wait_until(lambda: inputs(machine) == ['"on"'])
    for name in (NAME, "on"):
        scheduler.delete_schedule(Name=name)

"""When an endpoint expires: the one-time schedule that then starts the app stack's state machine ExpireEndpoint.

Schedules: https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html.
"""

import json
from datetime import UTC, datetime
from typing import Any

import boto3

AT = "at(%Y-%m-%dT%H:%M:%S)"


def expiry_of(endpoint: str) -> datetime | None:
    """Return when an endpoint expires, None where it doesn't.

    A time that has passed means that the expiry waits for a batch or an update to end, or has failed.
    """
    scheduler = boto3.client("scheduler")
    try:
        expression = scheduler.get_schedule(Name=_name(endpoint))["ScheduleExpression"]
    except scheduler.exceptions.ResourceNotFoundException:
        return None
    return datetime.strptime(expression, AT).replace(tzinfo=UTC)


def set_expiry(endpoint: str, at: datetime, state_machine_arn: str, role_arn: str) -> None:
    """Let an endpoint expire at a time, instead of any other; `role_arn` may start the state machine ExpireEndpoint."""
    scheduler = boto3.client("scheduler")
    request = expiry_request(endpoint, at, state_machine_arn, role_arn)
    try:
        # One call changes the time and what is told to the state machine: it compares the two.
        scheduler.update_schedule(**request)
    except scheduler.exceptions.ResourceNotFoundException:
        scheduler.create_schedule(**request)


def cancel_expiry(endpoint: str) -> None:
    """Let an endpoint not expire; that it doesn't anyway is no error."""
    scheduler = boto3.client("scheduler")
    try:
        scheduler.delete_schedule(Name=_name(endpoint))
    except scheduler.exceptions.ResourceNotFoundException:
        return


def expiry_request(endpoint: str, at: datetime, state_machine_arn: str, role_arn: str) -> dict[str, Any]:
    """Return what CreateSchedule and UpdateSchedule take."""
    expression = at.astimezone(UTC).strftime(AT)
    told = {"endpoint": endpoint, "schedule": _name(endpoint), "expression": expression}
    return {
        "Name": _name(endpoint),
        "Description": f"Deletes the endpoint {endpoint}; made by `workflow deploy`.",
        "ScheduleExpression": expression,
        "ScheduleExpressionTimezone": "UTC",
        "FlexibleTimeWindow": {"Mode": "OFF"},
        # The state machine deletes the schedule, after the endpoint.
        "ActionAfterCompletion": "NONE",
        "Target": {"Arn": state_machine_arn, "RoleArn": role_arn, "Input": json.dumps(told)},
    }


def _name(endpoint: str) -> str:
    return f"expire-{endpoint}"

"""The patches for EventBridge Scheduler and for tasks that call it, each tried without and with it."""

import json

from tests.contract.conftest import Outcome

SCHEDULES = """
    import json
    import boto3
    from botocore.exceptions import ClientError
    from moto import mock_aws
    mock_aws().start()
    scheduler = boto3.client("scheduler")
    machine = "arn:aws:states:us-east-1:123456789012:stateMachine:machine"
    def put(call=scheduler.create_schedule, expression="at(2999-01-01T00:00:00)", arn=machine, zone="UTC", **given):
        target = {"Arn": arn, "RoleArn": "arn:aws:iam::123456789012:role/role", "Input": "{}"} | given.pop("target", {})
        try:
            call(
                Name="one", ScheduleExpression=expression, ScheduleExpressionTimezone=zone, Target=target,
                FlexibleTimeWindow={"Mode": "OFF"}, **given,
            )
        except ClientError as error:
            return error.response["Error"]["Code"], error.response["Error"]["Message"]
"""
REFUSED = """
    found = []
    for given in (
        {"expression": "rate(1 hour)"}, {"expression": "at(2999-02-30T00:00:00)"}, {"expression": "at(tomorrow)"},
        {"zone": "Mars/Phobos"}, {"arn": "arn:aws:lambda:us-east-1:123456789012:function:one"},
    ):
        found.append(put(**given))
        if not found[-1]:
            scheduler.delete_schedule(Name="one")
    put()
    found.append(put(scheduler.update_schedule, "rate(1 hour)"))
    print(json.dumps(found))
"""
UPDATED = """
    put(ActionAfterCompletion="DELETE", State="DISABLED")
    put(scheduler.update_schedule)
    kept = scheduler.get_schedule(Name="one")
    print(json.dumps([kept.get("ActionAfterCompletion"), kept.get("State")]))
"""
ERRORS = """
    import json
    from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_aws_sdk import (
        StateTaskServiceAwsSdk as Service,
    )
    print(json.dumps([Service._normalise_service_error_name(name) for name in ("sagemaker", "scheduler", "sfn")]))
"""


def test_a_schedule_that_would_never_fire_is_refused(outcome: Outcome) -> None:
    assert json.loads(outcome(SCHEDULES + REFUSED, patched=False)) == [None] * 6
    refusals = json.loads(outcome(SCHEDULES + REFUSED, patched=True))
    assert {code for code, _ in refusals} == {"ValidationException"}
    rate, day, word, zone, target, update = (message for _, message in refusals)
    assert "one-time schedules only" in rate
    assert "Invalid Schedule Expression at(2999-02-30T00:00:00)" in day
    assert "at(tomorrow)" in word
    assert "Mars/Phobos" in zone
    assert "refuses the target arn:aws:lambda" in target
    assert "one-time schedules only" in update


def test_an_update_replaces_every_field(outcome: Outcome) -> None:
    assert json.loads(outcome(SCHEDULES + UPDATED, patched=False))[0] == "DELETE"
    assert json.loads(outcome(SCHEDULES + UPDATED, patched=True)) == [None, "ENABLED"]


def test_errors_of_tasks_are_named_as_by_step_functions(outcome: Outcome) -> None:
    assert json.loads(outcome(ERRORS, patched=False))[:2] == ["sagemaker", "scheduler"]
    assert json.loads(outcome(ERRORS, patched=True)) == ["SageMaker", "Scheduler", "Sfn"]

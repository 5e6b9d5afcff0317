"""Executions that fail leave their input in a queue, and are started again from there."""

import json
import subprocess
import sys
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest

from inference.redrive import RedriveError, Redriven, new_name, redrive_listed, redrive_queue, require_readable
from local import stack
from tests.conftest import ROOT
from tests.images import BICYCLE
from tests.waiting import wait_until
from tests.workflow.conftest import ENDPOINT, ROLE, Deployed
from training.deploy import deploy

QUEUE = "FailedExecutions"


def queue() -> str:
    return str(boto3.client("sqs").get_queue_url(QueueName=QUEUE)["QueueUrl"])


def empty_queue() -> None:
    """Delete what other tests left; PurgeQueue is allowed once a minute."""
    sqs = boto3.client("sqs")
    while found := sqs.receive_message(QueueUrl=queue(), MaxNumberOfMessages=10).get("Messages"):
        for message in found:
            sqs.delete_message(QueueUrl=queue(), ReceiptHandle=message["ReceiptHandle"])


def wait_for(number: int) -> None:
    """Wait until so many messages are in the queue; they follow their executions' ends within moments."""
    wait_until(lambda: waiting() >= number)


def waiting() -> int:
    attributes = boto3.client("sqs").get_queue_attributes(QueueUrl=queue(), AttributeNames=["All"])["Attributes"]
    return int(attributes["ApproximateNumberOfMessages"])


def machine(deployed: Deployed) -> str:
    return deployed.stack.environment["WORKFLOW_STATE_MACHINE_ARN"]


def put(key: str) -> dict[str, str]:
    boto3.client("s3").put_object(Bucket=stack.BUCKET, Key=key, Body=BICYCLE)
    return {"s3_bucket": stack.BUCKET, "s3_key": key}


def execute(deployed: Deployed, name: str, given: dict[str, Any]) -> str:
    """Start an execution and return its ARN."""
    arn = boto3.client("stepfunctions").start_execution(
        stateMachineArn=machine(deployed), name=name, input=json.dumps(given)
    )["executionArn"]
    return str(arn)


def ended(arn: str) -> Any:
    states = boto3.client("stepfunctions")
    wait_until(lambda: states.describe_execution(executionArn=arn)["status"] != "RUNNING")
    return states.describe_execution(executionArn=arn)


def redriven(deployed: Deployed) -> list[Any]:
    """Return how the executions ended that were started again."""
    pages = boto3.client("stepfunctions").get_paginator("list_executions").paginate(stateMachineArn=machine(deployed))
    found = [one["executionArn"] for page in pages for one in page["executions"] if one["name"].startswith("redrive-")]
    return [ended(arn) for arn in found]


@pytest.fixture
def broken(deployed: Deployed) -> Deployed:
    """A stack whose endpoint isn't there, with an empty queue and nothing that runs."""
    states = boto3.client("stepfunctions")
    arn = machine(deployed)
    wait_until(lambda: not states.list_executions(stateMachineArn=arn, statusFilter="RUNNING")["executions"])
    empty_queue()
    deployed.stack.deploy({"EndpointName": "no-such-endpoint"})
    return deployed


def repair(deployed: Deployed) -> None:
    """Bring the endpoint back, also where another test has taken it down for good, and lead the stack to it."""
    deploy(deployed.model, endpoint_name=ENDPOINT, bucket=stack.BUCKET, role_arn=ROLE)
    deployed.stack.deploy({"EndpointName": ENDPOINT, "ConfidenceThreshold": "0"})


def fail(deployed: Deployed, name: str, *keys: str) -> list[str]:
    """Let an execution fail for each key, wait until their messages are there, and return their ARNs."""
    before = waiting()
    arns = [execute(deployed, f"{name}-{number}", put(key)) for number, key in enumerate(keys)]
    assert {ended(arn)["error"] for arn in arns} == {"EndpointNotFound"}
    wait_for(before + len(keys))
    return arns


@pytest.mark.drill("Faults of the system")
def test_failed_and_aborted_executions_wait_in_the_queue_and_end_accepted_after_a_redrive(broken: Deployed) -> None:
    fail(broken, "failing", "redrive/1.png", "redrive/ü 2.png")
    repair(broken)
    broken.stack.throttle(1, 60)
    aborted = execute(broken, "aborted", put("redrive/3.png"))
    boto3.client("stepfunctions").stop_execution(executionArn=aborted)
    assert ended(aborted)["status"] == "ABORTED"
    wait_for(3)
    broken.stack.throttle(0, 0)
    before = len(redriven(broken))
    assert redrive_queue(queue()) == Redriven(3, 0)
    found = [json.loads(one["output"]) for one in redriven(broken)]
    assert len(found) == before + 3
    keys = {one["s3_key"] for one in found if one["outcome"] == "ACCEPTED"}
    assert keys >= {"redrive/1.png", "redrive/ü 2.png", "redrive/3.png"}
    assert redrive_queue(queue()) == Redriven(0, 0)


def test_accepted_rejected_and_express_executions_leave_no_message(deployed: Deployed) -> None:
    empty_queue()
    repair(deployed)
    assert ended(execute(deployed, "accepted", put("redrive/good.png")))["status"] == "SUCCEEDED"
    missing = {"s3_bucket": stack.BUCKET, "s3_key": "redrive/missing.png"}
    assert ended(execute(deployed, "rejected", missing))["status"] == "SUCCEEDED"
    assert waiting() == 0


@pytest.mark.drill("Processes that are killed")
def test_no_execution_is_started_twice_when_a_redrive_is_killed_before_it_deletes(
    broken: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail(broken, "killed", "redrive/4.png")
    repair(broken)
    with monkeypatch.context() as killed:
        killed.setattr("inference.redrive.HIDDEN", 0)
        killed.setattr("inference.redrive._delete", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            redrive_queue(queue())
    assert redriven(broken)
    assert redrive_queue(queue()) == Redriven(0, 1)
    assert waiting() == 0


def test_what_fails_again_while_the_fault_is_still_there_stays_in_the_queue(broken: Deployed) -> None:
    fail(broken, "still-broken", *(f"redrive/again-{number}.png" for number in range(12)))
    found = redrive_queue(queue())
    assert (found.started, found.before) == (12, 0)
    redriven(broken)
    wait_for(12 - found.failed_since)
    repair(broken)


def test_a_limit_leaves_the_rest_in_the_queue(broken: Deployed) -> None:
    fail(broken, "limited", "redrive/5.png", "redrive/6.png", "redrive/7.png")
    repair(broken)
    assert redrive_queue(queue(), limit=2) == Redriven(2, 0)
    assert waiting() == 1
    assert redrive_queue(queue()) == Redriven(1, 0)


@pytest.mark.drill("Faults of the system")
def test_executions_whose_event_was_lost_are_found_by_listing_them(broken: Deployed) -> None:
    since = datetime.now(UTC)
    lost = fail(broken, "lost", "redrive/8.png", "redrive/9.png")
    empty_queue()
    repair(broken)
    assert redrive_listed(machine(broken), since, limit=1) == Redriven(1, 0)
    assert redrive_listed(machine(broken), since).before == 1
    started = [ended(arn.rsplit(":", 1)[0] + ":" + new_name(arn)) for arn in lost]
    assert [one["status"] for one in started] == ["SUCCEEDED", "SUCCEEDED"]
    assert redrive_listed(machine(broken), datetime.now(UTC)) == Redriven(0, 0)


@pytest.mark.usefixtures("deployed")
def test_a_message_that_holds_no_execution_stays_and_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("inference.redrive.HIDDEN", 1)
    sqs = boto3.client("sqs")
    empty_queue()
    for body in ("not JSON", "[]", '{"executionArn": "arn"}'):
        sqs.send_message(QueueUrl=queue(), MessageBody=body)
    found = redrive_queue(queue())
    assert found == Redriven(0, 0, unreadable=3)
    with pytest.raises(RedriveError, match="3 messages hold no execution"):
        require_readable(found)
    wait_for(3)
    empty_queue()


def test_the_verb_starts_again_what_waits(broken: Deployed) -> None:
    fail(broken, "verb", "redrive/10.png")
    repair(broken)
    command = [sys.executable, "-m", "cli", "redrive", "--since", "1m"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "from the queue" in done.stdout
    assert "listed since" in done.stdout
    assert waiting() == 0

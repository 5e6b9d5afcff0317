"""`workflow status` on the local stack: what is deployed, what waits, what is in ALARM, and what is not there."""

import json
import os
import pty
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from typer.testing import CliRunner, Result

import cli
from checks.scope import Scope
from cli.show import INTERRUPTED
from tests.commands import schema
from tests.conftest import ROOT
from tests.containers import OLD_RELEASE
from tests.waiting import wait_until
from training.sagemaker.costs import PRICES
from training.sagemaker.expiry import cancel_expiry, set_expiry
from training.sagemaker.stacks import DEFAULT_ENDPOINT, DEFAULT_STACK, Stacks

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


@pytest.fixture(autouse=True)
def _healthy(scope: Scope) -> None:
    """Every test looks at the healthy deployment."""
    assert scope.stack == DEFAULT_STACK


def status(out: Path, *arguments: str) -> Result:
    return CliRunner().invoke(cli.app, ["status", "--out", str(out), *arguments], env={"COLUMNS": "300"})


def record(out: Path, *arguments: str) -> dict[str, Any]:
    """Return what `--json` prints, which must be as its schema says, and agree with the exit code."""
    done = status(out, "--json", *arguments)
    found: dict[str, Any] = json.loads(done.stdout)
    schema("status").validate(found)
    assert done.exit_code == int(bool(found["attention"])), done.output
    return found


def empty(sqs: "SQSClient", url: str) -> None:
    while found := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        for message in found:
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])


def test_a_healthy_endpoint_is_shown_with_its_release_and_its_price(tmp_path: Path) -> None:
    found = record(tmp_path)["endpoint"]
    hour = PRICES["instance_hour"]["ml.m5.large"]
    assert (found["name"], found["status"], found["hourly"]) == (DEFAULT_ENDPOINT, "InService", hour)
    assert (found["kind"], found["capacity"], found["variants"]) == ("instances", "1 x ml.m5.large", ["AllTraffic"])
    assert found["served"]["release"] == OLD_RELEASE.release
    shown = status(tmp_path).output
    assert f"✓ {DEFAULT_ENDPOINT} has been InService since " in shown
    assert f"1 x ml.m5.large, ${hour:.3f} an hour; variant AllTraffic." in shown
    assert f"✓ It serves release {OLD_RELEASE.release}, trained on " in shown
    assert "✓ Nothing waits." in shown


def test_an_endpoint_that_expires_says_when(tmp_path: Path) -> None:
    assert record(tmp_path)["expiry"]["why"].startswith(f"{DEFAULT_ENDPOINT} doesn't expire")
    at, outputs = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=8), Stacks(DEFAULT_STACK).app
    set_expiry(DEFAULT_ENDPOINT, at, outputs["ExpireEndpointArn"], outputs["ExpireScheduleRoleArn"])
    try:
        assert record(tmp_path)["expiry"]["at"] == at.isoformat()
    finally:
        cancel_expiry(DEFAULT_ENDPOINT)


def test_without_an_endpoint_the_rest_is_shown(tmp_path: Path) -> None:
    found = record(tmp_path, "--endpoint", "none")
    assert found["endpoint"] == {
        "why": "There is no endpoint none; `workflow deploy` creates it.",
        "readable": True,
    }
    assert found["queues"]["queues"]
    assert not [sentence for sentence in found["attention"] if sentence.startswith("endpoint")]


def test_without_a_stack_one_line_says_so(tmp_path: Path) -> None:
    done = status(tmp_path, "--stack", "none")
    assert done.exit_code == 1
    (line,) = (line for line in done.output.splitlines() if "There is no stack none in" in line)
    assert line.startswith("queues, alarms, last batch")
    # The endpoint is known by the template's default.
    assert f"{DEFAULT_ENDPOINT} has been InService since " in done.output


def test_what_waits_is_told_with_the_verb_that_works_on_it(tmp_path: Path) -> None:
    sqs, outputs = boto3.client("sqs"), Stacks(DEFAULT_STACK).app
    counts = {"ReviewQueueUrl": 2, "FailedExecutionsQueueUrl": 1, "ReviewDeadLettersUrl": 3, "UploadDeadLettersUrl": 1}
    for output, count in counts.items():
        for _ in range(count):
            sqs.send_message(QueueUrl=outputs[output], MessageBody="{}")
    try:
        found = record(tmp_path)
    finally:
        for output in counts:
            empty(sqs, outputs[output])
    assert [one["messages"] for one in found["queues"]["queues"]] == list(counts.values())
    first, *faults = (f"queues: {one['sentence']}: {one['advice']}" for one in found["queues"]["queues"])
    # Reviews are work; what is in another queue went wrong.
    assert first == "queues: 2 images wait for review: `workflow review`"
    assert [one for one in found["attention"] if one.startswith("queues")] == faults
    assert faults[:2] == [
        "queues: 1 execution failed: `workflow redrive`",
        "queues: 3 reviews were never finished: `workflow review`",
    ]


def test_an_alarm_in_alarm_comes_first_and_needs_attention(tmp_path: Path) -> None:
    cloudwatch, name = boto3.client("cloudwatch"), f"{DEFAULT_STACK}-ZuluAlarm"
    cloudwatch.put_metric_alarm(
        AlarmName=name,
        AlarmDescription="Zulu is late.",
        Namespace="ImageClassification",
        MetricName="Zulu",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=0,
        ComparisonOperator="GreaterThanThreshold",
    )
    try:
        cloudwatch.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="tested")
        found = record(tmp_path)
        first = found["alarms"]["alarms"][0]
        assert first["name"] == name
        assert first["since"] is not None
        assert any(f"{name} has been in ALARM since " in one and "Zulu is late." in one for one in found["attention"])
    finally:
        cloudwatch.delete_alarms(AlarmNames=[name])


def test_a_batch_that_failed_needs_attention(tmp_path: Path) -> None:
    states, machine = boto3.client("stepfunctions"), Stacks(DEFAULT_STACK).batch_state_machine_arn
    arn = states.start_execution(stateMachineArn=machine, name="nothing-named", input="{}")["executionArn"]
    wait_until(lambda: states.describe_execution(executionArn=arn)["status"] != "RUNNING")
    found = record(tmp_path)
    assert (found["batch"]["execution"], found["batch"]["status"]) == ("nothing-named", "FAILED")
    assert any(one.startswith("last batch: nothing-named") for one in found["attention"])


def test_what_was_never_done_is_told_and_is_no_fault(tmp_path: Path) -> None:
    found = record(tmp_path, "--endpoint", "none")
    assert found["drift"]["why"].startswith("Drift was not checked yet")
    assert found["accuracy"]["why"].startswith("Neither the endpoint nor model.json names a data set")
    assert found["drift"]["readable"]
    assert found["accuracy"]["readable"]


def test_it_is_shown_again_in_a_terminal_until_ctrl_c() -> None:
    terminal, side = pty.openpty()
    command = [sys.executable, "-m", "cli", "status", "--watch", "--every", "1"]
    with subprocess.Popen(command, cwd=ROOT, stdout=side, stderr=side) as watching:
        os.close(side)
        seen = b""
        while seen.count(b"last batch") < 2:
            seen += os.read(terminal, 65536)
        watching.send_signal(signal.SIGINT)
        assert watching.wait() == INTERRUPTED
    os.close(terminal)
    assert b"Traceback" not in seen


def test_json_is_printed_once(tmp_path: Path) -> None:
    assert "can't be combined with --watch" in status(tmp_path, "--json", "--watch").output

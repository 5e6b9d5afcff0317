"""`workflow doctor` finds each fault of the stacks, the endpoint, alarms and queues."""

import dataclasses
from pathlib import Path

import boto3
import pytest

from checks.check import Status
from checks.doctor import examine
from checks.scope import Scope
from local import stack
from monitoring.quality.evaluation import EVALUATION_FILE, read_evaluation
from tests.contract.doctor.examined import bad, only_bad, write_evaluation
from training.deploy import deploy
from training.model import MODEL_FILE, Model
from training.sagemaker.endpoint import EndpointOptions
from training.sagemaker.stacks import DEFAULT_ENDPOINT, DEFAULT_STACK


def test_a_missing_endpoint_is_bad(scope: Scope) -> None:
    assert "there is no none" in only_bad(dataclasses.replace(scope, given_endpoint="none")).found


def test_an_endpoint_without_data_capture_is_bad(scope: Scope) -> None:
    options = EndpointOptions(capture_percentage=0)
    deploy(
        Model.read(scope.out / MODEL_FILE),
        endpoint_name="uncaptured",
        bucket=stack.BUCKET,
        role_arn=stack.ROLE_ARN,
        options=options,
    )
    assert only_bad(dataclasses.replace(scope, given_endpoint="uncaptured")).name == "endpoint's data capture"


def test_a_stack_that_does_not_know_how_its_endpoint_serves_or_does_not_capture_for_it_is_bad(
    scope: Scope, programs: stack.Running
) -> None:
    deploy(
        Model.read(scope.out / MODEL_FILE),
        endpoint_name="idle",
        bucket=stack.BUCKET,
        role_arn=stack.ROLE_ARN,
        options=EndpointOptions(serverless_memory=1024),
    )

    def found(endpoint: str, **parameters: str) -> dict[str, str]:
        programs.deploy({"EndpointName": endpoint} | parameters)
        of_the_endpoint = {"endpoint", "endpoint's kind", "endpoint's data capture", "Classify's capture"}
        made = examine(dataclasses.replace(scope))
        return {one.name: one.advice for one in made if one.status is Status.BAD and one.name in of_the_endpoint}

    try:
        assert found("idle") == {
            "endpoint's kind": "Deploy the app stack with EndpointKind=serverless.",
            "Classify's capture": "Reports and drift need it: deploy the app stack with ClassifyCapture=100.",
        }
        assert found("idle", EndpointKind="serverless", ClassifyCapture="10") == {}
        assert found(DEFAULT_ENDPOINT, EndpointKind="serverless", ClassifyCapture="10") == {
            "endpoint's kind": "Deploy the app stack with EndpointKind=instances.",
            "Classify's capture": "Deploy the app stack with ClassifyCapture=0.",
        }
    finally:
        programs.deploy({})


def test_missing_stacks_are_bad_and_what_needs_them_is_skipped(scope: Scope) -> None:
    made = {check.name: check for check in examine(dataclasses.replace(scope, stack="none"))}
    assert made["data stack"].status is made["app stack"].status is Status.BAD
    assert "no stack none-data" in made["data stack"].found
    for name in ("role's trust", "bucket's versioning", "labels", "queues"):
        assert made[name].status is Status.SKIPPED
    assert made["alarms"].status is Status.BAD
    # Before there is an app stack the endpoint is known by the template's default.
    assert made["endpoint"].status is Status.OK


def test_labels_in_another_order_are_bad(scope: Scope, programs: stack.Running) -> None:
    programs.deploy({"ClassLabels": "motorcycle,bicycle"})
    try:
        found = only_bad(scope)
        assert found.name == "labels"
        assert found.advice.endswith("ClassLabels=bicycle,motorcycle.")
        programs.deploy({"ClassLabels": "bicycle,motorcycle"})
        assert not bad(dataclasses.replace(scope))
    finally:
        programs.deploy({})


def test_a_model_that_does_not_describe_itself_needs_labels_and_a_threshold_of_the_stack(
    scope: Scope, programs: stack.Running, tmp_path: Path
) -> None:
    dataclasses.replace(Model.read(scope.out / MODEL_FILE), release=None).write(tmp_path / MODEL_FILE)
    write_evaluation(tmp_path, None)
    plain = dataclasses.replace(scope, out=tmp_path)
    assert set(bad(plain)) == {"labels", "threshold"}
    wanted = read_evaluation(tmp_path / EVALUATION_FILE).threshold
    programs.deploy({"ClassLabels": "bicycle,motorcycle", "ConfidenceThreshold": str(wanted)})
    try:
        assert not bad(dataclasses.replace(plain))
    finally:
        programs.deploy({})


@pytest.mark.parametrize(("own", "is_bad"), [(0.8, False), (0.82, True), (0.75, False), (0.95, True)])
def test_a_threshold_of_the_stack_below_the_models_own_is_bad(
    scope: Scope, programs: stack.Running, tmp_path: Path, own: float, is_bad: bool
) -> None:
    write_evaluation(tmp_path, own)
    assert not bad(dataclasses.replace(scope, out=tmp_path))
    programs.deploy({"ConfidenceThreshold": "0.8"})
    try:
        found = bad(dataclasses.replace(scope, out=tmp_path))
    finally:
        programs.deploy({})
    assert (list(found) == ["threshold"]) is is_bad
    if is_bad:
        assert f"ConfidenceThreshold={own:.4f}" in found["threshold"].advice


def test_an_alarm_in_alarm_is_bad_and_another_stacks_is_none_of_this_one(scope: Scope) -> None:
    cloudwatch = boto3.client("cloudwatch")
    # The local stack evaluates the alarms of endpoints; others keep the state that was set.
    own, other = f"{DEFAULT_STACK}-ExecutionsAlarm-1AB2", f"{DEFAULT_STACK}-dev-ExecutionsAlarm-1AB2"
    for name in (own, other):
        cloudwatch.put_metric_alarm(
            AlarmName=name,
            Namespace="AWS/States",
            MetricName="ExecutionsFailed",
            Statistic="Sum",
            Period=60,
            EvaluationPeriods=1,
            Threshold=0,
            ComparisonOperator="GreaterThanThreshold",
        )
    try:
        cloudwatch.set_alarm_state(AlarmName=other, StateValue="ALARM", StateReason="test")
        assert not bad(scope)
        cloudwatch.set_alarm_state(AlarmName=own, StateValue="ALARM", StateReason="test")
        assert only_bad(scope).found == f"in ALARM: {own}"
    finally:
        cloudwatch.delete_alarms(AlarmNames=[own, other])


@pytest.mark.parametrize("queue", ["ReviewDeadLetters", "UploadDeadLetters", "FailedExecutionsQueue"])
def test_a_message_that_nobody_handles_is_bad(scope: Scope, queue: str) -> None:
    sqs = boto3.client("sqs")
    url = scope.stacks.app[f"{queue}Url"]
    sqs.send_message(QueueUrl=url, MessageBody="{}")
    try:
        found = only_bad(scope)
        assert (found.name, found.found.split()[0]) == (f"queue {queue}", "1")
    finally:
        sqs.purge_queue(QueueUrl=url)


def test_images_that_wait_for_review_are_counted_and_are_not_bad(scope: Scope) -> None:
    sqs = boto3.client("sqs")
    url = scope.stacks.app["ReviewQueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="{}")
    try:
        made = {check.name: check for check in examine(scope)}
        assert made["queue ReviewQueue"].status is Status.OK
        assert made["queue ReviewQueue"].found.startswith("1 messages")
    finally:
        sqs.purge_queue(QueueUrl=url)

"""`--state`: what a stack has made is there again when the next one starts, however the one before ended."""

import io
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest

from contracts.layout import Prefix
from local import launch, stack
from local.state.folder import ACTIVATE, OBJECTS, STATE_FILE
from monitoring.capture.endpoint_metrics import invocations
from tests.conftest import led_to
from tests.containers import write_programs
from tests.contract.serving import answer_of, serve
from tests.processes import command
from tests.waiting import wait_until
from training.sagemaker.endpoint import VARIANT
from training.sagemaker.expiry import expiry_of, set_expiry
from training.sagemaker.scaling import scaling_of
from training.sagemaker.stacks import Stacks

ENDPOINT = "kept"
KEY = "labels/sample/0.json"
EXPIRES = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=8)
SHOWN = ("ETag", "LastModified", "ContentLength", "ContentType", "Metadata", "VersionId", "ServerSideEncryption")


@pytest.fixture(scope="module")
def options(tmp_path_factory: pytest.TempPathFactory) -> stack.Options:
    """Return the options of a stack with a state."""
    folder = tmp_path_factory.mktemp("kept")
    programs = str(write_programs(folder / "images"))
    return stack.Options(logs=str(folder / "logs"), algorithms=programs, state=str(folder / "state"))


@contextmanager
def running(options: stack.Options) -> Iterator[stack.Running]:
    """Run a stack, and lead this process to it."""
    with launch.running(options) as started, led_to(started.environment):
        yield started


def queue(name: str) -> Any:
    return boto3.resource("sqs").get_queue_by_name(QueueName=name)


def head(key: str) -> dict[str, Any]:
    answer = boto3.client("s3").head_object(Bucket=stack.BUCKET, Key=key)
    return {name: answer.get(name) for name in SHOWN}


def seen() -> dict[str, Any]:
    """Return what a user sees of what the first stack made."""
    s3, sagemaker = boto3.client("s3"), boto3.client("sagemaker")
    listed = s3.list_object_versions(Bucket=stack.BUCKET)
    job = sagemaker.describe_training_job(TrainingJobName="past")
    return {
        "versions": [
            (one["Key"], one["VersionId"], one["IsLatest"])
            for one in listed["Versions"]
            if not one["Key"].startswith(Prefix.CAPTURE)
        ],
        "markers": [(one["Key"], one["VersionId"]) for one in listed["DeleteMarkers"]],
        "objects": [head(KEY), head("parts")],
        "tags": s3.get_object_tagging(Bucket=stack.BUCKET, Key=KEY)["TagSet"],
        "config": sagemaker.describe_endpoint(EndpointName=ENDPOINT)["EndpointConfigName"],
        "created": sagemaker.describe_endpoint(EndpointName=ENDPOINT)["CreationTime"],
        "job": (job["TrainingJobStatus"], job["SecondaryStatusTransitions"], job["FinalMetricDataList"]),
        "groups": sagemaker.list_model_package_groups()["ModelPackageGroupSummaryList"],
        "expiry": expiry_of(ENDPOINT),
        "scaling": scaling_of(ENDPOINT),
        "parameters": Stacks().app.parameters,
        "answer": answer_of(ENDPOINT),
        "execution": execution(),
    }


@pytest.fixture(scope="module")
def made(options: stack.Options) -> dict[str, Any]:
    """Make something of every kind on a stack that has ended since, and return what is seen of it."""
    with running(options) as started:
        s3, sagemaker = boto3.client("s3"), boto3.client("sagemaker")
        for body in (b"old", b"new"):
            s3.put_object(
                Bucket=stack.BUCKET, Key=KEY, Body=body, ContentType="a/b", Metadata={"by": "x"}, Tagging="a=b"
            )
        s3.put_object(Bucket=stack.BUCKET, Key="gone", Body=b"new")
        s3.delete_object(Bucket=stack.BUCKET, Key="gone")
        s3.upload_fileobj(io.BytesIO(bytes(9 << 20)), stack.BUCKET, "parts")
        serve("old_release", ENDPOINT, most=3)
        set_expiry(ENDPOINT, EXPIRES, Stacks().app["ExpireEndpointArn"], stack.ROLE_ARN)
        sagemaker.create_model_package_group(ModelPackageGroupName="group", Tags=[{"Key": "a", "Value": "b"}])
        for name, pause in (("past", "0"), ("unfinished", "600")):
            sagemaker.create_training_job(**training_job(name, pause))
        wait_until(lambda: status_of("past") == "Completed")
        started.deploy({"EndpointName": ENDPOINT, "ConfidenceThreshold": "0.55"})
        boto3.client("stepfunctions").start_execution(stateMachineArn=Stacks().state_machine_arn, name="x", input="[]")
        wait_until(lambda: execution_ended("x"))
        queue("ReviewQueue").send_message(MessageBody="held")
        (held,) = queue("ReviewQueue").receive_messages(VisibilityTimeout=3600)
        queue("ReviewQueue").send_message(MessageBody="waits")
        return seen() | {"environment": dict(started.environment), "receipt": held.receipt_handle}


def execution() -> dict[str, Any]:
    """Return the only execution, as it is listed and as it ended."""
    states = boto3.client("stepfunctions")
    (listed,) = states.list_executions(stateMachineArn=Stacks().state_machine_arn)["executions"]
    described = states.describe_execution(executionArn=listed["executionArn"])
    return {**listed, "input": described["input"], "output": described["output"]}


def training_job(name: str, pause: str) -> dict[str, Any]:
    return {
        "TrainingJobName": name,
        "AlgorithmSpecification": {
            "TrainingImage": "123456789012.dkr.ecr.us-east-1.amazonaws.com/mirror_ridge:latest",
            "TrainingInputMode": "File",
            "MetricDefinitions": [{"Name": "accuracy", "Regex": r"validation-accuracy=(\S+)"}],
        },
        "RoleArn": stack.ROLE_ARN,
        "OutputDataConfig": {"S3OutputPath": f"s3://{stack.BUCKET}/models/"},
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 5},
        "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
        "HyperParameters": {"pause": pause},
    }


def status_of(job: str) -> str:
    return boto3.client("sagemaker").describe_training_job(TrainingJobName=job)["TrainingJobStatus"]


def execution_ended(name: str) -> bool:
    arn = Stacks().state_machine_arn.replace(":stateMachine:", ":execution:") + f":{name}"
    return boto3.client("stepfunctions").describe_execution(executionArn=arn)["status"] != "RUNNING"


def counted() -> int:
    """Return how many requests to the endpoint CloudWatch knows of."""
    return sum(invocations(ENDPOINT, [VARIANT], EXPIRES - timedelta(days=1), EXPIRES).values())


@pytest.fixture(scope="module")
def again(options: stack.Options, made: dict[str, Any]) -> Iterator[stack.Running]:
    """Run the next stack with the state of the first."""
    assert made
    with running(options) as started:
        yield started


def test_everything_is_there_again_at_the_same_address_with_the_same_key(
    made: dict[str, Any], again: stack.Running
) -> None:
    assert dict(again.environment) == made["environment"]
    # The stack ended right after the only request, and has counted and captured it all the same.
    assert counted() == 1
    assert boto3.client("s3").list_objects_v2(Bucket=stack.BUCKET, Prefix=Prefix.CAPTURE)["KeyCount"] == 1
    now = seen()
    assert {name: made[name] for name in now} == now
    (old,) = (version for key, version, latest in made["versions"] if key == KEY and not latest)
    answer = boto3.client("s3").get_object(Bucket=stack.BUCKET, Key=KEY, VersionId=old)
    assert answer["Body"].read() == b"old"
    tags = boto3.client("sagemaker").list_tags(ResourceArn=made["groups"][0]["ModelPackageGroupArn"])["Tags"]
    assert tags == [{"Key": "a", "Value": "b"}]


@pytest.mark.usefixtures("again")
def test_messages_still_wait_and_whoever_holds_one_still_holds_it(made: dict[str, Any]) -> None:
    (received,) = queue("ReviewQueue").receive_messages(MaxNumberOfMessages=10)
    assert received.body == "waits"
    boto3.client("sqs").delete_message(QueueUrl=queue("ReviewQueue").url, ReceiptHandle=made["receipt"])
    assert queue("ReviewQueue").attributes["ApproximateNumberOfMessagesNotVisible"] == "1"


@pytest.mark.usefixtures("again")
def test_an_execution_of_before_is_not_started_again_under_its_name() -> None:
    states = boto3.client("stepfunctions")
    with pytest.raises(states.exceptions.ExecutionAlreadyExists):
        states.start_execution(stateMachineArn=Stacks().state_machine_arn, name="x", input="[]")
    assert states.get_execution_history(executionArn=execution()["executionArn"])["events"] == []


@pytest.mark.usefixtures("again")
def test_a_training_job_that_ran_has_ended_with_the_stack() -> None:
    assert status_of("unfinished") in {"Failed", "Stopped"}


def test_the_folder_is_the_owners_alone_and_leads_a_shell_to_the_stack(
    options: stack.Options, again: stack.Running
) -> None:
    folder = Path(options.state)
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in (folder, folder / STATE_FILE, folder / ACTIVATE)}
    assert modes == {folder: 0o700, folder / STATE_FILE: 0o600, folder / ACTIVATE: 0o600}
    script = f"source {folder / ACTIVATE} && env && command -v workflow"
    shell = subprocess.run(["bash", "-c", script], env={"PATH": os.defpath}, capture_output=True, text=True, check=True)
    *variables, workflow = shell.stdout.splitlines()
    assert {f"{name}={value}" for name, value in again.environment.items()} <= {*variables}
    assert Path(workflow).parent == Path(sys.executable).parent


def test_a_stack_that_is_killed_leaves_all_but_the_last_seconds(options: stack.Options, again: stack.Running) -> None:
    folder = Path(options.state)
    boto3.client("s3").put_object(Bucket=stack.BUCKET, Key="late", Body=b"whole")
    wait_until(lambda: '"late"' in (folder / STATE_FILE).read_text())
    os.kill(again.pid, signal.SIGKILL)
    (folder / f".{STATE_FILE}.1.part").write_text("half a fi")
    wait_until(lambda: not command(again.pid))
    with running(replace(options, parameters={"ConfidenceThreshold": "0.7"}, port=0)) as started:
        assert started.environment["AWS_ENDPOINT_URL"] != again.environment["AWS_ENDPOINT_URL"]
        assert boto3.client("s3").get_object(Bucket=stack.BUCKET, Key="late")["Body"].read() == b"whole"
        assert answer_of(ENDPOINT)
        assert Stacks().app["ConfidenceThreshold"] == "0.7"
        assert Stacks().app["EndpointName"] == ENDPOINT
        assert {path.name for path in folder.iterdir()} == {".lock", ACTIVATE, OBJECTS, STATE_FILE}

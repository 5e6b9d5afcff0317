"""The sample events give what events/expected.json records, and uploads start executions with their keys intact."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from local import sam, stack
from local.lambdas import PLAIN_RUNTIME, Function
from local.moto_patches.eventbridge import transformed
from local.template import Template
from tests.conftest import led_to
from tests.images import BICYCLE
from tests.waiting import wait_until
from tests.workflow.conftest import ENDPOINT, Deployed, wait_until_answered

EVENTS = stack.ROOT / "events"
EXPECTED: dict[str, dict[str, Any]] = json.loads((EVENTS / "expected.json").read_text())
# The SDK would put `sync-` before the host's name, which is an address here.
SYNCHRONOUS = Config(inject_host_prefix=False)


def event(name: str) -> Any:
    return json.loads((EVENTS / f"{name}.json").read_text())


@pytest.fixture(scope="module")
def samples(deployed: Deployed) -> None:
    """The app stack as the template has it, but for a threshold that every answer of two classes passes."""
    with led_to(deployed.stack.environment):
        deployed.stack.deploy({"EndpointName": ENDPOINT, "ConfidenceThreshold": "0.5"})
        sam.upload_samples()
        wait_until_answered()


def test_every_event_has_its_outcome_recorded() -> None:
    assert set(EXPECTED) | {"expected"} == {path.stem for path in EVENTS.glob("*.json")}


@pytest.mark.usefixtures("samples")
@pytest.mark.parametrize("name", [name for name, one in EXPECTED.items() if "function" in one])
def test_a_function_answers_its_event_as_recorded(deployed: Deployed, name: str) -> None:
    expected = EXPECTED[name]
    threshold = "0.8" if expected["function"] == "ThresholdFunction" else "0.5"
    deployed.stack.deploy({"EndpointName": ENDPOINT, "ConfidenceThreshold": threshold})
    answer = boto3.client("lambda").invoke(FunctionName=expected["function"], Payload=json.dumps(event(name)))
    said = json.load(answer["Payload"])
    if "error" in expected:
        assert answer["FunctionError"] == "Unhandled"
        assert said["errorType"] == expected["error"]
    else:
        assert "FunctionError" not in answer
        assert said == said | expected["answer"]


@pytest.mark.usefixtures("samples")
@pytest.mark.parametrize(
    ("function", "threshold"), [("SerializeFunction", ""), ("ClassifyFunction", ""), ("ThresholdFunction", "0.8")]
)
def test_the_runtime_in_plain_python_answers_events_as_recorded(
    deployed: Deployed, function: str, threshold: str, tmp_path: Path
) -> None:
    parameters = {"DataBucketName": stack.BUCKET, "EndpointName": ENDPOINT, "ConfidenceThreshold": threshold}
    template = Template(stack.ROOT / "template.yaml", parameters, stack.REGION, lambda *_: "arn")
    (spec,) = (one for one in template.functions() if one.name == function)
    made = Function(spec, stack.REGION, deployed.stack.environment, tmp_path, 1, PLAIN_RUNTIME)
    try:
        for name, expected in EXPECTED.items():
            if expected.get("function") == function:
                result = made.invoke(json.dumps(event(name)).encode())
                said = json.loads(result.payload)
                assert (said.get("errorType"), bool(result.error)) == (expected.get("error"), "error" in expected)
                assert said == said | expected.get("answer", {})
    finally:
        made.stop()


@pytest.mark.usefixtures("samples")
@pytest.mark.parametrize("name", [name for name, one in EXPECTED.items() if "execution" in one])
def test_an_execution_of_an_event_ends_as_recorded(deployed: Deployed, name: str) -> None:
    deployed.stack.deploy({"EndpointName": ENDPOINT, "ConfidenceThreshold": "0.5"})
    client = boto3.client("stepfunctions", config=SYNCHRONOUS)
    arn = deployed.stack.environment["WORKFLOW_STATE_MACHINE_ARN"] + "Express"
    answer = client.start_sync_execution(stateMachineArn=arn, input=json.dumps(event(name)))
    output = json.loads(answer["output"])
    assert output["outcome"] == EXPECTED[name]["execution"]
    assert output.get("error") == EXPECTED[name].get("error")


def test_the_rule_makes_an_input_of_an_uploads_event() -> None:
    template = Template(stack.ROOT / "template.yaml", {"DataBucketName": stack.BUCKET}, stack.REGION, lambda *_: "arn")
    expected = EXPECTED["s3_upload"]
    (target,) = template.rules()[expected["rule"]]["Targets"]
    assert json.loads(transformed(target, event("s3_upload"))) == expected["input"]


def started(machine: str, keys: set[str]) -> Iterator[dict[str, Any]]:
    """Yield the finished executions whose input names one of the keys."""
    client = boto3.client("stepfunctions")
    for page in client.get_paginator("list_executions").paginate(stateMachineArn=machine):
        for one in page["executions"]:
            execution = client.describe_execution(executionArn=one["executionArn"])
            asked = json.loads(execution["input"])
            if asked["s3_key"] in keys and execution["status"] != "RUNNING":
                yield asked | {"status": execution["status"], "output": json.loads(execution["output"])}


@pytest.mark.usefixtures("samples")
def test_uploads_under_incoming_are_classified_whatever_their_keys_are(deployed: Deployed) -> None:
    keys = {
        "incoming/plain.png",
        "incoming/with space.png",
        "incoming/a+b & c=d.png",
        "incoming/100%25 of 100%.png",
        "incoming/vélo 自転車 🚲.png",
        'incoming/"quoted" \\ <key>.png',
        "incoming/deep/er/?#[x].png",
    }
    s3 = boto3.client("s3")
    versions = {key: s3.put_object(Bucket=stack.BUCKET, Key=key, Body=BICYCLE)["VersionId"] for key in keys}
    s3.put_object(Bucket=stack.BUCKET, Key="elsewhere/incoming/not.png", Body=BICYCLE)
    machine = deployed.stack.environment["WORKFLOW_STATE_MACHINE_ARN"]
    wait_until(lambda: len(list(started(machine, keys))) == len(keys))
    ended = list(started(machine, keys))
    assert {one["s3_key"]: one["s3_version_id"] for one in ended} == versions
    assert {one["output"]["outcome"] for one in ended} == {"ACCEPTED"}
    assert {one["output"]["s3_key"] for one in ended} == keys
    assert not list(started(machine, {"elsewhere/incoming/not.png"}))

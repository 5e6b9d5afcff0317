"""Verbs that find bucket, role, state machines and endpoint in the stacks' outputs; and a line where they can't."""

import json
from pathlib import Path

import boto3
import pytest

from local import stack
from tests.commands import workflow
from tests.conftest import led_to
from tests.contract.test_cli_sagemaker import Refusing, only_line, refusing
from training.errors import StackError
from training.sagemaker import stacks
from training.sagemaker.stacks import StackMissing, Stacks

__all__ = ["refusing"]  # a fixture


@pytest.fixture
def unnamed(programs: stack.Running, monkeypatch: pytest.MonkeyPatch) -> stack.Running:
    """The stack, found by the variables of the SDKs alone."""
    for name in programs.environment:
        if name.startswith("WORKFLOW_"):
            monkeypatch.delenv(name)
    return programs


def test_the_outputs_of_both_stacks_are_those_of_their_templates(unnamed: stack.Running) -> None:
    found = Stacks()
    assert found.bucket == found.app["DataBucketName"] == unnamed.environment["WORKFLOW_BUCKET"]
    assert found.role_arn == unnamed.environment["WORKFLOW_ROLE_ARN"]
    assert found.state_machine_arn == unnamed.environment["WORKFLOW_STATE_MACHINE_ARN"]
    assert found.batch_state_machine_arn == unnamed.environment["WORKFLOW_BATCH_STATE_MACHINE_ARN"]
    assert found.app["ReviewQueueUrl"].endswith("/ReviewQueue")
    # What the stack doesn't override is the model's.
    assert not {"ClassLabels", "ConfidenceThreshold"} & found.app.values.keys()


def test_outputs_follow_the_parameters_of_a_new_deployment(unnamed: stack.Running) -> None:
    unnamed.deploy({"EndpointName": "other", "ConfidenceThreshold": "0.55"})
    try:
        assert Stacks().endpoint == "other"
        assert Stacks().app["ConfidenceThreshold"] == "0.55"
        before = Stacks().app
        unnamed.deploy({"EndpointName": "other", "ConfidenceThreshold": "0.55"})
        assert Stacks().app == before
    finally:
        unnamed.deploy({})


def test_a_stack_of_another_name_is_asked_for_with_the_option_and_with_the_variable(
    unnamed: stack.Running, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert unnamed.pid
    assert workflow("cases", "--stack", "other", "--out", str(tmp_path)) == 1
    line = only_line(capsys)
    for said in ("other-data", "--stack", "--bucket", "WORKFLOW_BUCKET", "workflow local"):
        assert said in line
    with led_to({"WORKFLOW_STACK": "another"}):
        assert workflow("cases", "--out", str(tmp_path)) == 1
    assert "another-data" in only_line(capsys)


def test_an_option_and_a_variable_go_before_the_stacks_outputs(
    unnamed: stack.Running, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert unnamed.pid
    assert workflow("cases", "--bucket", "given-by-option", "--out", str(tmp_path)) == 1
    assert "given-by-option" in only_line(capsys)
    with led_to({"WORKFLOW_BUCKET": "given-by-variable"}):
        assert workflow("cases", "--out", str(tmp_path)) == 1
    assert "given-by-variable" in only_line(capsys)


def test_a_verb_that_was_given_everything_reads_no_stack(
    programs: stack.Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def read(name: str) -> stacks.Outputs:
        raise AssertionError(f"{name} was read")

    assert programs.pid
    monkeypatch.setattr(stacks, "read_outputs", read)
    assert workflow("cases", "--out", str(tmp_path)) == 1
    assert "sample" in only_line(capsys)
    assert workflow("teardown", "--endpoint", "none", "--dry-run") == 0
    (tmp_path / "captured").mkdir()
    assert workflow("capture", "--from-folder", str(tmp_path / "captured")) in {0, 1}


def test_before_there_is_an_app_stack_the_endpoint_is_the_one_that_its_template_names(unnamed: stack.Running) -> None:
    assert unnamed.pid
    assert Stacks("none").endpoint == "image-classification"
    with pytest.raises(StackMissing, match="--state-machine or WORKFLOW_STATE_MACHINE_ARN"):
        assert Stacks("none").state_machine_arn


def test_a_stack_of_an_older_template_is_named_with_the_output_that_it_lacks(unnamed: stack.Running) -> None:
    assert unnamed.pid
    cloudformation = boto3.client("cloudformation")
    body = json.dumps({"Resources": {}, "Outputs": {"StateMachineArn": {"Value": "arn"}}})
    cloudformation.create_stack(StackName="older", TemplateBody=body)
    try:
        with pytest.raises(StackError, match="older has no output EndpointName; deploy this version"):
            assert Stacks("older").endpoint
    finally:
        cloudformation.delete_stack(StackName="older")


def test_without_the_permission_the_line_says_which_one_to_ask_for(
    refusing: Refusing, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    refusing.code, refusing.message = "AccessDenied", "not authorized to perform: cloudformation:DescribeStacks"
    assert workflow("cases", "--out", str(tmp_path)) == 1
    line = only_line(capsys)
    for said in ("image-classification-data", "cloudformation:DescribeStacks", "--bucket", "workflow local"):
        assert said in line

"""The app stack follows its endpoint, from instances to serverless and back, or one line says what to do."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import ClientError
from moto.core.botocore_stubber import MockRawResponse

from local import stack
from tests.commands import workflow
from tests.containers import model_of
from tests.contract.serving import serve
from training.model import MODEL_FILE
from training.sagemaker.app_stack import StackNotUpdated, follow_endpoint
from training.sagemaker.stacks import DEFAULT_STACK, Stacks

Fault = Callable[[str, str, str], None]


@pytest.fixture
def app(programs: stack.Running, endpoint: str) -> Iterator[stack.Running]:
    """The running stack, whose app stack calls the test's endpoint with a threshold of its own."""
    programs.deploy({"EndpointName": endpoint, "ConfidenceThreshold": "0.55"})
    yield programs
    programs.deploy({})


@pytest.fixture
def fault() -> Iterator[Fault]:
    """Lets AWS refuse an operation of CloudFormation with a code and a message."""
    boto3.setup_default_session()
    events: Any = boto3.DEFAULT_SESSION
    registered: list[tuple[str, Any]] = []

    def refuse(operation: str, code: str, message: str) -> None:
        said = f"<ErrorResponse><Error><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>"

        def answer(request: AWSPreparedRequest, **_: object) -> AWSResponse:
            return AWSResponse(request.url, 400, HTTPHeaders(), MockRawResponse(said.encode()))

        registered.append((f"before-send.cloudformation.{operation}", answer))
        events.events.register(*registered[-1])

    yield refuse
    for name, handler in registered:
        events.events.unregister(name, handler)


def timeouts() -> tuple[int, int]:
    """Return after how many seconds Classify and its state give up."""
    function = boto3.client("lambda").get_function_configuration(FunctionName="ClassifyFunction")
    machine = boto3.client("stepfunctions").describe_state_machine(stateMachineArn=Stacks().state_machine_arn)
    return function["Timeout"], json.loads(machine["definition"])["States"]["Classify"]["TimeoutSeconds"]


def test_the_stack_can_be_deployed_again_with_what_it_has(app: stack.Running, endpoint: str) -> None:
    before = Stacks().app
    app.deploy({"EndpointName": endpoint, "ConfidenceThreshold": "0.55"})
    assert Stacks().app == before


def test_the_stack_follows_its_endpoint_to_serverless_and_back_and_keeps_its_other_parameters(
    app: stack.Running, endpoint: str
) -> None:
    assert app.pid
    before = Stacks().app.parameters
    serve("mirror_ridge", endpoint, serverless_memory=2048)
    line = follow_endpoint(DEFAULT_STACK, endpoint, 40)
    assert line == f"The app stack {DEFAULT_STACK} is updated: EndpointKind=serverless ClassifyCapture=40."
    assert Stacks().app.parameters == {**before, "EndpointKind": "serverless", "ClassifyCapture": "40"}
    assert Stacks().app["ConfidenceThreshold"] == "0.55"
    assert timeouts() == (90, 95)
    # A rollback knows no percentage.
    assert follow_endpoint(DEFAULT_STACK, endpoint) == follow_endpoint(DEFAULT_STACK, endpoint, 40) == ""
    serve("better", endpoint)
    assert "EndpointKind=instances ClassifyCapture=0" in follow_endpoint(DEFAULT_STACK, endpoint, 100)
    assert Stacks().app.parameters == before
    assert timeouts() == (20, 25)
    assert follow_endpoint(DEFAULT_STACK, endpoint, 100) == ""


def test_the_verb_updates_the_stack_and_says_so(
    app: stack.Running, endpoint: str, tmp_path: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert app.pid
    model_of("old_release").write(tmp_path / MODEL_FILE)
    arguments = ("deploy", "--endpoint", endpoint, "--out", str(tmp_path), "--yes", "--serverless", "2048")
    assert workflow(*arguments) == 0
    assert "is updated: EndpointKind=serverless ClassifyCapture=100." in capsys.readouterr().out
    assert workflow(*arguments, "--capture", "0") == 0
    assert "is updated: ClassifyCapture=0." in capsys.readouterr().out
    assert Stacks().app.parameters["EndpointKind"] == "serverless"


@pytest.mark.usefixtures("programs")
def test_without_a_stack_the_line_says_what_to_give_where_the_defaults_do_not_fit(endpoint: str) -> None:
    serve("mirror_ridge", endpoint, serverless_memory=2048)
    wanted = "`sam deploy --parameter-overrides EndpointKind=serverless ClassifyCapture=100`"
    assert follow_endpoint("none", endpoint, 100) == f"There is no app stack none yet: create it by {wanted}."
    line = follow_endpoint(DEFAULT_STACK, endpoint, 100)
    assert line == (
        f"The app stack {DEFAULT_STACK} calls another endpoint, image-classification: deploy the stack of {endpoint} "
        f"by {wanted}."
    )
    assert Stacks().app.parameters["EndpointKind"] == "instances"
    serve("better", endpoint)
    assert follow_endpoint("none", endpoint, 100) == follow_endpoint(DEFAULT_STACK, endpoint, 100) == ""


@pytest.mark.usefixtures("programs")
def test_an_older_stack_must_be_deployed_anew_for_a_serverless_endpoint_alone(endpoint: str) -> None:
    cloudformation = boto3.client("cloudformation")
    body = json.dumps({"Resources": {}, "Outputs": {"EndpointName": {"Value": endpoint}}})
    cloudformation.create_stack(StackName="older", TemplateBody=body)
    try:
        serve("mirror_ridge", endpoint, serverless_memory=2048)
        with pytest.raises(
            StackNotUpdated, match="no parameter EndpointKind and no ClassifyCapture; deploy this version"
        ):
            follow_endpoint("older", endpoint, 100)
        serve("better", endpoint)
        assert follow_endpoint("older", endpoint, 100) == ""
    finally:
        cloudformation.delete_stack(StackName="older")


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("ValidationError", "Stack:arn is in UPDATE_IN_PROGRESS state and can not be updated."),
        ("AccessDenied", "not authorized to perform: cloudformation:UpdateStack"),
    ],
)
def test_an_update_that_is_refused_is_one_line_with_the_reason_and_what_to_do(
    app: stack.Running, endpoint: str, fault: Fault, code: str, message: str
) -> None:
    assert app.pid
    serve("mirror_ridge", endpoint, serverless_memory=2048)
    fault("UpdateStack", code, message)
    with pytest.raises(StackNotUpdated) as refused:
        follow_endpoint(DEFAULT_STACK, endpoint, 100)
    line = str(refused.value)
    assert line.startswith(f"The endpoint {endpoint} is in service, but the app stack {DEFAULT_STACK} isn't updated. ")
    assert message.rstrip(".") in line
    assert line.endswith("Then give `sam deploy --parameter-overrides EndpointKind=serverless ClassifyCapture=100`.")
    assert "\n" not in line


@pytest.mark.usefixtures("programs")
def test_a_stack_that_may_not_be_read_fails_only_what_needs_it(endpoint: str, fault: Fault) -> None:
    serve("mirror_ridge", endpoint, serverless_memory=2048)
    fault("DescribeStacks", "AccessDenied", "not authorized to perform: cloudformation:DescribeStacks")
    with pytest.raises(StackNotUpdated, match=r"ask for cloudformation:DescribeStacks.*Then give `sam deploy"):
        follow_endpoint(DEFAULT_STACK, endpoint, 100)
    serve("better", endpoint)
    assert "It isn't known whether" in follow_endpoint(DEFAULT_STACK, endpoint, 100)


@pytest.mark.usefixtures("app")
@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"Capabilities": ["CAPABILITY_IAM"]}, "InsufficientCapabilitiesException"),
        ({"Parameters": [{"ParameterKey": "NoSuch", "ParameterValue": "1"}]}, "ValidationError"),
        ({"Parameters": [{"ParameterKey": "MaxSide", "ParameterValue": "224"}]}, "ValidationError"),
    ],
    ids=["no macros", "unknown parameter", "nothing changed"],
)
def test_the_local_stack_refuses_an_update_that_cloudformation_refuses(changes: dict[str, Any], code: str) -> None:
    request: dict[str, Any] = {
        "StackName": DEFAULT_STACK,
        "UsePreviousTemplate": True,
        "Parameters": [{"ParameterKey": "MaxSide", "ParameterValue": "64"}],
        "Capabilities": ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
    }
    with pytest.raises(ClientError) as refused:
        boto3.client("cloudformation").update_stack(**(request | changes))
    assert refused.value.response["Error"]["Code"] == code
    assert Stacks().app.parameters["MaxSide"] == "224"

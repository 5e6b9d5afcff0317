import io
import zipfile
from collections.abc import Callable
from typing import TYPE_CHECKING

import boto3
import pytest
from botocore.stub import Stubber

from inference.costs import (
    CostsError,
    DeployedFunction,
    Measured,
    measure_executions,
    read_batch_size,
    read_functions,
    scenarios,
)

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

PRICES = {
    "states_transition": 0.01,
    "express_request": 0.001,
    "express_gb_second": 0.1,
    "lambda_request": 0.0001,
    "lambda_gb_second": {"x86_64": 1.0, "arm64": 0.8},
    "s3_get": 0.00001,
    "s3_put": 0.0001,
    "sqs_request": 0.001,
}
FUNCTIONS = {
    "SerializeFunction": DeployedFunction(1024, "x86_64"),
    "ClassifyFunction": DeployedFunction(512, "x86_64"),
    "ThresholdFunction": DeployedFunction(256, "arm64"),
}
SECONDS = {"SerializeFunction": 0.2, "ClassifyFunction": 0.1, "ThresholdFunction": 0.04}
MEASURED = Measured(executions=10, transitions=3.4, seconds=0.41, function_seconds=SECONDS, review=0.2)


def test_each_scenario_is_the_sum_of_its_terms() -> None:
    baseline, single, batch = scenarios(MEASURED, PRICES, FUNCTIONS, 20)
    durations = {
        "Lambda duration, x86_64": 1000 * (0.2 * 1 + 0.1 * 0.5),
        "Lambda duration, arm64": 1000 * 0.04 * 0.25 * 0.8,
    }
    work = {"Lambda requests": 0.3, "S3 gets": 0.01} | durations
    assert baseline.terms == pytest.approx({"state transitions": 30.0} | work)
    assert single.terms == pytest.approx({"state transitions": 34.0, "SQS requests": 0.2} | work)
    assert batch.terms == pytest.approx(
        {
            "state transitions": 0.54,
            "Express requests": 1.05,
            "Express duration": 1050 * 0.5 * 0.0625 * 0.1,
            "S3 lists and puts": 0.0004,
            "S3 gets of results": 0.00004,
            "SQS requests": 0.2,
        }
        | work
    )
    assert set(batch.quantities) == set(batch.terms)


def test_orchestration_is_transitions_and_workflow_requests() -> None:
    baseline, _, batch = scenarios(MEASURED, PRICES, FUNCTIONS, 20)
    assert baseline.orchestration == pytest.approx(30.0)
    assert batch.orchestration == pytest.approx(0.54 + 1.05 + 1050 * 0.5 * 0.0625 * 0.1)


@pytest.mark.parametrize(("size", "children"), [(1, 1000), (20, 50), (40, 25), (999, 2), (1000, 1)])
def test_a_child_is_a_transition_and_a_request(size: int, children: int) -> None:
    batch = scenarios(MEASURED, PRICES, FUNCTIONS, size)[-1]
    assert batch.terms["state transitions"] == pytest.approx((4 + children) * 0.01)
    assert batch.terms["Express requests"] == pytest.approx((1000 + children) * 0.001)


def test_without_executions_there_is_nothing_to_measure() -> None:
    with pytest.raises(CostsError, match="workflow run"):
        measure_executions(None, [])  # type: ignore[arg-type]  # it isn't asked


def deploy_function(client: "LambdaClient") -> str:
    """Create a function in moto, and return its ARN."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("app.py", "")
    boto3.client("iam").create_role(RoleName="function", AssumeRolePolicyDocument="{}")
    created = client.create_function(
        FunctionName="app-SerializeFunction-X1",
        Runtime="python3.13",
        Role="arn:aws:iam::123456789012:role/function",
        Handler="app.lambda_handler",
        Code={"ZipFile": archive.getvalue()},
        MemorySize=640,
        Architectures=["arm64"],
    )
    boto3.client("iam").delete_role(RoleName="function")
    return created["FunctionArn"]


@pytest.mark.usefixtures("aws")
def test_memory_and_architecture_are_those_of_the_deployed_function() -> None:
    client = boto3.client("lambda")
    arn = deploy_function(client)
    assert read_functions(client, [arn]) == {arn: DeployedFunction(640, "arm64")}
    client.delete_function(FunctionName=arn)
    with pytest.raises(CostsError, match=rf"{arn} is gone"):
        read_functions(client, [arn])


@pytest.mark.usefixtures("aws")
def test_a_permission_that_is_missing_is_named_in_one_sentence() -> None:
    functions, states = boto3.client("lambda"), boto3.client("stepfunctions")
    with Stubber(functions) as stub:
        stub.add_client_error("get_function_configuration", "AccessDeniedException", "No.")
        with pytest.raises(CostsError, match=r"read the function f .*lambda:GetFunctionConfiguration"):
            read_functions(functions, ["f"])
    with Stubber(states) as stub:
        stub.add_client_error("describe_state_machine", "AccessDeniedException", "No.")
        with pytest.raises(CostsError, match=r"read the state machine m .*states:DescribeStateMachine"):
            read_batch_size(states, "m")


def test_the_batch_size_is_that_of_the_deployed_state_machine(machine: Callable[..., str]) -> None:
    states = boto3.client("stepfunctions")
    batch = machine({"Defaults": {"Type": "Pass", "Result": {"batch_size": 7}, "End": True}})
    assert read_batch_size(states, batch) == 7
    other = machine({"Classify": {"Type": "Pass", "End": True}})
    with pytest.raises(CostsError, match="isn't ClassifyBatch"):
        read_batch_size(states, other)

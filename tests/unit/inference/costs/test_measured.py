import io
import zipfile
from collections.abc import Callable
from typing import TYPE_CHECKING

import boto3
import pytest
from botocore.stub import Stubber

from inference.costs.measured import (
    CostsError,
    DeployedFunction,
    measure_executions,
    read_batch_size,
    read_functions,
)

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient


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

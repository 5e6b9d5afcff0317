"""Which requests the gateway answers itself, and that everything else reaches moto."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from werkzeug.test import Client

from local.app_stack import AppStack
from local.gateway import ENDPOINT_PAYLOAD_BYTES, LAMBDA_PAYLOAD_BYTES, SERVERLESS_PAYLOAD_BYTES, Gateway
from local.lambdas import Function
from local.runtime_api import Result
from local.sagemaker.container_client import Answer
from local.sagemaker.control_plane import SageMaker
from local.sagemaker.serverless import Throttled

CREDENTIAL = "Credential=local/20260101/us-east-1/s3/aws4_request"
SIGNED = {"Authorization": f"AWS4-HMAC-SHA256 {CREDENTIAL}, SignedHeaders=host, Signature=0"}


class Echo:
    """A function that answers its payload."""

    def invoke(self, payload: bytes) -> Result:
        return Result(payload)

    def pids(self) -> list[int]:
        return [1]


@pytest.fixture
def gateway(tmp_path: Path) -> Gateway:
    app_stack = AppStack({"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}, tmp_path, 1)
    app_stack.functions = {"Echo": cast("Function", Echo())}
    sagemaker = cast("SageMaker", SimpleNamespace(endpoint=lambda _: None, pids=dict))
    return Gateway("us-east-1", app_stack, sagemaker)


@pytest.fixture
def client(gateway: Gateway) -> Client:
    return Client(gateway)


def invoke(client: Client, name: str, payload: bytes = b"{}") -> Any:
    return client.post(f"/2015-03-31/functions/{name}/invocations", data=payload)


@pytest.mark.parametrize(
    "name",
    [
        "Echo",
        "Echo:live",
        "arn:aws:lambda:us-east-1:123456789012:function:Echo",
        "arn%3Aaws%3Alambda%3Aus-east-1%3A123456789012%3Afunction%3AEcho%3Alive",
    ],
)
def test_a_function_is_invoked_by_its_name_or_arn_with_or_without_an_alias(client: Client, name: str) -> None:
    assert invoke(client, name, b'{"a": 1}').json == {"a": 1}


def test_a_function_is_called_directly_as_by_http(gateway: Gateway) -> None:
    call = gateway.direct_calls()["lambda"]["invoke"]
    for given, payload in (({"Payload": b'{"a": 1}'}, b'{"a": 1}'), ({}, b"{}")):
        answer = call(FunctionName="Echo:live", **given)
        assert answer
        assert (answer["StatusCode"], answer["Payload"].read(), "FunctionError" in answer) == (200, payload, False)


def test_what_http_refuses_is_not_called_directly(gateway: Gateway) -> None:
    calls = gateway.direct_calls()
    assert calls["lambda"]["invoke"](FunctionName="Missing") is None
    assert calls["lambda"]["invoke"](FunctionName="Echo", Payload=b" " * (LAMBDA_PAYLOAD_BYTES + 1)) is None
    machine = "arn:aws:states:us-east-1:123456789012:stateMachine:Missing"
    assert calls["stepfunctions"]["start_sync_execution"](stateMachineArn=machine) is None


@pytest.mark.parametrize(
    ("name", "payload", "status", "code"),
    [
        ("Unknown", b"{}", 404, "ResourceNotFoundException"),
        ("Echo", b"not JSON", 400, "InvalidRequestContentException"),
        ("Echo", b'"' + b"x" * (LAMBDA_PAYLOAD_BYTES - 2) + b'"', 200, None),
        ("Echo", b'"' + b"x" * (LAMBDA_PAYLOAD_BYTES - 1) + b'"', 413, "RequestEntityTooLargeException"),
    ],
    ids=["unknown", "not JSON", "largest", "too large"],
)
def test_an_invocation_that_lambda_refuses_is_refused(
    client: Client, name: str, payload: bytes, status: int, code: str | None
) -> None:
    answer = invoke(client, name, payload)
    assert (answer.status_code, answer.headers.get("X-Amzn-ErrorType")) == (status, code)


def test_an_endpoint_that_does_not_exist_is_refused_as_by_sagemaker(client: Client) -> None:
    answer = client.post("/endpoints/none/invocations", data=b"x")
    assert (answer.status_code, answer.headers["X-Amzn-ErrorType"]) == (400, "ValidationError")


class Served:
    """An endpoint whose variant takes no more requests at once."""

    variant = "AllTraffic"

    def __init__(self, *, is_serverless: bool) -> None:
        self.is_serverless = is_serverless

    def invoke(self, *_: object) -> Answer:
        raise Throttled


@pytest.mark.parametrize(
    ("is_serverless", "size", "code"),
    [
        (True, SERVERLESS_PAYLOAD_BYTES, "ThrottlingException"),
        (True, SERVERLESS_PAYLOAD_BYTES + 1, "ValidationError"),
        (False, SERVERLESS_PAYLOAD_BYTES + 1, "ThrottlingException"),
        (False, ENDPOINT_PAYLOAD_BYTES, "ThrottlingException"),
        (False, ENDPOINT_PAYLOAD_BYTES + 1, "ValidationError"),
    ],
)
def test_an_endpoint_without_instances_takes_a_smaller_image_and_too_many_requests_are_throttled(
    tmp_path: Path, is_serverless: bool, size: int, code: str
) -> None:
    app_stack = AppStack({"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}, tmp_path, 1)
    sagemaker = SimpleNamespace(endpoint=lambda _: Served(is_serverless=is_serverless))
    client = Client(Gateway("us-east-1", app_stack, cast("SageMaker", sagemaker)))
    answer = client.post("/endpoints/ep/invocations", data=bytes(size))
    assert (answer.status_code, answer.headers["X-Amzn-ErrorType"]) == (400, code)


def test_the_processes_of_functions_are_listed(client: Client) -> None:
    assert json.loads(client.get("/_local/processes").data) == {"Echo": [1]}


@pytest.mark.parametrize("key", ["a//b", "/a", "invocations", "a b+c%25"])
def test_an_object_whose_key_looks_like_a_route_reaches_s3(client: Client, key: str) -> None:
    client.put("/endpoints", headers=SIGNED)
    client.put(f"/endpoints/{key}", data=b"content", headers=SIGNED)
    assert client.get(f"/endpoints/{key}", headers=SIGNED).data == b"content"
    assert client.get("/endpoints/none/invocations", headers=SIGNED).status_code == 404

from typing import Any

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError

from local.moto_patches.task_clients import DirectClient


@pytest.fixture
def client() -> Any:
    return boto3.client("lambda", "us-east-1", endpoint_url="http://127.0.0.1:1")


def test_a_direct_method_answers_without_http(client: Any) -> None:
    direct = DirectClient(client, {"invoke": lambda **given: {"given": given}})

    assert direct.invoke(FunctionName="it") == {"given": {"FunctionName": "it"}}


def test_what_it_refuses_and_what_is_not_direct_goes_the_clients_way(client: Any) -> None:
    direct = DirectClient(client, {"invoke": lambda **_: None})

    assert direct.meta is client.meta
    for call in (direct.invoke, direct.get_function):
        with pytest.raises(EndpointConnectionError):
            call(FunctionName="it")

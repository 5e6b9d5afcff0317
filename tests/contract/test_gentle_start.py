"""How a batch starts on a serverless endpoint: after it answers, and within its MaxConcurrency."""

import time

import pytest
from botocore.exceptions import ClientError

from inference import serverless
from inference.serverless import EndpointNotStarted, start_gently
from local import stack
from tests.contract.serving import serve
from tests.contract.test_cli_sagemaker import Refusing, refusing

__all__ = ["refusing"]  # a fixture


@pytest.fixture
def said() -> list[str]:
    """The lines that the user gets."""
    return []


@pytest.mark.usefixtures("programs")
def test_a_serverless_endpoint_is_started_and_gets_no_more_images_at_once_than_it_takes(
    endpoint: str, said: list[str]
) -> None:
    serve("mirror_ridge", endpoint, serverless_memory=2048, serverless_concurrency=7)
    assert start_gently(endpoint, said.append) == {"batch_size": 7, "max_concurrency": 1}
    (line,) = said
    assert line.startswith("The endpoint has started: ")


@pytest.mark.usefixtures("programs")
def test_an_endpoint_on_instances_or_none_at_all_changes_nothing(endpoint: str, said: list[str]) -> None:
    assert start_gently(endpoint, said.append) == {}
    serve("mirror_ridge", endpoint)
    assert start_gently(endpoint, said.append) == {}
    assert said == []


def test_the_batch_waits_while_the_endpoint_throttles(
    programs: stack.Running, endpoint: str, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    serve("mirror_ridge", endpoint, serverless_memory=2048)
    pauses = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 3:
            programs.throttle(0, 0)

    monkeypatch.setattr(time, "sleep", pause)
    programs.throttle(1, 600)
    assert start_gently(endpoint, said.append)
    assert pauses == [serverless.PAUSE] * 3


@pytest.mark.usefixtures("programs")
def test_a_model_that_refuses_the_image_has_started_and_one_that_fails_has_not(
    endpoint: str, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serverless, "LONGEST_START", 0.0)
    serve("refusing", endpoint, serverless_memory=2048)
    assert start_gently(endpoint, said.append)
    serve("erring", endpoint, serverless_memory=2048)
    with pytest.raises(
        EndpointNotStarted, match=f"{endpoint} gave no answer within 0 s.*nothing was started.*out of memory"
    ):
        start_gently(endpoint, said.append)


def test_whoever_may_not_ask_the_endpoint_is_told_and_starts_all_the_same(refusing: Refusing, said: list[str]) -> None:
    refusing.code, refusing.message = "AccessDeniedException", "not authorized to perform: sagemaker:DescribeEndpoint"
    assert start_gently("pedals", said.append) == {}
    (line,) = said
    assert "It isn't known whether the endpoint pedals is serverless" in line
    assert refusing.message in line


@pytest.mark.usefixtures("programs")
def test_whoever_may_not_invoke_the_endpoint_keeps_to_what_it_takes_without_waiting(
    endpoint: str, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(_endpoint: str) -> float:
        raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "No."}}, "InvokeEndpoint")

    serve("mirror_ridge", endpoint, serverless_memory=2048)
    monkeypatch.setattr(serverless, "wake", denied)
    assert start_gently(endpoint, said.append) == {"batch_size": 5, "max_concurrency": 1}
    assert "doesn't wait until" in said[0]

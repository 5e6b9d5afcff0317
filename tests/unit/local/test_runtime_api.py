"""The Runtime API answers its worker and no page, under no name but its own address."""

import http.client
import threading
from collections.abc import Iterator
from contextlib import closing

import pytest

from local.runtime_api import Invocation, RuntimeApi

NEXT = "/2018-06-01/runtime/invocation/next"
RESPONSE = "/2018-06-01/runtime/invocation/1/response"


@pytest.fixture
def api() -> Iterator[RuntimeApi]:
    server = RuntimeApi("arn")
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    server.invocations.put(Invocation("1", b"payload", 0))
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def ask(api: RuntimeApi, method: str, path: str, headers: dict[str, str]) -> tuple[int, bytes]:
    with closing(http.client.HTTPConnection("127.0.0.1", api.server_port, timeout=20)) as connection:
        connection.request(method, path, b"{}" if method == "POST" else None, headers)
        answer = connection.getresponse()
        return answer.status, answer.read()


def test_a_worker_gets_its_invocation_and_returns_the_result(api: RuntimeApi) -> None:
    assert ask(api, "GET", NEXT, {}) == (200, b"payload")
    assert ask(api, "POST", RESPONSE, {})[0] == 202
    assert api.results.get(timeout=20).payload == b"{}"


@pytest.mark.drill("Hostile programs and pages")
@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "rebound.example"},
        {"Host": "localhost"},
        {"Host": "127.0.0.1:1"},
        {"Host": ""},
        {"Origin": "https://example.com"},
        {"Origin": "null"},
    ],
    ids=str,
)
def test_a_page_gets_no_invocation_and_answers_none(api: RuntimeApi, headers: dict[str, str]) -> None:
    for method, path in (("GET", NEXT), ("POST", RESPONSE), ("POST", "/2018-06-01/runtime/init/error")):
        assert ask(api, method, path, headers) == (403, b"")
    assert api.results.empty()
    assert not api.ready.is_set()
    assert not api.failed
    assert ask(api, "GET", NEXT, {}) == (200, b"payload")

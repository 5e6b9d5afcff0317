"""Clients that send slowly, or many at once: what serve.py makes of their requests' time."""

import http.client
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import numpy as np
import pytest

import serve
from classifier.features import scattering_features
from classifier.processors import cores
from tests.images import encoded, gradient
from tests.waiting import LONGEST_SECONDS

HEAD = b"POST /invocations HTTP/1.1\r\nContent-Type: image/png\r\nContent-Length: 1000\r\n"


class Counting:
    """Answers after a while, and counts how many predictions run at the same time."""

    features = scattering_features(16)
    seconds = 0.02

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.running = self.most = self.begun = 0

    def answer(self, *_: Any, **__: Any) -> Any:
        with self.lock:
            self.running += 1
            self.begun += 1
            self.most = max(self.most, self.running)
        time.sleep(self.seconds)
        with self.lock:
            self.running -= 1
        return [0.5, 0.5]


@pytest.fixture
def model() -> Counting:
    return Counting()


@pytest.fixture
def port(model: Counting, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    monkeypatch.setattr(serve.Handler, "model", model, raising=False)
    monkeypatch.setattr(serve.Handler, "log_message", lambda *_: None)
    with serve.Server(("127.0.0.1", 0), serve.Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


def ends_after(port: int, pieces: Iterator[bytes]) -> float:
    """Send piece by piece until the server closes the connection; return the seconds that it took."""
    began = time.monotonic()
    with socket.create_connection(("127.0.0.1", port), timeout=LONGEST_SECONDS) as client:
        client.settimeout(0.05)
        for piece in pieces:
            try:
                client.sendall(piece)
                if client.recv(1) == b"":
                    break
            except TimeoutError:
                continue
            except OSError:
                break
    return time.monotonic() - began


@pytest.mark.parametrize("start", [b"", HEAD, HEAD + b"\r\n"], ids=["a request line", "headers", "a body"])
@pytest.mark.drill("Slow and cut connections")
def test_a_request_that_trickles_in_ends_at_its_deadline(
    port: int, start: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serve, "REQUEST_SECONDS", 0.5)
    endless = (piece for piece in [start or b"P", *[b"x"] * 1_000])
    assert 0.4 < ends_after(port, endless) < LONGEST_SECONDS / 2


def test_a_connection_that_waits_between_requests_gets_the_whole_time_for_each(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serve, "REQUEST_SECONDS", 0.5)
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=LONGEST_SECONDS)) as connection:
        for _ in range(3):
            connection.request("POST", "/invocations", encoded(gradient()), {"Content-Type": "image/png"})
            answer = connection.getresponse()
            assert (answer.status, answer.read()) == (200, b"[0.5, 0.5]")
            time.sleep(0.4)


@pytest.mark.drill("Slow and cut connections")
def test_a_connection_that_never_asks_is_closed(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serve, "IDLE_SECONDS", 0.2)
    with socket.create_connection(("127.0.0.1", port), timeout=LONGEST_SECONDS) as client:
        assert client.recv(1) == b""


def test_no_more_predictions_run_at_a_time_than_there_are_processors(port: int, model: Counting) -> None:
    def ask() -> None:
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=LONGEST_SECONDS)) as connection:
            connection.request("POST", "/invocations", encoded(gradient()), {"Content-Type": "image/png"})
            assert connection.getresponse().status == 200

    threads = [threading.Thread(target=ask) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 1 <= model.most <= cores()


@pytest.mark.drill("Two at once")
def test_requests_are_answered_in_the_order_in_which_they_came(port: int, model: Counting) -> None:
    clients, body = 24, encoded(gradient())
    model.seconds = 0.002
    overtaken: list[int] = []

    def ask_again_and_again() -> None:
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=LONGEST_SECONDS)) as connection:
            for _ in range(20):
                before = model.begun
                connection.request("POST", "/invocations", body, {"Content-Type": "image/png"})
                assert connection.getresponse().read() == b"[0.5, 0.5]"
                overtaken.append(model.begun - before)

    threads = [threading.Thread(target=ask_again_and_again) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # A few see more pass, while a thread of the test or of the server waits for a processor.
    assert np.quantile(overtaken, 0.9) < 1.5 * clients

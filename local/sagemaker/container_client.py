"""HTTP requests to a serving container on loopback."""

import http.client
import queue
import socket
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass

INVOCATION_SECONDS = 60.0
PING_SECONDS = 2.0
LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class Answer:
    """What the container answered, and how long that took; `status` 0 means that it didn't answer within 60 seconds."""

    status: int
    content_type: str
    body: bytes
    seconds: float
    custom_attributes: str | None = None


class Unavailable(Exception):
    """No container of the endpoint runs at the moment."""


class ContainerClient:
    """Sends requests to the container of an endpoint and keeps its connections."""

    def __init__(self, endpoint: str, port: int) -> None:
        self._endpoint = endpoint
        self._port = port
        self._connections: queue.LifoQueue[http.client.HTTPConnection] = queue.LifoQueue()

    def invoke(self, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Post to `/invocations`; raise Unavailable if the container is gone."""
        try:
            connection = self._connections.get_nowait()
        except queue.Empty:
            connection = self._connect()
        began = time.monotonic()
        try:
            connection.request("POST", "/invocations", body, dict(headers))
            response = connection.getresponse()
            answer = Answer(
                response.status,
                response.getheader("Content-Type", "application/octet-stream"),
                response.read(),
                time.monotonic() - began,
                response.getheader("X-Amzn-SageMaker-Custom-Attributes"),
            )
        except TimeoutError:
            connection.close()
            message = b"Your invocation timed out while waiting for a response from the container."
            return Answer(0, "text/plain", message, time.monotonic() - began)
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise Unavailable(f"{self._endpoint} lost its container: {error}") from error
        self._connections.put(connection)
        return answer

    def answers_ping(self) -> bool:
        """Whether `/ping` answers 200 now."""
        connection = http.client.HTTPConnection(LOOPBACK, self._port, timeout=PING_SECONDS)
        try:
            connection.request("GET", "/ping")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False  # it isn't listening yet
        finally:
            connection.close()

    def close(self) -> None:
        """Close the connections that no request uses; the next requests make new ones."""
        while not self._connections.empty():
            self._connections.get_nowait().close()

    def _connect(self) -> http.client.HTTPConnection:
        connection = http.client.HTTPConnection(LOOPBACK, self._port, timeout=INVOCATION_SECONDS)
        try:
            connection.connect()
        except OSError as error:
            raise Unavailable(f"{self._endpoint} lost its container: {error}") from error
        connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection


def reserve_port() -> socket.socket:
    """Return a socket that keeps its loopback port from everyone but a server that sets SO_REUSEADDR, as servers do.

    If it were closed before the server binds the port, the system could give the port to another program meanwhile.
    """
    reserved = socket.socket()
    reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    reserved.bind((LOOPBACK, 0))
    return reserved


def let_bind(reserved: socket.socket) -> None:
    """Let a server bind the port, now that it starts.

    Linux alone lets two sockets have it while neither listens. Others, such as macOS, refuse the second one, so there
    the port is given up, and another program could be the first to take it.
    """
    if sys.platform != "linux":
        reserved.close()

"""What Serialize makes of an S3 that is slow, throttles, refuses or breaks off: a real socket that misbehaves."""

import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from functions.serialize import app

BODY = b"x" * 1000
HEAD = b'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\nETag: "e"\r\n\r\n'
IMAGE = app.Location("bucket", "key")


@contextmanager
def answering(answer: Callable[[socketserver.StreamRequestHandler], None]) -> Iterator[None]:
    """Let the function read from a server that treats each connection so."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            while self.rfile.readline().strip():
                pass
            answer(self)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server, pytest.MonkeyPatch.context() as patch:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        config = Config(read_timeout=0.2, retries={"total_max_attempts": 1}, s3={"addressing_style": "path"})
        client = boto3.client("s3", endpoint_url=f"http://127.0.0.1:{server.server_address[1]}", config=config)
        patch.setattr(app, "S3", client)
        try:
            yield
        finally:
            client.close()
            server.shutdown()
            thread.join()


def sending(data: bytes) -> Callable[[socketserver.StreamRequestHandler], None]:
    """Send so much and close the connection."""

    def send(connection: socketserver.StreamRequestHandler) -> None:
        connection.wfile.write(data)

    return send


def refusing(status: str, code: str) -> Callable[[socketserver.StreamRequestHandler], None]:
    body = f"<Error><Code>{code}</Code><Message>No.</Message></Error>"
    return sending(f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}".encode())


def test_a_whole_answer_is_read() -> None:
    with answering(sending(HEAD + BODY)):
        assert app.read_object(app.S3, IMAGE)[0] == BODY


@pytest.mark.parametrize(
    ("status", "code"),
    [("503 Slow Down", "SlowDown"), ("500 Internal Error", "InternalError"), ("503 Unavailable", "ServiceUnavailable")],
)
@pytest.mark.drill("Faults of the system")
def test_a_throttled_or_broken_service_is_worth_a_retry(status: str, code: str) -> None:
    with answering(refusing(status, code)), pytest.raises(app.ImageReadFailed, match=code):
        app.read_object(app.S3, IMAGE)


def test_an_answer_that_breaks_off_is_worth_a_retry() -> None:
    with answering(sending(HEAD + BODY[:500])), pytest.raises(app.ImageReadFailed, match="didn't answer in full"):
        app.read_object(app.S3, IMAGE)


@pytest.mark.parametrize("sent", [b"", HEAD, HEAD + BODY[:500]], ids=["nothing", "a head", "half a body"])
@pytest.mark.drill("Slow and cut connections")
def test_an_answer_that_stops_coming_is_worth_a_retry(sent: bytes) -> None:
    given_up = threading.Event()

    def stall(connection: socketserver.StreamRequestHandler) -> None:
        connection.wfile.write(sent)
        given_up.wait(30)

    with answering(stall):
        try:
            with pytest.raises(app.ImageReadFailed, match="didn't answer in full"):
                app.read_object(app.S3, IMAGE)
        finally:
            given_up.set()


def test_a_service_that_is_not_there_is_worth_a_retry() -> None:
    client = boto3.client("s3", endpoint_url="http://127.0.0.1:1", config=Config(retries={"total_max_attempts": 1}))
    with pytest.raises(app.ImageReadFailed):
        app.read_object(client, IMAGE)


def test_a_missing_permission_stays_a_fault_of_the_system() -> None:
    with answering(refusing("403 Forbidden", "AccessDenied")), pytest.raises(ClientError, match="AccessDenied"):
        app.read_object(app.S3, IMAGE)


@pytest.mark.parametrize("code", ["KeyTooLongError", "InvalidBucketName", "InvalidArgument"])
def test_a_name_that_s3_calls_impossible_is_an_invalid_event(code: str) -> None:
    with answering(refusing("400 Bad Request", code)), pytest.raises(app.InvalidEvent, match=code):
        app.read_object(app.S3, IMAGE)

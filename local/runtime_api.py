"""The Runtime API of Lambda on loopback.

It is documented at https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html.
"""

import io
import json
import queue
import sys
import threading
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

UNHANDLED = "Unhandled"
LONGEST_LINE = 1 << 21


@dataclass(frozen=True)
class Invocation:
    """One call of a function: its request id, payload, and deadline in milliseconds since the epoch."""

    request_id: str
    payload: bytes
    deadline_ms: int


@dataclass(frozen=True)
class Result:
    """What a function answered; `error` is Lambda's X-Amz-Function-Error, or None."""

    payload: bytes
    error: str | None = None


def failure(kind: str, message: str) -> Result:
    """Return the result that Lambda gives when the runtime itself fails."""
    return Result(json.dumps({"errorType": kind, "errorMessage": message}).encode(), UNHANDLED)


class RuntimeApi(ThreadingHTTPServer):
    """The Runtime API of one worker: it gets its invocations here and returns its results."""

    daemon_threads = True

    def __init__(self, arn: str) -> None:
        super().__init__(("127.0.0.1", 0), RuntimeApiHandler)
        self.arn = arn
        self.ready = threading.Event()
        self.failed = False
        self.invocations: queue.SimpleQueue[Invocation] = queue.SimpleQueue()
        self.results: queue.SimpleQueue[Result] = queue.SimpleQueue()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore a connection that a killed worker leaves: the end of its process is noticed elsewhere."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class ShortLines:
    """The bytes that a runtime sends, in lines that are cut where `http.server` would refuse them.

    With an error awslambdaric sends a header that has the whole stack for X-Ray, in up to a megabyte.
    """

    def __init__(self, file: io.BufferedIOBase) -> None:
        self.read, self.close = file.read, file.close
        self._file = file

    def readline(self, limit: int) -> bytes:
        """Return the next line, with less than `limit` bytes."""
        line = self._file.readline(LONGEST_LINE)
        return line if len(line) < limit else line[: limit - 3] + b"\r\n"


class RuntimeApiHandler(BaseHTTPRequestHandler):
    """The four calls that a runtime makes."""

    server: RuntimeApi
    protocol_version = "HTTP/1.1"
    # Without these two an answer waits for the client's delayed acknowledgement: 88 ms per call were measured.
    disable_nagle_algorithm = True
    wbufsize = -1

    def setup(self) -> None:
        """Read from the connection."""
        super().setup()
        self.rfile = ShortLines(self.rfile)  # type: ignore[assignment]  # all of it that is used

    def do_GET(self) -> None:
        """`invocation/next`: return the next invocation once there is one."""
        if self._is_foreign():
            return
        self.server.ready.set()
        invocation = self.server.invocations.get()
        headers = {
            "Lambda-Runtime-Aws-Request-Id": invocation.request_id,
            "Lambda-Runtime-Deadline-Ms": str(invocation.deadline_ms),
            "Lambda-Runtime-Invoked-Function-Arn": self.server.arn,
            "Lambda-Runtime-Trace-Id": f"Root=1-{int(time.time()):08x}-{uuid.uuid4().hex[:24]};Sampled=0",
            "Content-Type": "application/json",
        }
        self._answer(200, invocation.payload, headers)

    def do_POST(self) -> None:
        """`invocation/<id>/response`, `invocation/<id>/error` or `init/error`: keep the result."""
        if self._is_foreign():
            return
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        # A runtime that can't load its handler ends; until then it must not get another invocation.
        self.server.failed |= self.path.endswith("/init/error")
        self.server.results.put(Result(body, None if self.path.endswith("/response") else UNHANDLED))
        self.server.ready.set()
        self._answer(202, b'{"status":"OK"}', {})

    def _is_foreign(self) -> bool:
        """Refuse a page in a browser, which may reach loopback under a name of its own."""
        foreign = self.headers.get("Host") != f"127.0.0.1:{self.server.server_port}" or "Origin" in self.headers
        if foreign:
            self.close_connection = True
            self._answer(403, b"", {})
        return foreign

    def log_message(self, *_: object) -> None:
        """Log nothing: the log is the worker's own output."""

    def _answer(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

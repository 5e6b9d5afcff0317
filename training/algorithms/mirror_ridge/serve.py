#!/usr/bin/env python3
"""Serve the model in <base>/model: python serve.py.

GET /ping answers 200 as soon as the model is loaded. POST /invocations takes one image as image/png, image/jpeg or
application/x-image and answers a JSON object: probabilities, labels, release, threshold, familiarity and its limit, and
explanation where the header X-Amzn-SageMaker-Custom-Attributes is explain. What can't be taken gets 400, 411, 413 or
415 and one line that says why. Port: SAGEMAKER_BIND_TO_PORT, or 8080.
"""

import io
import json
import os
import re
import signal
import socket
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import numpy as np
from threadpoolctl import threadpool_limits

from classifier.errors import ImageError, ModelError
from classifier.model import Model
from classifier.paths import base
from classifier.processors import cores

CONTENT_TYPES = ("application/x-image", "image/jpeg", "image/png")
MAX_BODY = 6_291_456
"""Bytes that InvokeEndpoint takes at most."""
MAX_DISCARDED = 10 * MAX_BODY
ATTRIBUTES = "X-Amzn-SageMaker-Custom-Attributes"
"""Where SageMaker passes on what a caller of InvokeEndpoint gives as CustomAttributes."""
IDLE_SECONDS = 65.0
REQUEST_SECONDS = 60.0
"""What SageMaker waits for an answer."""


class Incoming(io.RawIOBase):
    """What a client sends; each request must be there REQUEST_SECONDS after its first byte, however it trickles in."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.deadline: float | None = None

    def readable(self) -> bool:
        """Say so to the buffer that reads from here."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Wait for more bytes; raises TimeoutError when the time is over."""
        left = IDLE_SECONDS if self.deadline is None else self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("The request took too long to arrive.")
        self.connection.settimeout(left)
        count = self.connection.recv_into(buffer)
        # What is left of the time to arrive is no limit for the answer.
        self.connection.settimeout(IDLE_SECONDS)
        if self.deadline is None:
            self.deadline = time.monotonic() + REQUEST_SECONDS
        return count


class Handler(BaseHTTPRequestHandler):
    """One connection; it stays open for as many requests as the client sends."""

    model: ClassVar[Model]
    # More at a time would wait for each other within a prediction, and all of them would answer late. Its queue is
    # first in, first out: no request waits for those that came after it.
    predicting: ClassVar[ThreadPoolExecutor] = ThreadPoolExecutor(cores())
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 64 * 1024

    def setup(self) -> None:
        """Read from the client with a deadline for each request."""
        super().setup()
        self.incoming = Incoming(self.connection)
        self.rfile = io.BufferedReader(self.incoming)

    def handle_one_request(self) -> None:
        """Answer one request; the time for the next one begins with its own first byte."""
        self.incoming.deadline = None
        super().handle_one_request()

    def do_GET(self) -> None:
        """Answer /ping."""
        if self.path == "/ping":
            self._answer(HTTPStatus.OK, b"", "text/plain")
        else:
            self._refuse(HTTPStatus.NOT_FOUND, f"There is no {self.path}; there are /ping and /invocations.")

    def do_POST(self) -> None:
        """Answer /invocations."""
        body = self._body()
        if body is None:
            return
        content_type = self.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if self.path != "/invocations":
            self._refuse(HTTPStatus.NOT_FOUND, f"There is no {self.path}; there are /ping and /invocations.")
        elif content_type not in CONTENT_TYPES:
            self._refuse(
                HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
                f"The content type {content_type!r} is not served; send one of {', '.join(CONTENT_TYPES)}.",
            )
        else:
            self._predict(body)

    def _predict(self, body: bytes) -> None:
        explained = self.headers.get(ATTRIBUTES, "").strip() == "explain"
        try:
            answer = self.predicting.submit(self._judge, body, explained).result()
        except ImageError as error:
            self._refuse(HTTPStatus.BAD_REQUEST, str(error))
            return
        self._answer(HTTPStatus.OK, json.dumps(answer).encode(), "application/json")

    def _judge(self, body: bytes, explained: bool) -> dict[str, Any]:
        return self.model.answer(self.model.features.decode(body), explained=explained)

    def _body(self) -> bytes | None:
        """The request's body, or None where it was refused unread, which ends the connection."""
        given = self.headers.get("Content-Length", "")
        if "Transfer-Encoding" in self.headers or not re.fullmatch("[0-9]{1,18}", given):
            self.close_connection = True
            self._refuse(HTTPStatus.LENGTH_REQUIRED, "The request has no Content-Length.")
            return None
        length = int(given)
        if length > MAX_BODY:
            self.close_connection = True
            self._discard(length)
            reason = f"The body has {length} bytes; at most {MAX_BODY} are read."
            self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, reason)
            return None
        body = self.rfile.read(length)
        if len(body) < length:
            self.close_connection = True
            return None
        return body

    def _discard(self, length: int) -> None:
        """Read past a body, for a client that is still sending doesn't read the answer; give up on an endless one."""
        left = min(length, MAX_DISCARDED)
        while left > 0 and (block := self.rfile.read(min(left, 65_536))):
            left -= len(block)

    def _refuse(self, status: HTTPStatus, reason: str) -> None:
        self._answer(status, " ".join(reason.split()).encode() + b"\n", "text/plain; charset=utf-8")

    def _answer(self, status: HTTPStatus, body: bytes, content_type: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Log refusals only: pings and answers would fill the log."""
        if int(code) >= HTTPStatus.BAD_REQUEST:
            super().log_request(code, size)


class Server(ThreadingHTTPServer):
    """A thread a connection; a queue long enough for a burst of clients."""

    daemon_threads = True
    request_queue_size = 128


def main() -> int:
    """Load the model, then listen until the container is stopped."""
    try:
        Handler.model = Model.load(base() / "model")
    except ModelError as error:
        print(error, file=sys.stderr)  # noqa: T201 - a container's log is its standard output and error
        return 1
    # Requests run side by side, one thread each; more threads within a matrix product would get in their way.
    threadpool_limits(1)
    side = Handler.model.features.side
    Handler.model.answer(np.zeros((side, side, 3), np.uint8))
    address = os.environ.get("SAGEMAKER_BIND_TO_ADDRESS", "0.0.0.0")  # noqa: S104 - a container is reached from outside
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with Server((address, int(os.environ.get("SAGEMAKER_BIND_TO_PORT", "8080"))), Handler) as server:
        server.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main())

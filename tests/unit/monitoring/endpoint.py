"""An endpoint that answers what a test wants."""

from http.server import BaseHTTPRequestHandler
from typing import Any


class Endpoint(BaseHTTPRequestHandler):
    """An endpoint that answers each request with the next of `answers`, and keeps what it was sent."""

    protocol_version = "HTTP/1.1"
    answers: list[tuple[int, bytes]]
    requests: list[tuple[str, dict[str, str], bytes]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.requests.append((self.path, {k.lower(): v for k, v in self.headers.items()}, body))
        status, answer = self.answers[(len(self.requests) - 1) % len(self.answers)]
        self.send_response(status)
        if status != 200:
            self.send_header("x-amzn-ErrorType", "ModelError")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

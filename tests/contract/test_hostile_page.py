"""A page of another origin, in a real browser: it changes nothing of a running stack and reads nothing from it."""

import json
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import boto3
import pytest

from local import stack
from tests.conftest import led_to
from tests.waiting import wait_until

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium")
PAGE = Path(__file__).with_name("hostile.html")
# As root Chromium runs without its sandbox alone; the pages here are the test's own.
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--no-proxy-server",
    "--disable-background-networking",
)
Server = TypeVar("Server", bound=ThreadingHTTPServer)
KEPT = "kept.png"


class PageServer(ThreadingHTTPServer):
    """Serves the page, and keeps what the page says that it could read."""

    daemon_threads = True

    def __init__(self) -> None:
        self.page = b""
        self.read: list[str] | None = None
        super().__init__(("127.0.0.1", 0), PageHandler)


class PageHandler(BaseHTTPRequestHandler):
    server: PageServer

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(self.server.page)

    def do_POST(self) -> None:
        self.server.read = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


class OpenServer(ThreadingHTTPServer):
    """A server that lets every page in, to show what the page tries."""

    daemon_threads = True

    def __init__(self) -> None:
        self.asked: set[tuple[str, str]] = set()
        super().__init__(("127.0.0.1", 0), OpenHandler)


class OpenHandler(BaseHTTPRequestHandler):
    server: OpenServer

    def _answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self.server.asked.add((self.command, self.path))
        self.send_response(200)
        self.send_header("Access-Control-Allow-Origin", "*")
        self.send_header("Access-Control-Allow-Methods", "*")
        self.send_header("Access-Control-Allow-Headers", "*")
        self.end_headers()
        self.wfile.write(b"open")

    do_GET = do_POST = do_PUT = do_DELETE = do_OPTIONS = _answer  # noqa: N815 - the names of http.server

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serving(server: Server) -> Iterator[Server]:
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def state(running: stack.Running) -> dict[str, Any]:
    """Return what no page may change; a function that is invoked or deployed again has another process."""
    s3 = boto3.client("s3")
    return {
        "objects": [one["Key"] for one in s3.list_objects_v2(Bucket=stack.BUCKET)["Contents"]],
        "buckets": [one["Name"] for one in s3.list_buckets()["Buckets"]],
        "queues": boto3.client("sqs").list_queues()["QueueUrls"],
        "processes": running.processes(),
    }


def visit(page: PageServer, host: str, profile: Path) -> list[str]:
    """Open the page in a browser, and return what it says that it could read."""
    assert CHROMIUM is not None
    url = f"http://{host}:{page.server_address[1]}/"
    with subprocess.Popen(
        [CHROMIUM, *FLAGS, f"--user-data-dir={profile}", url], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as browser:
        try:
            wait_until(lambda: page.read is not None or browser.poll() is not None)
        finally:
            browser.terminate()
    assert page.read is not None, "the browser ended before the page did"
    return page.read


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
@pytest.mark.drill("Hostile programs and pages")
def test_a_page_of_another_origin_changes_nothing_and_reads_nothing(
    running: stack.Running, host: str, tmp_path: Path
) -> None:
    paths = [
        f"/{stack.BUCKET}/{KEPT}",
        f"/{stack.BUCKET}/hostile",
        "/hostile",
        "/2015-03-31/functions/ClassifyFunction/invocations",
        "/_local/app",
        "/_local/throttling",
        "/_local/processes",
        "/moto-api/reset",
    ]
    port = urlsplit(running.environment["AWS_ENDPOINT_URL"]).port
    with led_to(running.environment), serving(OpenServer()) as witness, serving(PageServer()) as page:
        boto3.client("s3").put_object(Bucket=stack.BUCKET, Key=KEPT, Body=b"x")
        boto3.client("lambda").invoke(FunctionName="ThresholdFunction", Payload=b"{}")
        before = state(running)
        assert before["processes"]["ThresholdFunction"]
        opened = f"http://127.0.0.1:{witness.server_address[1]}"
        plan = {
            "bases": [f"http://127.0.0.1:{port}", f"http://localhost:{port}", opened],
            "paths": paths,
            "bucket": f"/{stack.BUCKET}",
            "body": {"EndpointName": "hostile", "share": 1, "seconds": 3600},
        }
        page.page = PAGE.read_bytes().replace(b"PLAN;", json.dumps(plan).encode() + b";")
        read = visit(page, host, tmp_path)
        assert state(running) == before
    # A server that lets pages in got every request and was read, so the stack's refusals are its own doing.
    assert {(method, path) for path in paths for method in ("GET", "POST", "PUT", "DELETE")} <= witness.asked
    assert {("POST", f"/{stack.BUCKET}"), ("POST", "/")} <= witness.asked
    assert read
    assert [line for line in read if opened not in line] == []

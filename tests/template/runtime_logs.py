"""Log lines that real processes of a runtime write when functions of ours raise, in Lambda's JSON format.

`python -m tests.template.runtime_logs FOLDER` runs an awslambdaric that was installed by `pip install --target FOLDER
awslambdaric==4.0.0` and writes its lines to a file beside this one, named for its version.
"""

import json
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

from local.lambdas import AWSLAMBDARIC, Worker
from local.stack import REGION, ROOT, new_credentials
from local.template import Template

IMAGE = {"image_data": "AA==", "s3_bucket": "b", "s3_key": "k"}
UNFAMILIAR = {"confidence": 0.9, "threshold": 0.8, "familiarity": 0.01, "familiarity_limit": 0.05}
OBJECT = {"s3_bucket": "b", "s3_key": "k"}


@dataclass(frozen=True)
class Scenario:
    """A call that fails, what the service behind the function answers to it, and whether that is a fault of ours."""

    function: str
    event: Mapping[str, Any]
    is_fault: bool
    status: int = 500
    code: str = ""
    environment: Mapping[str, str] | None = None


SCENARIOS = {
    "an event without an object": Scenario("SerializeFunction", {}, False),
    "an absent object": Scenario("SerializeFunction", OBJECT, False, 404, "NoSuchKey"),
    "a service that throttles": Scenario("SerializeFunction", OBJECT, False, 503, "SlowDown"),
    "a missing permission to read": Scenario("SerializeFunction", OBJECT, True, 403, "AccessDenied"),
    "a bad variable": Scenario("SerializeFunction", OBJECT, True, environment={"MAX_SIDE": "big"}),
    "a busy endpoint": Scenario("ClassifyFunction", IMAGE, False, 400, "ThrottlingException"),
    "a refused image": Scenario("ClassifyFunction", IMAGE, False, 424, "ModelError"),
    "a missing endpoint": Scenario("ClassifyFunction", IMAGE, True, 400, "ValidationError"),
    "a missing permission to ask": Scenario("ClassifyFunction", IMAGE, True, 403, "AccessDeniedException"),
    "a low confidence": Scenario("ThresholdFunction", {"confidence": 0.1, "threshold": 0.8}, False),
    "an unfamiliar image": Scenario("ThresholdFunction", UNFAMILIAR, False),
    "no confidence": Scenario("ThresholdFunction", {}, True),
}


def recorded(version: str) -> Path:
    """Return the file that holds a version's lines."""
    return Path(__file__).with_name(f"runtime_logs_{version}.json")


def lines_of(scenario: Scenario, python_path: str = "", command: Sequence[str] = AWSLAMBDARIC) -> list[str]:
    """Return what a call makes a runtime write: this environment's awslambdaric, or the one in *python_path*."""
    template = Template(ROOT / "template.yaml", {"DataBucketName": "b"}, REGION)
    (spec,) = (one for one in template.functions() if one.name == scenario.function)
    with _answering(scenario) as url, tempfile.TemporaryDirectory() as folder:
        environment = new_credentials() | {"AWS_ENDPOINT_URL": url, "AWS_LAMBDA_LOG_FORMAT": "JSON"}
        environment |= dict(scenario.environment or {}) | ({"PYTHONPATH": python_path} if python_path else {})
        log = Path(folder) / "log"
        worker = Worker(spec, REGION, environment, log, command)
        result = worker.invoke(json.dumps(scenario.event).encode())
        worker.stop()
        assert result.error, result.payload
        return log.read_text().splitlines()


@contextmanager
def _answering(scenario: Scenario) -> Iterator[str]:
    """Answer as S3 or the endpoint, always the same error."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._refuse(f"<Error><Code>{scenario.code}</Code><Message>No.</Message></Error>")

        def do_POST(self) -> None:
            self._refuse(json.dumps({"message": "No.", "OriginalStatusCode": 400}))

        def _refuse(self, body: str) -> None:
            self.send_response(scenario.status)
            self.send_header("X-Amzn-ErrorType", scenario.code)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            """Say nothing of a request."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def main() -> None:
    """Record the lines of the version in the folder that the command names."""
    folder = sys.argv[1]
    (version,) = (one.version for one in distributions(path=[folder]) if one.name == "awslambdaric")
    lines = {name: lines_of(scenario, folder) for name, scenario in SCENARIOS.items()}
    recorded(version).write_text(json.dumps({name: _bare(written) for name, written in lines.items()}, indent=1) + "\n")


def _bare(lines: list[str]) -> list[str]:
    """Return the lines of JSON without their tracebacks, which name files of one machine; no filter looks at them."""
    events = [json.loads(line) for line in lines if line.startswith("{")]
    return [json.dumps({key: value for key, value in event.items() if key != "stackTrace"}) for event in events]


if __name__ == "__main__":
    main()

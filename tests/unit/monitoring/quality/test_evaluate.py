import io
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config
from PIL import Image

from monitoring.quality.evaluate import EvaluationError, evaluate_endpoint, read_evaluation
from tests.unit.samples import BUCKET, answered

if TYPE_CHECKING:
    from mypy_boto3_sagemaker_runtime import SageMakerRuntimeClient


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


@pytest.fixture
def endpoint() -> Iterator[type[Endpoint]]:
    handler = type("OneEndpoint", (Endpoint,), {"answers": [(200, b"[0.9, 0.1]")], "requests": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    handler.port = server.server_port  # type: ignore[attr-defined] # the fixture below needs it
    yield handler
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def runtime(aws: str, endpoint: Any) -> Iterator["SageMakerRuntimeClient"]:
    assert aws
    config = Config(retries={"total_max_attempts": 1})
    client = boto3.client("sagemaker-runtime", endpoint_url=f"http://127.0.0.1:{endpoint.port}", config=config)
    yield client
    client.close()


def test_every_test_image_is_asked_for_and_judged(
    dataset: str, endpoint: type[Endpoint], runtime: "SageMakerRuntimeClient", tmp_path: Path
) -> None:
    evaluation = evaluate_endpoint(BUCKET, dataset, "pedals", tmp_path, concurrency=3, runtime=runtime)
    assert evaluation.images == len(endpoint.requests) == 5
    # Always "bicycle": three of the five images are.
    assert evaluation.accuracy == 0.6
    assert [p.label == p.truth for p in evaluation.predictions] == [True, True, True, False, False]
    path, headers, body = endpoint.requests[0]
    assert path == "/endpoints/pedals/invocations"
    assert headers["content-type"] == "application/x-image"
    assert "x-amzn-sagemaker-inference-id" not in headers
    assert Image.open(io.BytesIO(body)).format == "PNG"


def test_the_evaluation_is_written_whole_and_reads_back(
    dataset: str, runtime: "SageMakerRuntimeClient", tmp_path: Path
) -> None:
    evaluation = evaluate_endpoint(BUCKET, dataset, "pedals", tmp_path, max_error=0.5, runtime=runtime)
    assert read_evaluation(tmp_path / "evaluation.json") == evaluation
    written = json.loads((tmp_path / "evaluation.json").read_text())
    assert written["recommended"]["coverage"] == 1
    assert written["recommended"]["error"] == 0.4
    assert sorted(path.name for path in tmp_path.iterdir()) == ["evaluation.json"]


def test_no_threshold_is_recommended_where_none_keeps_the_error(
    dataset: str, runtime: "SageMakerRuntimeClient", tmp_path: Path
) -> None:
    evaluation = evaluate_endpoint(BUCKET, dataset, "pedals", tmp_path, max_error=0.02, runtime=runtime)
    assert evaluation.recommended is None


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ((200, b"[0.5, 0.4, 0.1]"), "isn't a list of 2 probabilities. Check that it serves a model of this data set."),
        ((200, b"[0.9, 0.2]"), "sum to 1.1000, not 1"),
        ((200, b"[NaN, 1.0]"), "isn't a number from 0 to 1"),
        ((200, b"bicycle"), "isn't JSON"),
        (
            (200, answered(labels=["motorcycle", "bicycle"]).encode()),
            "labels are motorcycle,bicycle, and bicycle,motorcycle",
        ),
        ((424, b'{"Message": "It broke."}'), r"did not classify datasets/pedals/test/image_0.png: .*ModelError"),
    ],
)
def test_an_endpoint_that_does_not_answer_with_probabilities_ends_the_evaluation_and_writes_nothing(
    dataset: str,
    endpoint: type[Endpoint],
    runtime: "SageMakerRuntimeClient",
    tmp_path: Path,
    answer: tuple[int, bytes],
    message: str,
) -> None:
    endpoint.answers = [answer]
    with pytest.raises(EvaluationError, match=message):
        evaluate_endpoint(BUCKET, dataset, "pedals", tmp_path, concurrency=1, runtime=runtime)
    assert not list(tmp_path.iterdir())


def test_no_concurrency_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="at least 1"):
        evaluate_endpoint(BUCKET, "pedals", "pedals", tmp_path, concurrency=0)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"predictions": [{"key": 1}]}'])
def test_a_file_that_holds_no_evaluation_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "evaluation.json"
    path.write_text(content)
    with pytest.raises(EvaluationError, match="does not hold an evaluation"):
        read_evaluation(path)
    with pytest.raises(EvaluationError, match="workflow evaluate"):
        read_evaluation(tmp_path / "none.json")

import io
import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from contracts.coverage import CoverageError
from monitoring.quality.evaluate import ask_endpoint, evaluate_endpoint
from monitoring.quality.evaluation import EvaluationError, Terms, read_evaluation
from tests.unit.monitoring.endpoint import Endpoint
from tests.unit.samples import BUCKET

if TYPE_CHECKING:
    from mypy_boto3_sagemaker_runtime import SageMakerRuntimeClient


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
    assert sorted(path.name for path in tmp_path.iterdir()) == ["evaluation.json"]
    assert evaluation.trained_on == {"bicycle": 3, "motorcycle": 2}


def described(**changes: Any) -> bytes:
    says = {"probabilities": [0.9, 0.1], "labels": ["bicycle", "motorcycle"], "release": "3fa4c0d1e2b7"}
    says |= {"threshold": 0.9, "familiarity": 0.4, "familiarity_limit": 0.05}
    return json.dumps(says | changes).encode()


def test_the_threshold_that_the_answers_name_is_judged(
    dataset: str, endpoint: type[Endpoint], runtime: "SageMakerRuntimeClient", tmp_path: Path
) -> None:
    endpoint.answers = [(200, described()), (200, described(familiarity=0.01))]
    evaluation = evaluate_endpoint(BUCKET, dataset, "pedals", tmp_path, concurrency=1, runtime=runtime)
    assert evaluation.terms == Terms("3fa4c0d1e2b7", 0.9, 0.05)
    assert [one.familiarity for one in evaluation.predictions] == [0.4, 0.01, 0.4, 0.01, 0.4]
    assert (evaluation.judged.threshold, evaluation.judged.accepted, evaluation.unfamiliar) == (0.9, 3, 2)
    assert read_evaluation(tmp_path / "evaluation.json") == evaluation


def test_an_endpoint_in_the_middle_of_an_update_is_not_evaluated(
    dataset: str, endpoint: type[Endpoint], runtime: "SageMakerRuntimeClient", tmp_path: Path
) -> None:
    endpoint.answers = [(200, described()), (200, described(release="0000"))]
    with pytest.raises(EvaluationError, match=r"several releases \(0000, 3fa4c0d1e2b7\)"):
        evaluate_endpoint(BUCKET, dataset, "pedals", tmp_path, runtime=runtime)


def test_where_it_looked_is_asked_for_by_the_header_of_the_contract(
    endpoint: type[Endpoint], runtime: "SageMakerRuntimeClient"
) -> None:
    endpoint.answers = [(200, described(explanation=[[0.1, 0.9]]))]
    answer = ask_endpoint(runtime, "pedals", ("bicycle", "motorcycle"), "a.png", b"x", explain=True)
    assert answer.explanation == ((0.1, 0.9),)
    assert endpoint.requests[0][1]["x-amzn-sagemaker-custom-attributes"] == "explain"


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ((200, b"[0.5, 0.4, 0.1]"), "isn't a list of 2 probabilities. Check that it serves a model of this data set"),
        ((200, b"[0.9, 0.2]"), "sum to 1.1"),
        ((200, b"[NaN, 1.0]"), "isn't a number from 0 to 1"),
        ((200, b"bicycle"), "isn't JSON"),
        ((200, described(labels=["motorcycle", "bicycle"])), "labels are motorcycle,bicycle"),
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


@pytest.mark.parametrize("max_error", [2.0, -0.1, math.nan])
def test_an_error_that_is_no_proportion_is_refused_before_anything_is_asked(tmp_path: Path, max_error: float) -> None:
    with pytest.raises(CoverageError):
        evaluate_endpoint("no-such-bucket", "pedals", "pedals", tmp_path, max_error)


def test_no_concurrency_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="at least 1"):
        evaluate_endpoint(BUCKET, "pedals", "pedals", tmp_path, concurrency=0)

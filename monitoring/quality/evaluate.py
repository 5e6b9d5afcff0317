"""Ask the endpoint about every test image, and evaluate its answers: writes `evaluation.json`."""

import re
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from rich.progress import track

from contracts.answer import EXPLAIN, Answer, AnswerError, parse_answer
from contracts.coverage import require_proportion
from contracts.errors import refusal
from inference.staged_data import Dataset, ListedImage, read_object
from monitoring.quality.evaluation import (
    EVALUATION_FILE,
    MAX_ERROR,
    Evaluation,
    EvaluationError,
    Prediction,
    Terms,
    assess,
)

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sagemaker_runtime import SageMakerRuntimeClient

CONTENT_TYPE = "application/x-image"


def evaluate_endpoint(
    bucket: str,
    dataset: str,
    endpoint: str,
    out: Path,
    max_error: float = MAX_ERROR,
    concurrency: int = 2,
    *,
    s3: "S3Client | None" = None,
    runtime: "SageMakerRuntimeClient | None" = None,
) -> Evaluation:
    """Ask *endpoint* about all test images, at most *concurrency* at a time; write the evaluation to *out*.

    The images are those of the data set in S3, which are bounded as those of the workflow. No InferenceId is sent, so
    that what is captured of this is not taken for executions. Raises DatasetError, EvaluationError or CoverageError.
    """
    if concurrency < 1:
        raise EvaluationError(f"The concurrency must be at least 1, not {concurrency}.")
    require_proportion(max_error)
    config = Config(retries={"mode": "standard", "total_max_attempts": 5}, max_pool_connections=concurrency)
    s3 = s3 or boto3.client("s3", config=config)
    runtime = runtime or boto3.client("sagemaker-runtime", config=config)
    staged = Dataset.read(s3, bucket, dataset)

    def ask(image: ListedImage) -> Answer:
        return ask_endpoint(runtime, endpoint, staged.classes, image.key, read_object(s3, bucket, image.key))

    with ThreadPoolExecutor(concurrency) as pool:
        answering = pool.map(ask, staged.test)
        try:
            answers = list(track(answering, "Evaluating", total=len(staged.test), transient=True))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    evaluation = assess(
        dataset,
        endpoint,
        staged.classes,
        [_prediction(*pair) for pair in zip(staged.test, answers, strict=True)],
        max_error,
        terms=_terms(endpoint, answers),
        trained_on=staged.trained_on,
    )
    evaluation.write(out / EVALUATION_FILE)
    return evaluation


def ask_endpoint(
    runtime: "SageMakerRuntimeClient",
    endpoint: str,
    classes: Sequence[str],
    key: str,
    body: bytes,
    *,
    explain: bool = False,
) -> Answer:
    """The endpoint's answer for the image *key*; EvaluationError where it has none or it makes no sense.

    With *explain*, an endpoint that can also answers where it looked.
    """
    wishes = {"CustomAttributes": EXPLAIN} if explain else {}
    try:
        answer = runtime.invoke_endpoint(EndpointName=endpoint, ContentType=CONTENT_TYPE, Body=body, **wishes)
        return parse_answer(answer["Body"].read(), classes)
    except ClientError as error:
        if re.search(r"endpoint \S+ of account \S+ not found", refusal(error.response), re.IGNORECASE):
            raise EvaluationError(
                f"There is no endpoint {endpoint}; deploy one with `workflow deploy`, or name another with --endpoint."
            ) from error
        said = refusal(error.response)
        raise EvaluationError(f"The endpoint {endpoint} did not classify {key}: {said}.") from error
    except BotoCoreError as error:
        raise EvaluationError(f"The endpoint {endpoint} did not classify {key}: {error}.") from error
    except AnswerError as error:
        raise EvaluationError(
            f"The endpoint {endpoint} did not classify {key}: {error} Check that it serves a model of this data set."
        ) from error


def _prediction(image: ListedImage, answer: Answer) -> Prediction:
    return Prediction(image.key, image.label, answer.label, answer.confidence, answer.probabilities, answer.familiarity)


def _terms(endpoint: str, answers: Iterable[Answer]) -> Terms | None:
    """The release that gave all the answers; None where they don't say."""
    given = {
        Terms(answer.release, answer.threshold, answer.familiarity_limit) if answer.release is not None else None
        for answer in answers
    }
    if len(given) > 1:
        names = ", ".join(sorted(terms.release if terms else "one without a name" for terms in given))
        raise EvaluationError(f"The endpoint {endpoint} answers by several releases ({names}); wait for its update.")
    return given.pop() if given else None

"""Ask the endpoint about every test image, and measure how far its answers can be trusted.

Writes `evaluation.json`: accuracy, calibration, and the confidence threshold that keeps the error among accepted images
at or below what is tolerated.
"""

import dataclasses
import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import numpy as np
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from rich.progress import track

from contracts.answer import AnswerError, parse_answer
from contracts.coverage import CoverageCurve, coverage_curve
from contracts.files import write_whole
from inference.staged_data import Dataset, ListedImage, read_object
from monitoring.errors import MonitoringError
from monitoring.quality.calibration import (
    CalibrationBin,
    Interval,
    OperatingPoint,
    calibration,
    expected_calibration_error,
    interval,
    recommend,
)

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sagemaker_runtime import SageMakerRuntimeClient

CONTENT_TYPE = "application/x-image"
EVALUATION_FILE = "evaluation.json"


class EvaluationError(MonitoringError):
    """The endpoint can't be asked, or its answer can't be used."""


@dataclass(frozen=True)
class Prediction:
    """What the endpoint says of one test image; `probabilities` in label order."""

    key: str
    truth: str
    label: str
    confidence: float
    probabilities: tuple[float, ...]


@dataclass(frozen=True)
class Evaluation:
    """How the endpoint does on a data set's test images; `recommended` is None where no threshold keeps `max_error`."""

    dataset: str
    endpoint: str
    classes: tuple[str, ...]
    images: int
    accuracy: float
    accuracy_interval: Interval
    max_error: float
    recommended: OperatingPoint | None
    expected_calibration_error: float
    calibration: list[CalibrationBin]
    predictions: list[Prediction]

    @property
    def curve(self) -> CoverageCurve:
        """Coverage and error at every threshold."""
        return coverage_curve(*_arrays(self.predictions))


def evaluate_endpoint(
    bucket: str,
    dataset: str,
    endpoint: str,
    out: Path,
    max_error: float = 0.02,
    concurrency: int = 2,
    *,
    s3: "S3Client | None" = None,
    runtime: "SageMakerRuntimeClient | None" = None,
) -> Evaluation:
    """Ask *endpoint* about all test images, at most *concurrency* at a time; write the evaluation to *out*.

    The images are those of the data set in S3, which are the model's input already. No InferenceId is sent, so that
    what is captured of this is not taken for executions. Raises DatasetError, EvaluationError or CoverageError.
    """
    if concurrency < 1:
        raise EvaluationError(f"The concurrency must be at least 1, not {concurrency}.")
    config = Config(retries={"mode": "standard", "total_max_attempts": 5}, max_pool_connections=concurrency)
    s3 = s3 or boto3.client("s3", config=config)
    runtime = runtime or boto3.client("sagemaker-runtime", config=config)
    staged = Dataset.read(s3, bucket, dataset)

    def ask(image: ListedImage) -> Prediction:
        return predict(runtime, endpoint, staged.classes, image, read_object(s3, bucket, image.key))

    with ThreadPoolExecutor(concurrency) as pool:
        answers = pool.map(ask, staged.test)
        try:
            predictions = list(track(answers, "Evaluating", total=len(staged.test), transient=True))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    evaluation = assess(dataset, endpoint, staged.classes, predictions, max_error)
    write_whole(out / EVALUATION_FILE, json.dumps(dataclasses.asdict(evaluation), indent=1) + "\n")
    return evaluation


def assess(
    dataset: str, endpoint: str, classes: tuple[str, ...], predictions: list[Prediction], max_error: float
) -> Evaluation:
    """The evaluation of *predictions*; CoverageError where there are none."""
    confidence, correct = _arrays(predictions)
    curve = coverage_curve(confidence, correct)
    bins = calibration(confidence, correct)
    return Evaluation(
        dataset=dataset,
        endpoint=endpoint,
        classes=classes,
        images=len(predictions),
        accuracy=float(correct.mean()),
        accuracy_interval=interval(int(correct.sum()), len(predictions)),
        max_error=max_error,
        recommended=recommend(curve, max_error),
        expected_calibration_error=expected_calibration_error(bins),
        calibration=bins,
        predictions=predictions,
    )


def predict(
    runtime: "SageMakerRuntimeClient", endpoint: str, classes: Sequence[str], image: ListedImage, content: bytes
) -> Prediction:
    """The endpoint's answer for one image; EvaluationError where it has none or it makes no sense."""
    try:
        body = runtime.invoke_endpoint(EndpointName=endpoint, ContentType=CONTENT_TYPE, Body=content)["Body"].read()
    except (ClientError, BotoCoreError) as error:
        raise EvaluationError(f"The endpoint {endpoint} did not classify {image.key}: {error}.") from error
    try:
        answer = parse_answer(body, classes)
    except AnswerError as error:
        raise EvaluationError(
            f"The endpoint {endpoint} did not classify {image.key}: {error} "
            "Check that it serves a model of this data set."
        ) from error
    return Prediction(image.key, image.label, answer.label, answer.confidence, answer.probabilities)


def read_evaluation(path: Path) -> Evaluation:
    """The evaluation that was written to *path*; EvaluationError where it is missing or malformed."""
    try:
        row: dict[str, Any] = json.loads(path.read_text())
        predictions = [Prediction(**{**p, "probabilities": tuple(p["probabilities"])}) for p in row["predictions"]]
        return assess(row["dataset"], row["endpoint"], tuple(row["classes"]), predictions, row["max_error"])
    except FileNotFoundError as error:
        raise EvaluationError(f"{path} does not exist; make it with `workflow evaluate`.") from error
    except (ValueError, TypeError, KeyError) as error:
        raise EvaluationError(f"{path} does not hold an evaluation ({error!r}); make it again.") from error


def _arrays(predictions: Sequence[Prediction]) -> tuple[Any, Any]:
    """Confidence and rightness of each prediction, both of shape (n,)."""
    confidence = np.array([prediction.confidence for prediction in predictions], dtype=float)
    return confidence, np.array([prediction.label == prediction.truth for prediction in predictions], dtype=bool)

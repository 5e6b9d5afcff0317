"""Classify: ask the endpoint what is in the image, and capture the request where the endpoint can't."""

import base64
import binascii
import hashlib
import math
import os
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import boto3
from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError, IncompleteReadError
from botocore.exceptions import ConnectionError as UnreachableError

from contracts.answer import Answer, InvalidAnswer, parse_answer
from contracts.captured import Body, capture_file, captured_line
from contracts.layout import Prefix

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sagemaker_runtime import SageMakerRuntimeClient

CONTENT_TYPE = "application/x-image"
ANSWER_TYPE = "application/json"
BUSY = {
    "InternalDependencyException",
    "InternalFailure",
    "ModelNotReadyException",
    "ServiceUnavailable",
    "ThrottlingException",
}
# The container is overloaded or starting, or a proxy in front of it can't reach it. SageMaker says 0 where it got no
# response from the container: it crashed, or took too long.
UNREACHABLE = {0, 429, 502, 503, 504}


class ConfigurationError(Exception):
    """An environment variable of the function is missing or out of range."""


class InvalidEvent(Exception):
    """The event doesn't carry an image."""


class EndpointBusy(Exception):
    """The endpoint or its container is throttled, not ready, out of reach or too slow: the call may pass later."""


class ModelFailed(Exception):
    """The model is there and failed on this image: the same call may pass, and more likely will not."""


class ImageRefused(Exception):
    """The model answered 4xx: it can't take this image."""


class EndpointNotFound(Exception):
    """SageMaker knows no endpoint of that name, or refused the request as malformed."""


class InvalidInference(Exception):
    """The model's answer isn't a probability for each label, or contradicts itself."""


def endpoint_of(environment: Mapping[str, str]) -> str:
    """Return ENDPOINT_NAME."""
    name = environment.get("ENDPOINT_NAME", "")
    if not name:
        raise ConfigurationError("ENDPOINT_NAME must name the endpoint to ask.")
    return name


def labels_of(environment: Mapping[str, str]) -> tuple[str, ...]:
    """Return CLASS_LABELS, a comma list in the order of the model's outputs; empty to take the model's."""
    text = environment.get("CLASS_LABELS", "")
    if not text:
        return ()
    labels = tuple(label.strip() for label in text.split(","))
    if len(labels) < 2 or "" in labels or len(set(labels)) != len(labels):
        raise ConfigurationError(f"CLASS_LABELS must be two or more different labels with commas, not {text!r}.")
    return labels


def threshold_of(environment: Mapping[str, str]) -> float | None:
    """Return CONFIDENCE_THRESHOLD, a number from 0 to 1; None, if it is empty, to take the model's."""
    text = environment.get("CONFIDENCE_THRESHOLD", "")
    if not text:
        return None
    try:
        threshold = float(text)
    except ValueError:
        threshold = math.nan
    if not 0 <= threshold <= 1:
        raise ConfigurationError(f"CONFIDENCE_THRESHOLD must be a number from 0 to 1, or empty, not {text!r}.")
    return threshold


def timeout_of(environment: Mapping[str, str]) -> float:
    """Return MODEL_TIMEOUT, the seconds to wait for the model's answer."""
    text = environment.get("MODEL_TIMEOUT", "")
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise ConfigurationError(f"MODEL_TIMEOUT must be a number of seconds above 0, not {text!r}.")
    return seconds


def capture_of(environment: Mapping[str, str]) -> tuple[int, str]:
    """Return CLASSIFY_CAPTURE, the percentage of requests to capture, and DATA_BUCKET, which takes them."""
    text, bucket = environment.get("CLASSIFY_CAPTURE", ""), environment.get("DATA_BUCKET", "")
    if not re.fullmatch("100|[1-9]?[0-9]", text):
        raise ConfigurationError(f"CLASSIFY_CAPTURE must be a whole number from 0 to 100, not {text!r}.")
    if text != "0" and not bucket:
        raise ConfigurationError("DATA_BUCKET must name the bucket to capture into.")
    return int(text), bucket


def image_of(event: Any) -> bytes:
    """Return the bytes of `image_data`."""
    try:
        return base64.b64decode(event["image_data"], validate=True)
    except (KeyError, TypeError, ValueError, binascii.Error) as error:
        raise InvalidEvent("The event must have image_data, an image in base64.") from error


def invoke(runtime: "SageMakerRuntimeClient", endpoint: str, image: bytes, inference_id: str) -> tuple[bytes, str]:
    """Return the model's answer and the variant that gave it."""
    try:
        answer = runtime.invoke_endpoint(
            EndpointName=endpoint, ContentType=CONTENT_TYPE, InferenceId=inference_id, Body=image
        )
        return answer["Body"].read(), answer["InvokedProductionVariant"]
    except ClientError as error:
        raise translated(error) from error
    except (UnreachableError, HTTPClientError, IncompleteReadError) as error:
        raise EndpointBusy(f"{endpoint} didn't answer: {error}") from error


def translated(error: ClientError) -> Exception:
    """Return the error of ours that says what the state machine should do about SageMaker's."""
    code, message = error.response["Error"]["Code"], error.response["Error"]["Message"]
    if code in BUSY:
        return EndpointBusy(f"{code}: {message}")
    if code == "ModelError":
        status = int(error.response.get("OriginalStatusCode", 500))  # type: ignore[call-overload]
        if status in UNREACHABLE:
            return EndpointBusy(f"The model answered {status}: {message}")
        return ImageRefused(message) if 400 <= status < 500 else ModelFailed(message)
    if code == "ValidationError":
        return EndpointNotFound(message)
    return error


def answer_of(body: bytes, labels: tuple[str, ...]) -> Answer:
    """Return the model's answer, with its own labels or else *labels*.

    Raises InvalidInference, LabelsUnknown where nobody names the labels, and LabelsDisagree where *labels* are others.
    """
    try:
        return parse_answer(body, labels)
    except InvalidAnswer as error:
        raise InvalidInference(str(error)) from error


def is_sampled(inference_id: str, percentage: int) -> bool:
    """Whether a request is one of the percentage to capture: the checksum of its id decides."""
    number = int.from_bytes(hashlib.sha256(inference_id.encode()).digest()[:8])
    return number * 100 < percentage * 2**64


def capture(s3: "S3Client", image: bytes, answer: bytes, variant: str, inference_id: str) -> None:
    """Write a request and its answer to the bucket; that it can't be written is counted, and fails no image.

    It is an object per request: what a buffer holds is lost when Lambda freezes or ends the function.
    """
    time = datetime.now(UTC)
    request, answered = Body(image, CONTENT_TYPE), Body(answer, ANSWER_TYPE, "JSON")
    line = captured_line(request, answered, inference_id, time)
    key = f"{Prefix.CAPTURE}{capture_file(ENDPOINT_NAME, variant, time)}"
    try:
        s3.put_object(Bucket=DATA_BUCKET, Key=key, Body=line.encode())
    except (ClientError, BotoCoreError) as error:
        code = error.response["Error"]["Code"] if isinstance(error, ClientError) else type(error).__name__
        logger.warning("not captured", extra={"code": code, "inference_id": inference_id})
        metrics.add_metric("CaptureFailed", MetricUnit.Count, 1)


logger = Logger()
tracer = Tracer(patch_modules=["botocore"])
metrics = Metrics()
ENDPOINT_NAME = endpoint_of(os.environ)
CLASS_LABELS = labels_of(os.environ)
CONFIDENCE_THRESHOLD = threshold_of(os.environ)
MODEL_TIMEOUT = timeout_of(os.environ)
CAPTURE, DATA_BUCKET = capture_of(os.environ)
# One attempt: the state machine retries, with backoff, and its history shows it.
RUNTIME: "SageMakerRuntimeClient" = boto3.client(
    "sagemaker-runtime",
    config=Config(connect_timeout=2, read_timeout=MODEL_TIMEOUT, retries={"total_max_attempts": 1}),
)
# The image waits for the write, so it is given up soon.
CAPTURE_PATIENCE = Config(connect_timeout=1, read_timeout=2, retries={"mode": "standard", "total_max_attempts": 2})
# Made only where it is needed, as it takes time at the start.
S3: "S3Client | None" = boto3.client("s3", config=CAPTURE_PATIENCE) if CAPTURE else None


def classify(event: Any, inference_id: str) -> dict[str, Any]:
    """Return Serialize's record without the image, with what the model said of it."""
    image = image_of(event)
    try:
        body, variant = invoke(RUNTIME, ENDPOINT_NAME, image, inference_id)
    except ImageRefused:
        metrics.add_metric("Rejected", MetricUnit.Count, 1)
        raise
    # Before the answer is read, as an endpoint captures whatever its model said.
    if S3 and is_sampled(inference_id, CAPTURE):
        capture(S3, image, body, variant, inference_id)
    answer = answer_of(body, CLASS_LABELS)
    threshold = answer.threshold_under(CONFIDENCE_THRESHOLD)
    metrics.add_metric("Confidence", MetricUnit.NoUnit, answer.confidence)
    if threshold is not None:
        metrics.add_metric("Threshold", MetricUnit.NoUnit, threshold)
    said = {"label": answer.label, "confidence": answer.confidence, "release": answer.release, "variant": variant}
    logger.info("classified", extra=said)
    return {key: value for key, value in event.items() if key != "image_data"} | {
        "inferences": list(answer.probabilities),
        "labels": list(answer.labels),
        "threshold": threshold,
        "familiarity": answer.familiarity,
        "familiarity_limit": answer.familiarity_limit,
        "endpoint": ENDPOINT_NAME,
        "inference_id": inference_id,
        **said,
    }


@metrics.log_metrics
@tracer.capture_lambda_handler(capture_response=False)
@logger.inject_lambda_context
def lambda_handler(event: Any, context: LambdaContext) -> dict[str, Any]:
    """Step Functions task: Serialize's record in; out the record without the image, with what the model said of it.

    The request's id is the InferenceId, so that logs, executions and captured data join on one value.
    The threshold is CONFIDENCE_THRESHOLD, else that of the model that answered; null where its release accepts nothing.
    Raises ImageRefused when the image is at fault; EndpointBusy is worth many retries, ModelFailed a few.
    """
    return classify(event, context.aws_request_id)

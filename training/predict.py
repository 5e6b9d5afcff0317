"""Ask an endpoint to classify images: files, folders, or objects in S3."""

import json
import math
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from contracts.addresses import S3Address, is_s3_address
from contracts.answer import AnswerError, parse_answer
from training.errors import PredictError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sagemaker_runtime import SageMakerRuntimeClient

CONTENT_TYPE = "application/x-image"
# The largest body that InvokeEndpoint takes, in bytes.
LARGEST = 6_291_456
SUFFIXES = frozenset({".png", ".jpg", ".jpeg"})
AT_ONCE = 4


@dataclass(frozen=True)
class Prediction:
    """What the endpoint says of one image: `probabilities` in the order of the labels, `confidence` the largest.

    Where it has no answer, `label` is empty, there are no probabilities, and `error` says why.
    """

    source: str
    label: str
    confidence: float
    probabilities: tuple[float, ...]
    error: str | None = None

    def to_json(self) -> str:
        """Write the prediction as one line of JSON; a confidence that isn't there is null."""
        return json.dumps(asdict(self) | {"confidence": None if self.error else self.confidence})


def predict(endpoint_name: str, labels: Sequence[str], sources: Sequence[str]) -> Iterator[Prediction]:
    """Yield a prediction for each image, in order; images are sent as they are.

    A source is a file, a folder (its .png, .jpg and .jpeg files, at any depth), `s3://bucket/key`, or
    `s3://bucket/prefix/` for such objects below it.

    Raises:
        PredictError: a source isn't there or holds no image; the endpoint's answer can't be used or has other labels.
    """
    config = Config(max_pool_connections=AT_ONCE, retries={"mode": "adaptive", "total_max_attempts": 5})
    runtime, s3 = boto3.client("sagemaker-runtime", config=config), boto3.client("s3", config=config)
    images = [image for source in sources for image in _images(s3, source)]
    ask = partial(_ask, runtime, s3, endpoint_name, labels)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        try:
            yield from pool.map(ask, images)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _images(s3: "S3Client", source: str) -> list[str]:
    if is_s3_address(source):
        return _objects(s3, source)
    path = Path(source)
    if path.is_dir():
        found = [str(file) for file in sorted(path.rglob("*")) if file.suffix.lower() in SUFFIXES and file.is_file()]
    else:
        found = [source] if path.is_file() else []
        if not found:
            raise PredictError(f"{source} is neither a file nor a folder.")
    if not found:
        raise PredictError(f"The folder {source} holds no .png, .jpg or .jpeg file.")
    return found


def _objects(s3: "S3Client", source: str) -> list[str]:
    address = S3Address.parse(source)
    if address.key and not address.key.endswith("/"):
        return [source]
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=address.bucket, Prefix=address.key)
    keys = [item["Key"] for page in pages for item in page.get("Contents", [])]
    found = [str(S3Address(address.bucket, name)) for name in keys if Path(name).suffix.lower() in SUFFIXES]
    if not found:
        raise PredictError(f"There is no .png, .jpg or .jpeg object below {source}.")
    return found


def _ask(
    runtime: "SageMakerRuntimeClient", s3: "S3Client", endpoint: str, labels: Sequence[str], source: str
) -> Prediction:
    body = _read(s3, source)
    if len(body) > LARGEST:
        return _none(source, f"it has {len(body)} bytes, and an endpoint takes {LARGEST} at most")
    try:
        response = runtime.invoke_endpoint(EndpointName=endpoint, ContentType=CONTENT_TYPE, Body=body)
    except runtime.exceptions.ModelError as error:
        return _none(source, " ".join(str(error.response.get("OriginalMessage", error)).split()))
    try:
        answer = parse_answer(response["Body"].read(), labels)
    except AnswerError as error:
        raise PredictError(f"{error} Does the endpoint {endpoint} serve this model?") from error
    return Prediction(source, answer.label, answer.confidence, answer.probabilities)


def _read(s3: "S3Client", source: str) -> bytes:
    if not is_s3_address(source):
        return Path(source).read_bytes()
    address = S3Address.parse(source)
    try:
        return s3.get_object(Bucket=address.bucket, Key=address.key)["Body"].read()
    except ClientError as error:
        if error.response["Error"]["Code"] in {"NoSuchKey", "NoSuchBucket"}:
            raise PredictError(f"There is no object {source}.") from error
        raise


def _none(source: str, error: str) -> Prediction:
    return Prediction(source, "", math.nan, (), error)

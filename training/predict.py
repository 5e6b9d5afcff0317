"""Ask an endpoint to classify images: files, folders, or objects in S3."""

import io
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError
from PIL import Image

from contracts.addresses import S3Address, is_s3_address
from contracts.answer import EXPLAIN, Answer, AnswerError, Explanation, parse_answer, read_answer
from contracts.files import written_whole
from contracts.outcomes import review_reason
from imaging.decoding import MAX_BYTES, SUFFIXES, model_input
from imaging.errors import ImageTooLarge, InvalidImage
from imaging.spotlight import spotlight
from training.errors import PredictError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sagemaker_runtime import SageMakerRuntimeClient

CONTENT_TYPE = "application/x-image"
AT_ONCE = 4
# Pixels that the longest side of an explained picture has at least.
SHOWN_SIDE = 256


@dataclass(frozen=True)
class Input:
    """How the model takes images: the workflow's `MaxSide` and `ImageFit`."""

    max_side: int = 224
    exact: bool = False


@dataclass(frozen=True)
class Prediction:
    """What the endpoint answers of one image; where it has no answer, `error` says why."""

    source: str
    answer: Answer | None
    error: str | None = None

    @property
    def decision(self) -> str:
        """What the workflow would do with the image; empty where only the stack's own threshold can tell."""
        if self.answer is None or not self.answer.describes_itself:
            return ""
        reason = review_reason(self.answer, self.answer.threshold)
        return f"review: {reason}" if reason else "accepted"

    def to_record(self) -> dict[str, Any]:
        """Return the prediction for JSON, with the answer's own fields; what isn't there is None."""
        answer = self.answer
        return {
            "source": self.source,
            "label": answer.label if answer else None,
            "confidence": answer.confidence if answer else None,
            "decision": self.decision or None,
            **({field.name: getattr(answer, field.name, None) for field in fields(Answer)}),
            "error": self.error,
        }


def predict(
    endpoint_name: str,
    sources: Sequence[str],
    *,
    labels: Sequence[str] = (),
    takes: Input | None = None,
    explained: Path | None = None,
) -> Iterator[Prediction]:
    """Yield a prediction for each image, in order; images are sent as the workflow would send them.

    A source is a file, a folder (its images, at any depth), `s3://bucket/key`, or `s3://bucket/prefix/` for the images
    below it. Where the endpoint answers a plain list, it is of `labels`. With `explained` the model is also asked where
    it looked, and draws that into pictures in this folder.

    Raises:
        PredictError: a source isn't there or holds no image; the endpoint's answer can't be used.
    """
    config = Config(max_pool_connections=AT_ONCE, retries={"mode": "adaptive", "total_max_attempts": 5})
    runtime, s3 = boto3.client("sagemaker-runtime", config=config), boto3.client("s3", config=config)
    images = [image for source in sources for image in _images(s3, source)]
    pictures = _pictures(images, explained) if explained else [None] * len(images)
    ask = partial(_ask, runtime, s3, endpoint_name, labels, takes or Input())
    with ThreadPoolExecutor(AT_ONCE) as pool:
        try:
            yield from pool.map(ask, images, pictures)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _pictures(images: Sequence[str], folder: Path) -> list[Path | None]:
    """Name the explained picture of each image by the image, and number those of one name."""
    seen: Counter[str] = Counter()
    places: list[Path | None] = []
    for image in images:
        stem = PurePosixPath(image).stem
        seen[stem] += 1
        places.append(folder / (f"{stem}.png" if seen[stem] == 1 else f"{stem}-{seen[stem]}.png"))
    return places


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
        raise PredictError(f"The folder {source} holds no image.")
    return found


def _objects(s3: "S3Client", source: str) -> list[str]:
    address = S3Address.parse(source)
    if address.key and not address.key.endswith("/"):
        return [source]
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=address.bucket, Prefix=address.key)
    keys = [item["Key"] for page in pages for item in page.get("Contents", [])]
    found = [str(S3Address(address.bucket, name)) for name in keys if Path(name).suffix.lower() in SUFFIXES]
    if not found:
        raise PredictError(f"There is no image below {source}.")
    return found


def _ask(
    runtime: "SageMakerRuntimeClient",
    s3: "S3Client",
    endpoint: str,
    labels: Sequence[str],
    takes: Input,
    source: str,
    picture: Path | None,
) -> Prediction:
    data = _read(s3, source)
    if len(data) > MAX_BYTES:
        return Prediction(source, None, f"The image has {len(data):,} bytes, and at most {MAX_BYTES:,} are taken.")
    try:
        body = model_input(data, takes.max_side, exact=takes.exact).png
    except (ImageTooLarge, InvalidImage) as error:
        return Prediction(source, None, str(error))
    custom: dict[str, str] = {"CustomAttributes": EXPLAIN} if picture else {}
    try:
        response = runtime.invoke_endpoint(EndpointName=endpoint, ContentType=CONTENT_TYPE, Body=body, **custom)
    except runtime.exceptions.ModelError as error:
        return Prediction(source, None, " ".join(str(error.response.get("OriginalMessage", error)).split()))
    content = response["Body"].read()
    try:
        answer = read_answer(content)
        if not answer.describes_itself:
            answer = parse_answer(content, labels)
    except AnswerError as error:
        raise PredictError(f"{error} Does the endpoint {endpoint} serve this model?") from error
    if picture and answer.explanation:
        _draw(body, answer.explanation, picture)
    return Prediction(source, answer)


def _draw(png: bytes, explanation: Explanation, path: Path) -> None:
    """Write the image as the model was given it, with light where it looked; small ones enlarged to be seen."""
    with Image.open(io.BytesIO(png)) as image:
        times = max(1, SHOWN_SIDE // max(image.size))
        shown = spotlight(
            image.resize((times * image.width, times * image.height), Image.Resampling.NEAREST), explanation
        )
    with written_whole(path) as part:
        shown.save(part, "PNG")


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

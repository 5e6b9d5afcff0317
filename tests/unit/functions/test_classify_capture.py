"""Classify captures a share of the requests where the endpoint can't, and what S3 does fails no image."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ConnectTimeoutError, EndpointConnectionError, ReadTimeoutError
from botocore.stub import Stubber
from moto import mock_aws

from contracts.answer import read_answer
from functions.classify import app
from monitoring.capture.records import CaptureRecord, read_capture
from monitoring.capture.sources import S3Capture
from tests.messages import exactly
from tests.unit.functions.calls import DESCRIBED, SERIALIZED, Caller, answering

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

BUCKET = "captured"
ANSWER = json.dumps(DESCRIBED).encode()


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> "Iterator[S3Client]":
    """A client for Classify, which captures everything, and a bucket for it."""
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1", config=app.CAPTURE_PATIENCE)
        client.create_bucket(Bucket=BUCKET)
        for name, value in {"S3": client, "CAPTURE": 100, "DATA_BUCKET": BUCKET}.items():
            monkeypatch.setattr(app, name, value)
        yield client


def recorded(s3: "S3Client") -> list[Any]:
    """Return what the readers of captured data find."""
    now = datetime.now(UTC)
    return [*read_capture(S3Capture(BUCKET, app.ENDPOINT_NAME, s3), now - timedelta(minutes=1))]


@pytest.mark.parametrize(("text", "found"), [("0", (0, "")), ("7", (7, "b")), ("42", (42, "b")), ("100", (100, "b"))])
def test_the_percentage_is_a_whole_number_and_needs_a_bucket_above_0(text: str, found: tuple[int, str]) -> None:
    assert app.capture_of({"CLASSIFY_CAPTURE": text, "DATA_BUCKET": found[1]}) == found


@pytest.mark.parametrize("text", ["", "101", "-1", "1.5", "all", "07", " 7"])
def test_another_percentage_is_refused_by_the_variables_name(text: str) -> None:
    message = f"CLASSIFY_CAPTURE must be a whole number from 0 to 100, not {text!r}."
    with pytest.raises(app.ConfigurationError, match=exactly(message)):
        app.capture_of({"CLASSIFY_CAPTURE": text, "DATA_BUCKET": "b"})


def test_capturing_without_a_bucket_is_refused_by_the_variables_name() -> None:
    with pytest.raises(app.ConfigurationError, match=exactly("DATA_BUCKET must name the bucket to capture into.")):
        app.capture_of({"CLASSIFY_CAPTURE": "1", "DATA_BUCKET": ""})


@pytest.mark.parametrize(("text", "seconds"), [("8", 8.0), ("0.5", 0.5)])
def test_the_models_time_is_a_number_of_seconds(text: str, seconds: float) -> None:
    assert app.timeout_of({"MODEL_TIMEOUT": text}) == seconds


@pytest.mark.parametrize("text", ["", "0", "-1", "inf", "NaN", "soon"])
def test_another_time_is_refused_by_the_variables_name(text: str) -> None:
    message = f"MODEL_TIMEOUT must be a number of seconds above 0, not {text!r}."
    with pytest.raises(app.ConfigurationError, match=exactly(message)):
        app.timeout_of({"MODEL_TIMEOUT": text})


def test_a_percentage_of_the_requests_is_sampled_the_same_ones_each_time() -> None:
    ids = [f"request-{number}" for number in range(4000)]
    sampled = {percentage: {one for one in ids if app.is_sampled(one, percentage)} for percentage in (0, 25, 50, 100)}
    assert (sampled[0], sampled[100]) == (set(), set(ids))
    assert sampled[25] < sampled[50]
    # Five standard errors around the percentage.
    assert 0.215 < len(sampled[25]) / len(ids) < 0.285


def test_a_captured_request_is_read_as_one_that_an_endpoint_captured(s3: "S3Client", call: Caller) -> None:
    with answering(ANSWER):
        made = call(app, SERIALIZED)
    (record,) = recorded(s3)
    assert isinstance(record, CaptureRecord)
    assert (record.inference_id, record.variant) == (made.answer["inference_id"], "Green")
    assert (record.payload(), record.content_type) == (b"an image", "application/x-image")
    assert record.answer == read_answer(ANSWER)
    assert abs(record.time - datetime.now(UTC)) < timedelta(seconds=10)
    assert "CaptureFailed" not in made.metrics


def test_a_request_that_is_not_sampled_is_not_captured(
    s3: "S3Client", call: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "CAPTURE", 0)
    with answering(ANSWER):
        assert call(app, SERIALIZED).answer["label"] == "dog"
    assert recorded(s3) == []


@pytest.mark.filterwarnings("ignore:No application metrics to publish")
def test_an_answer_that_nobody_can_read_is_captured_as_an_endpoint_would(s3: "S3Client", call: Caller) -> None:
    with answering(b"[0.25, 0.7]"):
        assert isinstance(call(app, SERIALIZED).answer, app.InvalidInference)
    (skipped,) = recorded(s3)
    assert "sum to 0.95" in skipped.reason


def test_an_image_that_the_model_refused_is_not_captured(s3: "S3Client", call: Caller) -> None:
    with Stubber(app.RUNTIME) as stub:
        stub.add_client_error("invoke_endpoint", "ModelError", "No.", modeled_fields={"OriginalStatusCode": 415})
        assert isinstance(call(app, SERIALIZED).answer, app.ImageRefused)
    assert recorded(s3) == []


@pytest.mark.drill("Faults of the system")
@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (None, "NoSuchBucket"),
        (ReadTimeoutError(endpoint_url="u"), "ReadTimeoutError"),
        (ConnectTimeoutError(endpoint_url="u"), "ConnectTimeoutError"),
        (EndpointConnectionError(endpoint_url="u"), "EndpointConnectionError"),
    ],
)
def test_a_record_that_cannot_be_written_fails_no_image_and_is_counted_and_logged_without_the_image(
    s3: "S3Client", call: Caller, monkeypatch: pytest.MonkeyPatch, fault: Exception | None, code: str
) -> None:
    tried = []

    def fail(**_: object) -> None:
        tried.append(1)
        if fault:
            raise fault

    s3.meta.events.register("before-send.s3.PutObject", fail)
    monkeypatch.setattr(app, "DATA_BUCKET", "no-such-bucket")
    with answering(ANSWER):
        made = call(app, SERIALIZED)
    assert made.answer["label"] == "dog"
    assert made.metrics["CaptureFailed"] == (1.0, "Count")
    warning, told = made.logs
    assert (warning["level"], warning["message"], warning["code"]) == ("WARNING", "not captured", code)
    assert told["message"] == "classified"
    assert SERIALIZED["image_data"] not in json.dumps(made.logs)
    # A missing bucket isn't asked for twice.
    assert len(tried) == (2 if fault else 1)

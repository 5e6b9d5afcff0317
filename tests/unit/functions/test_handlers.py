"""What each handler gives to the state machine, and what it counts and logs of a call."""

import base64
import hashlib
import json
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import boto3
import pytest
from botocore.stub import Stubber
from moto import mock_aws

from contracts.answer import LabelsDisagree, LabelsUnknown, ThresholdUnknown
from functions.classify import app as classify
from functions.serialize import app as serialize
from functions.threshold import app as threshold
from imaging.decoding import model_input
from tests.images import encoded, gradient
from tests.unit.functions.calls import DESCRIBED, SERIALIZED, Caller, answering

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

BUCKET = "bucket"
IMAGE = encoded(gradient(80, 50))


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> "Iterator[S3Client]":
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket=BUCKET)
        client.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
        monkeypatch.setattr(serialize, "S3", client)
        yield client


def test_serialize_gives_the_record_of_the_pinned_version_with_its_image(s3: "S3Client", call: Caller) -> None:
    first = s3.put_object(Bucket=BUCKET, Key="k.png", Body=IMAGE)
    s3.put_object(Bucket=BUCKET, Key="k.png", Body=b"overwritten since")
    event = {"s3_bucket": BUCKET, "s3_key": "k.png", "s3_version_id": first["VersionId"], "image_data": ""}
    made = call(serialize, event)
    png = base64.b64decode(made.answer.pop("image_data"))
    assert png == model_input(IMAGE, serialize.SETTINGS.max_side, exact=False).png
    record = {
        "s3_bucket": BUCKET,
        "s3_key": "k.png",
        "s3_version_id": first["VersionId"],
        "etag": hashlib.md5(IMAGE, usedforsecurity=False).hexdigest(),
        "sha256": hashlib.sha256(IMAGE).hexdigest(),
        "width": 80,
        "height": 50,
    }
    assert made.answer == {**record, "content_type": "image/png"}
    assert made.metrics == {"Rejected": (0.0, "Count")}
    [line] = made.logs
    assert (line["level"], line["message"]) == ("INFO", "serialized")
    assert {name: line.get(name) for name in (*record, "bytes")} == {**record, "bytes": len(IMAGE)}


def test_serialize_without_a_pinned_version_says_which_one_it_read(s3: "S3Client", call: Caller) -> None:
    s3.put_object(Bucket=BUCKET, Key="k.png", Body=b"before")
    latest = s3.put_object(Bucket=BUCKET, Key="k.png", Body=IMAGE)["VersionId"]
    assert call(serialize, {"s3_bucket": BUCKET, "s3_key": "k.png"}).answer["s3_version_id"] == latest


@pytest.mark.usefixtures("s3")
@pytest.mark.parametrize(
    ("event", "error", "cause"),
    [
        ({}, serialize.InvalidEvent, "The event must have s3_bucket, a non-empty string."),
        ({"s3_bucket": BUCKET, "s3_key": "none"}, serialize.ImageNotFound, f"s3://{BUCKET}/none doesn't exist."),
    ],
)
def test_an_image_that_serialize_refuses_is_counted_and_logged_with_its_reason(
    call: Caller, event: dict[str, str], error: type[Exception], cause: str
) -> None:
    made = call(serialize, event)
    assert isinstance(made.answer, error)
    assert str(made.answer) == cause
    assert made.metrics == {"Rejected": (1.0, "Count")}
    [line] = made.logs
    assert (line["level"], line["message"]) == ("WARNING", "rejected")
    assert (line["reason"], line["cause"]) == (error.__name__, cause)


@pytest.fixture
def overriding(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Give Classify labels and a threshold, as its variables do when it starts."""

    def give(labels: tuple[str, ...] = (), threshold: float | None = None) -> None:
        monkeypatch.setattr(classify, "CLASS_LABELS", labels)
        monkeypatch.setattr(classify, "CONFIDENCE_THRESHOLD", threshold)

    give()
    return give


@pytest.mark.usefixtures("overriding")
def test_classify_gives_the_record_without_the_image_and_with_what_the_model_said(call: Caller) -> None:
    with answering(json.dumps(DESCRIBED).encode()):
        made = call(classify, SERIALIZED)
    assert made.answer == {
        "s3_key": "k.png",
        "inferences": [0.25, 0.75],
        "labels": ["cat", "dog"],
        "label": "dog",
        "confidence": 0.75,
        "threshold": 0.7,
        "release": "3fa4c0d1e2b7",
        "familiarity": 0.41,
        "familiarity_limit": 0.05,
        "endpoint": classify.ENDPOINT_NAME,
        "variant": "Green",
        "inference_id": "request-1",
    }
    assert made.metrics == {"Confidence": (0.75, "None"), "Threshold": (0.7, "None")}
    [line] = made.logs
    assert (line["level"], line["message"]) == ("INFO", "classified")
    assert (line["label"], line["confidence"], line["variant"]) == ("dog", 0.75, "Green")
    assert line["release"] == "3fa4c0d1e2b7"


def test_a_plain_list_gives_the_record_with_the_stacks_labels_and_threshold(
    call: Caller, overriding: Callable[..., None]
) -> None:
    overriding(("cat", "dog"), 0.9)
    with answering(b"[0.25, 0.75]"):
        made = call(classify, SERIALIZED)
    unknown = dict.fromkeys(("release", "familiarity", "familiarity_limit"))
    assert made.answer == made.answer | {"labels": ["cat", "dog"], "label": "dog", "threshold": 0.9} | unknown
    assert made.metrics == {"Confidence": (0.75, "None"), "Threshold": (0.9, "None")}


@pytest.mark.parametrize(("own", "override", "decides"), [(0.7, 0.95, 0.95), (None, 0.5, 0.5), (None, None, None)])
def test_the_stacks_threshold_goes_before_the_models(
    call: Caller, overriding: Callable[..., None], own: float | None, override: float | None, decides: float | None
) -> None:
    overriding((), override)
    with answering(json.dumps(DESCRIBED | {"threshold": own}).encode()):
        made = call(classify, SERIALIZED)
    assert made.answer["threshold"] == decides
    assert ("Threshold" in made.metrics) is (decides is not None)


@pytest.mark.filterwarnings("ignore:No application metrics to publish")
@pytest.mark.parametrize(
    ("answer", "labels", "threshold", "error"),
    [
        (b"[0.25, 0.75]", (), 0.9, LabelsUnknown),
        (b"[0.25, 0.75]", ("cat", "dog"), None, ThresholdUnknown),
        (json.dumps(DESCRIBED).encode(), ("dog", "cat"), None, LabelsDisagree),
        (b"[0.25, 0.7]", ("cat", "dog"), 0.9, classify.InvalidInference),
    ],
)
def test_an_answer_that_nobody_can_read_fails_by_name(
    call: Caller,
    overriding: Callable[..., None],
    answer: bytes,
    labels: tuple[str, ...],
    threshold: float | None,
    error: type[Exception],
) -> None:
    overriding(labels, threshold)
    with answering(answer):
        made = call(classify, SERIALIZED)
    assert type(made.answer) is error
    assert made.metrics == {}


def test_an_image_that_the_model_refuses_is_counted(call: Caller) -> None:
    with Stubber(classify.RUNTIME) as stub:
        stub.add_client_error("invoke_endpoint", "ModelError", "No.", modeled_fields={"OriginalStatusCode": 415})
        made = call(classify, SERIALIZED)
    assert isinstance(made.answer, classify.ImageRefused)
    assert made.metrics == {"Rejected": (1.0, "Count")}


def test_a_confident_answer_is_accepted_and_counted(call: Caller) -> None:
    record = {"label": "bicycle", "confidence": 0.9, "threshold": 0.9, "familiarity": 0.05, "familiarity_limit": 0.05}
    made = call(threshold, record)
    assert made.answer == record | {"outcome": "ACCEPTED", "review_reason": None}
    assert made.metrics == {"Accepted": (1.0, "Count"), "Review": (0.0, "Count"), "Audited": (0.0, "Count")}
    [line] = made.logs
    assert (line["level"], line["message"], line["confidence"], line["accepted"]) == ("INFO", "checked", 0.9, True)


def test_an_answer_for_the_audit_is_counted_as_accepted_before_it_is_raised(call: Caller) -> None:
    made = call(threshold, {"confidence": 0.9, "threshold": 0.9, "sha256": "0" * 64})
    assert type(made.answer) is threshold.AuditDue
    assert made.metrics == {"Accepted": (1.0, "Count"), "Review": (0.0, "Count"), "Audited": (1.0, "Count")}


@pytest.mark.parametrize(
    ("record", "error"),
    [
        ({"confidence": 0.8999, "threshold": 0.9}, threshold.ThresholdConfidenceNotMet),
        ({"confidence": 1.0, "threshold": None}, threshold.ThresholdConfidenceNotMet),
        (
            {"confidence": 1.0, "threshold": 0.9, "familiarity": 0.01, "familiarity_limit": 0.05},
            threshold.ImageUnfamiliar,
        ),
    ],
)
def test_an_answer_that_needs_a_person_is_counted_before_it_is_raised(
    call: Caller, record: dict[str, float], error: type[Exception]
) -> None:
    made = call(threshold, record)
    assert type(made.answer) is error
    assert made.metrics == {"Accepted": (0.0, "Count"), "Review": (1.0, "Count")}
    assert (made.logs[0]["accepted"], made.logs[0]["reason"]) == (False, error.__name__)

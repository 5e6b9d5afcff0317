"""The real state machine over the real functions, an endpoint with a trained model, and S3: each of its ends."""

import json
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.config import Config
from PIL import Image

from local import stack
from monitoring.capture.records import CaptureRecord, read_capture_until
from monitoring.capture.sources import S3Capture
from tests.images import BICYCLE, encoded, gradient
from tests.waiting import LONGEST_SECONDS
from tests.workflow.conftest import ENDPOINT, Deployed

# The SDK would put `sync-` before the host's name, which is an address here.
SYNCHRONOUS = Config(inject_host_prefix=False)


def classify(event: Any, machine: str = "ClassifyImageExpress") -> dict[str, Any]:
    """Return the answer of a synchronous execution."""
    client = boto3.client("stepfunctions", config=SYNCHRONOUS)
    arn = f"arn:aws:states:{stack.REGION}:123456789012:stateMachine:{machine}"
    return dict(client.start_sync_execution(stateMachineArn=arn, input=json.dumps(event)))


def put(key: str, body: bytes) -> dict[str, str]:
    boto3.client("s3").put_object(Bucket=stack.BUCKET, Key=key, Body=body)
    return {"s3_bucket": stack.BUCKET, "s3_key": key}


def with_threshold(deployed: Deployed, threshold: float) -> None:
    deployed.stack.deploy({"EndpointName": ENDPOINT, "ConfidenceThreshold": str(threshold)})


def test_a_confident_answer_is_accepted_with_all_that_is_known_of_it(deployed: Deployed) -> None:
    with_threshold(deployed, 0.5)
    event = put("pictures/picture.png", BICYCLE)
    answer = classify(event)
    record = json.loads(answer["output"])
    assert answer["status"] == "SUCCEEDED"
    assert record["outcome"] == "ACCEPTED"
    assert record["threshold"] == 0.5
    assert record["label"] in deployed.dataset.classes
    assert record["confidence"] == max(record["inferences"])
    assert (record["width"], record["height"]) == (32, 32)
    assert (record["endpoint"], record["variant"]) == (ENDPOINT, "AllTraffic")
    assert len(record["sha256"]) == 64
    assert "image_data" not in record


def test_an_unsure_answer_goes_to_review_with_its_record_in_the_queue(deployed: Deployed) -> None:
    with_threshold(deployed, 1.0)
    queue = boto3.client("sqs")
    url = queue.get_queue_url(QueueName="ReviewQueue")["QueueUrl"]
    queue.purge_queue(QueueUrl=url)
    answer = classify(put("pictures/unsure.png", encoded(gradient())))
    record = json.loads(answer["output"])
    assert (record["outcome"], record["review_reason"], record["threshold"]) == ("REVIEW", "low confidence", 1.0)
    (message,) = queue.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    assert json.loads(message["Body"]) == record
    assert "image_data" not in record


def test_an_unfamiliar_image_goes_to_review_whatever_the_confidence(deployed: Deployed) -> None:
    with_threshold(deployed, 0.0)
    record = json.loads(classify(put("pictures/gradient.png", encoded(gradient(40, 30))))["output"])
    assert (record["outcome"], record["review_reason"]) == ("REVIEW", "unfamiliar")
    assert record["familiarity"] < record["familiarity_limit"]


@pytest.mark.parametrize(
    ("name", "body", "error"),
    [
        ("truncated.png", encoded(gradient())[:80], "InvalidImage"),
        ("text.png", b"no image", "InvalidImage"),
        ("empty.png", b"", "InvalidImage"),
        ("missing.png", None, "ImageNotFound"),
    ],
)
def test_an_input_at_fault_is_rejected_by_name(deployed: Deployed, name: str, body: bytes | None, error: str) -> None:
    with_threshold(deployed, 0.5)
    key = f"broken/{uuid.uuid4()}/{name}"
    event = put(key, body) if body is not None else {"s3_bucket": stack.BUCKET, "s3_key": key}
    answer = classify(event)
    record = json.loads(answer["output"])
    assert answer["status"] == "SUCCEEDED"
    assert (record["outcome"], record["error"], record["input"]) == ("REJECTED", error, event)
    assert record["cause"].endswith(".") or ":" in record["cause"]


@pytest.mark.parametrize("event", [{}, [], {"s3_bucket": stack.BUCKET}, {"s3_bucket": "b", "s3_key": ""}, None])
@pytest.mark.usefixtures("deployed")
def test_an_event_that_names_nothing_is_rejected(event: object) -> None:
    record = json.loads(classify(event)["output"])
    assert (record["outcome"], record["error"], record["input"]) == ("REJECTED", "InvalidEvent", event)


@pytest.mark.parametrize("key", ["a b+c%20d.png", "größe/図.png", "quote'\"&<>.png", "x" * 900 + ".png"])
def test_keys_of_every_kind_arrive_intact(deployed: Deployed, key: str) -> None:
    with_threshold(deployed, 0.5)
    record = json.loads(classify(put(key, BICYCLE))["output"])
    assert (record["outcome"], record["s3_key"]) == ("ACCEPTED", key)


@pytest.mark.usefixtures("deployed")
def test_a_photograph_of_twelve_megapixels_never_passes_the_limit_of_the_state() -> None:
    noise = Image.effect_noise((4000, 3000), 60).convert("RGB")
    photograph = encoded(noise, "JPEG", quality=85)
    assert len(photograph) > 4_000_000
    answer = classify(put("pictures/photograph.jpg", photograph))
    assert json.loads(answer["output"])["outcome"] in {"ACCEPTED", "REVIEW"}


def test_a_deleted_endpoint_fails_the_execution_by_that_name(deployed: Deployed) -> None:
    deployed.stack.deploy({"EndpointName": "no-such-endpoint"})
    answer = classify(put("pictures/picture.png", encoded(gradient())))
    assert (answer["status"], answer["error"]) == ("FAILED", "EndpointNotFound")


def test_labels_that_the_model_does_not_have_fail_the_execution_by_name(deployed: Deployed) -> None:
    deployed.stack.deploy({"EndpointName": ENDPOINT, "ClassLabels": "a,b"})
    answer = classify(put("pictures/picture.png", encoded(gradient())))
    assert (answer["status"], answer["error"]) == ("FAILED", "LabelsDisagree")
    assert f"The model's labels are {','.join(deployed.dataset.classes)}, and a,b were expected." in answer["cause"]


def test_without_any_parameter_the_models_own_labels_and_threshold_decide(deployed: Deployed) -> None:
    deployed.stack.deploy({"EndpointName": ENDPOINT})
    release = deployed.model.release
    assert release is not None
    record = json.loads(classify(put("pictures/picture.png", encoded(gradient())))["output"])
    assert (record["release"], tuple(record["labels"])) == (release.release, deployed.dataset.classes)
    assert record["threshold"] == release.threshold.value
    assert (record["outcome"] == "ACCEPTED") is (record["review_reason"] is None)


def test_a_bad_threshold_fails_at_cold_start_by_the_variables_name(deployed: Deployed) -> None:
    with_threshold(deployed, 1.5)
    answer = classify(put("pictures/picture.png", encoded(gradient())))
    assert (answer["status"], answer["error"]) == ("FAILED", "ConfigurationError")
    assert "CONFIDENCE_THRESHOLD" in answer["cause"]


def test_what_reached_the_endpoint_is_captured_under_the_executions_inference_id(deployed: Deployed) -> None:
    with_threshold(deployed, 0.5)
    ids = [
        json.loads(classify(put(f"pictures/{number}.png", encoded(gradient())))["output"])["inference_id"]
        for number in range(3)
    ]
    now = datetime.now(UTC)
    source, hour = S3Capture(stack.BUCKET, ENDPOINT), timedelta(hours=1)
    found = read_capture_until(source, ids, LONGEST_SECONDS, now - hour, now + hour)
    assert set(ids) <= {record.inference_id for record in found if isinstance(record, CaptureRecord)}


def test_logs_of_the_functions_hold_no_image_data(deployed: Deployed) -> None:
    with_threshold(deployed, 0.5)
    body = encoded(gradient())
    classify(put("pictures/secret.png", body))
    logs = "".join(path.read_text() for path in deployed.stack.logs.glob("*Function.log"))
    assert "serialized" in logs
    assert "iVBOR" not in logs


@pytest.mark.usefixtures("deployed")
def test_a_standard_execution_cannot_be_run_synchronously() -> None:
    client = boto3.client("stepfunctions", config=SYNCHRONOUS)
    with pytest.raises(client.exceptions.StateMachineTypeNotSupported):
        classify({}, "ClassifyImage")
    with pytest.raises(client.exceptions.StateMachineDoesNotExist):
        classify({}, "NoSuchMachine")

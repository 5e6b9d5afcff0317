"""Releases under load: whichever model answers, its own labels and its own threshold decide."""

import base64
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3

from contracts.answer import Answer
from local import stack
from monitoring.capture.records import CaptureRecord, read_capture_until
from monitoring.capture.sources import S3Capture
from tests.containers import NEW_RELEASE, OLD_RELEASE
from tests.contract.test_sagemaker_canary import ONCE, asking, serve, watched_endpoint
from tests.waiting import LONGEST_SECONDS
from training.deploy import rollback


@dataclass(frozen=True)
class Judged:
    """What the functions made of one image: Classify's record, and how CheckThreshold decided, by outcome or error."""

    record: dict[str, Any]
    decision: str


def judge() -> Judged:
    """Send an image through Classify and CheckThreshold, as the state machine does."""
    client = boto3.client("lambda", config=ONCE)

    def call(function: str, event: dict[str, Any]) -> dict[str, Any]:
        answer = client.invoke(FunctionName=function, Payload=json.dumps(event))
        return dict(json.load(answer["Payload"]))

    record = call("ClassifyFunction", {"s3_key": "a.png", "image_data": base64.b64encode(b"x").decode()})
    decided = call("ThresholdFunction", record)
    return Judged(record, decided.get("outcome") or decided["errorType"])


def expected(release: Answer, decision: str) -> tuple[Any, ...]:
    return release.release, list(release.labels), release.label, release.threshold, decision


def test_a_canary_and_a_rollback_bring_labels_and_threshold_along(programs: stack.Running) -> None:
    endpoint = "canary-releases"
    started = datetime.now(UTC)
    before = watched_endpoint(endpoint, program="old_release", capture=100)
    programs.deploy({"EndpointName": endpoint, "ClassLabels": "", "ConfidenceThreshold": ""})
    try:
        with asking(judge) as sender:
            sender.wait_for_more()
            assert serve("new_release", endpoint, 3, capture=100).config != before
            during = sender.wait_for_more()
            assert rollback(endpoint) == before
            after = sender.wait_for_more()
    finally:
        programs.deploy({})
    judged = [future.result() for future in sender.sent]
    old, new = expected(OLD_RELEASE, "ACCEPTED"), expected(NEW_RELEASE, "ThresholdConfidenceNotMet")
    said = [
        (*(one.record.get(key) for key in ("release", "labels", "label", "threshold")), one.decision) for one in judged
    ]
    # No image is judged by another release's labels or threshold, whenever the traffic moves.
    assert [one for one in said if one not in (old, new)] == []
    assert said[0] == old
    assert said[during] == new
    assert {str(one) for one in said[after:]} == {str(old)}
    # What was captured names the release that answered, and its labels.
    records = {one.record["inference_id"]: one.record for one in judged}
    source = S3Capture(stack.BUCKET, endpoint)
    hour = timedelta(hours=1)
    found = read_capture_until(source, records, LONGEST_SECONDS, started - hour, started + hour)
    captured = {one.inference_id: one.answer for one in found if isinstance(one, CaptureRecord)}
    assert {key: (answer.release, list(answer.labels)) for key, answer in captured.items() if answer} == {
        key: (record["release"], record["labels"]) for key, record in records.items()
    }


def test_labels_that_disagree_with_the_stacks_fail_by_name_and_a_plain_list_needs_both(
    programs: stack.Running,
) -> None:
    endpoint = "canary-labels"
    serve("new_release", endpoint, 0)

    def error_under(**parameters: str) -> str:
        programs.deploy({"EndpointName": endpoint, "ClassLabels": "", "ConfidenceThreshold": ""} | parameters)
        return str(judge().record.get("errorType"))

    try:
        assert error_under(ClassLabels="tram,bus,car") == "None"
        assert error_under(ClassLabels="tram,car,bus") == "LabelsDisagree"
        serve("better", endpoint, 0)
        assert error_under() == "LabelsUnknown"
        assert error_under(ClassLabels="a,b") == "ThresholdUnknown"
        assert error_under(ClassLabels="a,b,c", ConfidenceThreshold="0.5") == "InvalidInference"
        assert error_under(ClassLabels="a,b", ConfidenceThreshold="0.5") == "None"
    finally:
        programs.deploy({})

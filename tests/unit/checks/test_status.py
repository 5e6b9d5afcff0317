"""What `workflow status` makes of metrics, files, labels, and refusals of AWS."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from botocore.stub import Stubber

from checks.status.accuracy import live_accuracy
from checks.status.batch import last_batch
from checks.status.drift import last_drift
from checks.status.endpoint import EndpointState, Served
from checks.status.expiry import Expiry
from checks.status.gather import Status
from checks.status.section import Missing, NothingYet, attempt
from contracts.errors import WorkflowError
from contracts.labels import label_key
from inference.batch import ACCOUNT_FILE, BATCHES
from monitoring.drift.result import DRIFT_FILE, Verdict
from monitoring.metrics import put_metrics
from monitoring.quality.verdict import Level
from tests.unit.monitoring.quality.audited import decision, image
from tests.unit.samples import BUCKET

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

SINCE = datetime(2026, 11, 26, 1, 0, tzinfo=UTC)
MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:batch"
SERVED = Served("ep-1", "r1", "job", "pets")
ENDPOINT = EndpointState("ep", "InService", None, "instances", "1 x ml.m5.large", ("AllTraffic",), SINCE, 0.115, SERVED)


@pytest.fixture
def cloudwatch(aws: str) -> Iterator[Any]:
    client = boto3.client("cloudwatch", endpoint_url=aws)
    yield client
    client.close()


def write_drift(out: Path, endpoint: str, verdict: str, checked: datetime) -> None:
    record = {"endpoint": endpoint, "verdict": verdict, "checked": checked.isoformat(), "records": 40}
    (out / DRIFT_FILE).write_text(json.dumps(record))


def test_the_hourly_checks_verdict_is_read_from_cloudwatch(cloudwatch: Any, tmp_path: Path) -> None:
    put_metrics("drifted", [("DriftRecords", 500, {}), ("Drift", 1.0, {})], cloudwatch)
    put_metrics("stable", [("DriftRecords", 400, {}), ("Drift", 0.0, {})], cloudwatch)
    put_metrics("scarce", [("DriftRecords", 3, {})], cloudwatch)
    found = {name: last_drift(cloudwatch, name, tmp_path) for name in ("drifted", "stable", "scarce")}
    assert [one.verdict for one in found.values()] == [Verdict.DRIFT, Verdict.STABLE, Verdict.TOO_FEW]
    assert [one.records for one in found.values()] == [500, 400, 3]
    assert [one.findings[0].level for one in found.values()] == [Level.BAD, Level.GOOD, Level.NOTICE]


@pytest.mark.parametrize(("hours", "verdict"), [(-1, Verdict.STABLE), (1, Verdict.DRIFT)])
def test_the_newer_of_cloudwatchs_verdict_and_the_files_counts(
    cloudwatch: Any, tmp_path: Path, hours: int, verdict: Verdict
) -> None:
    put_metrics("both", [("DriftRecords", 400, {}), ("Drift", 0.0, {})], cloudwatch)
    write_drift(tmp_path, "both", "drift", datetime.now(UTC) + timedelta(hours=hours))
    assert last_drift(cloudwatch, "both", tmp_path).verdict is verdict


@pytest.mark.parametrize(
    "content", ['{"endpoint', "[]", '{"endpoint": "cut"}', '{"endpoint": "cut", "checked": "soon"}']
)
def test_a_verdict_that_can_not_be_read_is_a_line_and_no_end_of_the_status(
    cloudwatch: Any, tmp_path: Path, content: str
) -> None:
    (tmp_path / DRIFT_FILE).write_text(content)
    found = attempt(lambda: last_drift(cloudwatch, "cut", tmp_path))
    assert isinstance(found, Missing)
    assert not found.readable
    assert "`workflow drift` writes it anew" in found.why


@pytest.mark.parametrize("content", ['{"listed', "[]", '{"listed": 3}'])
def test_an_account_that_can_not_be_read_is_a_line_and_no_end_of_the_status(tmp_path: Path, content: str) -> None:
    batch = "20261126-010000-abcdef"
    path = tmp_path / BATCHES / batch / ACCOUNT_FILE
    path.parent.mkdir(parents=True)
    path.write_text(content)
    states = boto3.client("stepfunctions")
    newest = {
        "executionArn": f"arn:aws:states:us-east-1:123456789012:execution:batch:{batch}",
        "stateMachineArn": MACHINE,
        "name": batch,
        "status": "SUCCEEDED",
        "startDate": SINCE,
    }
    with Stubber(states) as stub:
        stub.add_response("list_executions", {"executions": [newest]})
        found = attempt(lambda: last_batch(states, MACHINE, tmp_path))
    assert isinstance(found, Missing)
    assert not found.readable
    assert f"`workflow batch --redrive {batch}` writes it anew" in found.why


def test_the_file_of_another_endpoint_does_not_count(cloudwatch: Any, tmp_path: Path) -> None:
    write_drift(tmp_path, "other", "drift", SINCE)
    with pytest.raises(NothingYet, match="`workflow drift`"):
        last_drift(cloudwatch, "unchecked", tmp_path)


@pytest.mark.parametrize(
    ("changes", "level"),
    [
        ({}, Level.GOOD),
        ({"status": "Updating"}, Level.NOTICE),
        ({"status": "Failed", "reason": "No image."}, Level.BAD),
        ({"status": "OutOfService"}, Level.BAD),
        ({"reason": "The deployment was rolled back."}, Level.BAD),
    ],
)
def test_an_endpoint_is_good_only_in_service_and_without_a_failure(changes: dict[str, Any], level: Level) -> None:
    found = replace(ENDPOINT, **changes).findings[0]
    assert found.level is level
    assert "since 2026-11-26 01:00 UTC: 1 x ml.m5.large, $0.115 an hour" in found.text


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"hourly": None}, "1 x ml.m5.large, its price is unknown; variant AllTraffic."),
        ({"kind": "serverless", "hourly": 0.0, "capacity": "2048 MB"}, "2048 MB, free while idle; variant AllTraffic."),
        ({"variants": ("A", "B")}, "$0.115 an hour; variant A, B."),
    ],
)
def test_an_endpoints_price_is_what_it_costs_unasked(changes: dict[str, Any], text: str) -> None:
    assert replace(ENDPOINT, **changes).findings[0].text.endswith(text)


@pytest.mark.parametrize(
    ("served", "level", "text"),
    [
        (SERVED, Level.GOOD, "It serves release r1, trained on pets by job."),
        (replace(SERVED, release=None), Level.GOOD, "It serves a model without a release, trained on pets by job."),
        (Served("theirs", None, None, None), Level.NOTICE, "It serves theirs, which `workflow deploy` did not make."),
        (None, Level.BAD, "The model that it serves was deleted; deploy again by `workflow deploy`."),
    ],
)
def test_what_an_endpoint_serves_is_told_by_the_models_tags(served: Served | None, level: Level, text: str) -> None:
    found = replace(ENDPOINT, served=served).findings[1]
    assert (found.level, found.text) == (level, text)


@pytest.mark.parametrize(
    ("hours", "text"),
    [
        (8, "It expires at 2026-11-26 09:00 UTC, in 8 h 0 min; `workflow deploy --expires 8h` changes that."),
        (-1, "It should have expired at 2026-11-26 00:00 UTC: that waits for a batch or an update to end,"),
    ],
)
def test_an_expiry_is_told_before_and_after_its_time(hours: int, text: str) -> None:
    (found,) = Expiry(SINCE + timedelta(hours=hours), SINCE).findings
    assert found.level is Level.NOTICE
    assert found.text.startswith(text)


DENIED = ClientError({"Error": {"Code": "AccessDeniedException", "Message": "No."}}, "DescribeAlarms")


@pytest.mark.parametrize(
    ("error", "readable", "why"),
    [
        (NothingYet("No batch yet."), True, "No batch yet."),
        (WorkflowError("It is broken."), False, "It is broken."),
        (DENIED, False, "DescribeAlarms: No. (AccessDeniedException). The credentials lack this permission"),
        (EndpointConnectionError(endpoint_url="http://x"), False, "Could not connect to the endpoint"),
    ],
)
def test_what_cannot_be_read_says_why(error: Exception, readable: bool, why: str) -> None:
    def fail() -> None:
        raise error

    found = attempt(fail)
    assert isinstance(found, Missing)
    assert found.readable is readable
    assert found.why.startswith(why)
    assert found.findings[0].level is (Level.NOTICE if readable else Level.BAD)


def test_a_bug_is_no_section() -> None:
    with pytest.raises(ZeroDivisionError):
        attempt(lambda: 1 / 0)


def test_the_promise_is_judged_by_the_labels_of_the_served_models_data_set(s3: "S3Client", tmp_path: Path) -> None:
    with pytest.raises(NothingYet, match="Nobody has decided about an accepted image of pets yet"):
        live_accuracy(s3, BUCKET, tmp_path, SERVED)
    for number in range(3):
        labelled = replace(image(decision(number, "cat")), sha256=f"{number:064x}")
        s3.put_object(Bucket=BUCKET, Key=label_key("pets", labelled.sha256), Body=labelled.to_json().encode())
    found = live_accuracy(s3, BUCKET, tmp_path, SERVED)
    assert (found.dataset, found.audited, found.wrong) == ("pets", 3, 0)
    assert "is not yet known: 0 of 3 audited answers are wrong" in found.findings[0].text


def test_without_a_data_set_there_are_no_labels_to_judge(s3: "S3Client", tmp_path: Path) -> None:
    with pytest.raises(NothingYet, match="names a data set"):
        live_accuracy(s3, BUCKET, tmp_path, None)


def test_sections_that_lack_the_same_have_one_line() -> None:
    same, other = Missing("There is no stack.", readable=False), Missing("Nobody decided.", readable=True)
    found = Status("s", SINCE, ENDPOINT, Expiry(SINCE, SINCE), same, same, same, other, other)
    assert list(found.sections) == ["endpoint", "expiry", "queues, alarms, last batch", "drift, live accuracy"]
    assert found.attention == ["queues, alarms, last batch: There is no stack."]

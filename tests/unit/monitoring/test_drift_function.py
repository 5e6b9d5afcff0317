from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import boto3
import pytest

from contracts.labels import InvalidLabels, label_key
from contracts.layout import baseline_key
from contracts.outcomes import ReviewReason
from functions.drift import app
from monitoring.drift.baseline import BaselineError
from monitoring.metrics import NAMESPACE
from monitoring.quality.calibration import upper_bound
from tests.messages import exactly
from tests.unit.monitoring.quality.audited import decision, image
from tests.unit.samples import BUCKET, baseline, captured, lines

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


LIVE = {"LiveErrorUpperBound", "AuditedImages", "LiveErrorTooHigh"}


def metrics_of(endpoint: str) -> set[str]:
    """Return the names of the metrics that have the endpoint as their one dimension."""
    with closing(boto3.client("cloudwatch")) as cloudwatch:
        found = cloudwatch.list_metrics(Namespace=NAMESPACE)["Metrics"]
    return {one["MetricName"] for one in found if one["Dimensions"] == [{"Name": "EndpointName", "Value": endpoint}]}


def value_of(metric: str, endpoint: str) -> float:
    """Return the highest value of a metric in the last hours."""
    now = datetime.now(UTC)
    with closing(boto3.client("cloudwatch")) as cloudwatch:
        (point,) = cloudwatch.get_metric_statistics(
            Namespace=NAMESPACE,
            MetricName=metric,
            Dimensions=[{"Name": "EndpointName", "Value": endpoint}],
            StartTime=now - timedelta(hours=1),
            EndTime=now + timedelta(hours=1),
            Period=7200,
            Statistics=["Maximum"],
        )["Datapoints"]
    return point["Maximum"]


@pytest.fixture(autouse=True)
def configured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app, "DATA_BUCKET", BUCKET)
    monkeypatch.setattr(app, "ENDPOINT_NAME", "watched")


def test_the_last_hour_is_judged_and_published(s3: "S3Client") -> None:
    now = datetime.now(UTC)
    s3.put_object(Bucket=BUCKET, Key=baseline_key("watched"), Body=baseline().to_bytes())
    rows = [captured(f"e{n}", time=now.isoformat()) for n in range(40)]
    key = f"capture/watched/AllTraffic/{now:%Y/%m/%d/%H}/00-00-000-a.jsonl"
    s3.put_object(Bucket=BUCKET, Key=key, Body=lines(*rows))
    answer = app.lambda_handler({}, None)
    assert (answer["verdict"], answer["records"]) == ("drift", 40)
    assert "label mix" in answer["drifted"]
    assert "Drift" in metrics_of("watched")
    assert not metrics_of("watched") & LIVE


@pytest.mark.parametrize(("wrong", "too_high"), [(0, 0.0), (9, 1.0)])
def test_what_people_decided_about_accepted_answers_is_published(
    s3: "S3Client", monkeypatch: pytest.MonkeyPatch, wrong: int, too_high: float
) -> None:
    endpoint = f"audited-{wrong}"
    monkeypatch.setattr(app, "ENDPOINT_NAME", endpoint)
    s3.put_object(Bucket=BUCKET, Key=baseline_key(endpoint), Body=baseline().to_bytes())
    for number in range(10):
        labelled = replace(image(decision(number, "other" if number < wrong else "cat")), sha256=f"{number:064x}")
        key = label_key(baseline().dataset, labelled.sha256)
        s3.put_object(Bucket=BUCKET, Key=key, Body=labelled.to_json().encode())
    assert app.lambda_handler({}, None)["audited"] == 10
    assert metrics_of(endpoint) >= LIVE
    assert value_of("AuditedImages", endpoint) == 10
    assert value_of("LiveErrorTooHigh", endpoint) == too_high
    assert value_of("LiveErrorUpperBound", endpoint) == pytest.approx(float(upper_bound(wrong, 10)))


def test_labels_of_images_that_were_not_accepted_publish_nothing(
    s3: "S3Client", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "ENDPOINT_NAME", "unaudited")
    s3.put_object(Bucket=BUCKET, Key=baseline_key("unaudited"), Body=baseline().to_bytes())
    labelled = image(decision(0, "cat", reason=ReviewReason.LOW_CONFIDENCE))
    key = label_key(baseline().dataset, labelled.sha256)
    s3.put_object(Bucket=BUCKET, Key=key, Body=labelled.to_json().encode())
    assert app.lambda_handler({}, None)["audited"] == 0
    assert not metrics_of("unaudited") & LIVE


def test_a_label_that_cannot_be_read_fails_the_check_and_is_named(s3: "S3Client") -> None:
    s3.put_object(Bucket=BUCKET, Key=baseline_key("watched"), Body=baseline().to_bytes())
    key = label_key(baseline().dataset, "0" * 64)
    s3.put_object(Bucket=BUCKET, Key=key, Body=b"{}")
    with pytest.raises(InvalidLabels, match=f"s3://{BUCKET}/{key} is not a record"):
        app.lambda_handler({}, None)


def test_what_was_captured_before_the_window_is_not_judged(s3: "S3Client", monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app, "WINDOW", timedelta(hours=2))
    s3.put_object(Bucket=BUCKET, Key=baseline_key("watched"), Body=baseline().to_bytes())
    now = datetime.now(UTC)
    for hours, count in ((0, 3), (1, 4), (3, 5), (30, 6)):
        time = now - timedelta(hours=hours)
        rows = [captured(f"e{hours}-{number}", time=time.isoformat()) for number in range(count)]
        key = f"capture/watched/AllTraffic/{time:%Y/%m/%d/%H}/00-00-000-a.jsonl"
        s3.put_object(Bucket=BUCKET, Key=key, Body=lines(*rows))
    answer = app.lambda_handler({}, None)
    assert answer == {"verdict": "too few records", "records": 7, "drifted": [], "audited": 0}


def test_a_missing_baseline_is_named_with_what_to_do(s3: "S3Client") -> None:
    assert s3.list_objects_v2(Bucket=BUCKET)["KeyCount"] == 0
    message = f"s3://{BUCKET}/baselines/watched.npz does not exist; make it with `workflow baseline`."
    with pytest.raises(BaselineError, match=exactly(message)):
        app.lambda_handler({}, None)

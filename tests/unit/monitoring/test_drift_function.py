from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import boto3
import pytest

from contracts.layout import baseline_key
from functions.drift import app
from monitoring.drift.baseline import BaselineError
from monitoring.drift.verdict import NAMESPACE
from tests.messages import exactly
from tests.unit.samples import BUCKET, baseline, captured, lines

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


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
    cloudwatch = boto3.client("cloudwatch")
    metrics = cloudwatch.list_metrics(Namespace=NAMESPACE, MetricName="Drift")["Metrics"]
    assert [{"Name": "EndpointName", "Value": "watched"}] in [metric["Dimensions"] for metric in metrics]
    cloudwatch.close()


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
    assert answer == {"verdict": "too few records", "records": 7, "drifted": []}


def test_a_missing_baseline_is_named_with_what_to_do(s3: "S3Client") -> None:
    assert s3.list_objects_v2(Bucket=BUCKET)["KeyCount"] == 0
    message = f"s3://{BUCKET}/baselines/watched.npz does not exist; make it with `workflow baseline`."
    with pytest.raises(BaselineError, match=exactly(message)):
        app.lambda_handler({}, None)

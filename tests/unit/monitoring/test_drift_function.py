from datetime import UTC, datetime
from typing import TYPE_CHECKING

import boto3
import pytest

from contracts.layout import baseline_key
from functions.drift import app
from monitoring.drift.baseline import BaselineError
from monitoring.drift.verdict import NAMESPACE
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


def test_without_a_baseline_the_check_fails_by_name(s3: "S3Client") -> None:
    assert s3.list_objects_v2(Bucket=BUCKET)["KeyCount"] == 0
    with pytest.raises(BaselineError, match="make it with `workflow baseline`"):
        app.lambda_handler({}, None)

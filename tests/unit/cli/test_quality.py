"""`workflow quality`, and the line on what waits for review."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import pytest
from typer.testing import CliRunner

from checks.live_quality import PromiseTooLoose, live_quality
from cli import app
from cli.labels import waiting_line
from contracts.errors import WorkflowError
from contracts.labels import label_key
from local.stack_outputs import publish
from monitoring.metrics import NAMESPACE
from monitoring.quality.live_quality import QUALITY_FILE
from tests.unit.monitoring.quality.audited import decision, image
from tests.unit.samples import BUCKET
from training.sagemaker.stacks import Stacks

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

STACK = "judged"


@pytest.fixture(autouse=True)
def _stacks(s3: "S3Client") -> Iterator[None]:  # noqa: ARG001 - the stacks are in the service that it starts
    sqs = boto3.client("sqs")
    urls = [sqs.create_queue(QueueName=name)["QueueUrl"] for name in ("judged", "dead")]
    publish(STACK, {"EndpointName": "judged", "ReviewQueueUrl": urls[0], "ReviewDeadLettersUrl": urls[1]})
    publish(f"{STACK}-data", {"BucketName": BUCKET})
    yield
    for url in urls:
        sqs.delete_queue(QueueUrl=url)
    sqs.close()


def label(s3: "S3Client", count: int) -> None:
    for number in range(count):
        labelled = replace(image(decision(number, "cat")), sha256=f"{number:064x}")
        key = label_key("pets", labelled.sha256)
        s3.put_object(Bucket=BUCKET, Key=key, Body=labelled.to_json().encode())


def run(out: Path, *arguments: str) -> str:
    given = ["quality", "--stack", STACK, "--out", str(out), *arguments]
    done = CliRunner().invoke(app, given, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return " ".join(done.output.split())


def test_labels_are_judged_written_and_published(s3: "S3Client", tmp_path: Path) -> None:
    label(s3, 3)
    said = run(tmp_path, "--name", "pets", "--publish")
    assert "not yet known: 0 of 3 audited answers are wrong. It takes at least 146 more that are right." in said
    assert "3 metrics put to CloudWatch." in said
    told = json.loads((tmp_path / QUALITY_FILE).read_text())
    assert (told["accuracy"]["promised"], told["accuracy"]["error"]["images"]) == (0.02, 3)
    cloudwatch = boto3.client("cloudwatch")
    found = cloudwatch.list_metrics(Namespace=NAMESPACE, MetricName="AuditedImages")["Metrics"]
    assert [{"Name": "EndpointName", "Value": "judged"}] in [one["Dimensions"] for one in found]
    cloudwatch.close()


def test_the_promised_error_may_be_given(s3: "S3Client", tmp_path: Path) -> None:
    label(s3, 12)
    assert "The promised error of 25.0% holds" in run(tmp_path, "--name", "pets", "--max-error", "0.25")


def test_an_error_that_a_model_could_not_break_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PromiseTooLoose, match="60% is too high to be watched"):
        live_quality(BUCKET, tmp_path, "pets", 0.6)


def test_without_labels_it_says_which_command_makes_them(tmp_path: Path) -> None:
    said = run(tmp_path, "--name", "pets", "--publish")
    assert "Nobody has decided about an image of pets yet; run `workflow review`." in said
    assert "0 metrics put to CloudWatch." in said
    assert json.loads((tmp_path / QUALITY_FILE).read_text())["accuracy"]["error"]["images"] == 0


def test_the_review_rate_is_what_the_stack_counted(s3: "S3Client", tmp_path: Path) -> None:
    label(s3, 1)
    assert f"The review rate is not known: {STACK} classified nothing in the last 7 days." in run(
        tmp_path, "--name", "pets"
    )
    cloudwatch = boto3.client("cloudwatch")
    for name, count in (("Accepted", 30), ("Review", 10)):
        cloudwatch.put_metric_data(
            Namespace=NAMESPACE,
            MetricData=[
                {
                    "MetricName": name,
                    "Dimensions": [{"Name": "service", "Value": STACK}],
                    "Timestamp": datetime.now(UTC) - timedelta(hours=1),
                    "Value": count,
                }
            ],
        )
    cloudwatch.close()
    assert "25.0% of 40 images went to review in the last 7 days." in run(tmp_path, "--name", "pets")


def test_the_data_set_must_be_known(tmp_path: Path) -> None:
    with pytest.raises(WorkflowError, match="--name"):
        run(tmp_path)


def test_what_waits_for_review_is_one_line_that_names_the_command() -> None:
    stacks, sqs = Stacks(STACK), boto3.client("sqs")
    assert waiting_line(stacks) == "No image waits for review."
    sqs.send_message(QueueUrl=stacks.review_queue_urls[0], MessageBody="{}")
    assert waiting_line(stacks) == "1 image waits for review: `workflow review`"
    sqs.send_message(QueueUrl=stacks.review_queue_urls[1], MessageBody="{}")
    assert waiting_line(stacks) == "2 images wait for review: `workflow review`"
    sqs.close()


def test_without_an_app_stack_nothing_is_said_of_its_queue_and_one_that_is_gone_is_named() -> None:
    assert waiting_line(Stacks("no-such-stack")) is None
    urls = [f"{url}-gone" for url in Stacks(STACK).review_queue_urls]
    publish("gone", {"ReviewQueueUrl": urls[0], "ReviewDeadLettersUrl": urls[1]})
    said = waiting_line(Stacks("gone"))
    assert said is not None
    assert said.startswith("How many images wait for review is not known: ")

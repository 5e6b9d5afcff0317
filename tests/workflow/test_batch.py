"""Batches on the local stack: every image is accounted for, whatever is broken, killed or throttled."""

import csv
import dataclasses
import json
import signal
import subprocess
import sys
import uuid
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from moto.core.botocore_stubber import MockRawResponse

from benchmarks.batch import Photos, broken_images, kill_one_of_each, put_photos, start_driver
from contracts.files import write_whole
from inference import batch, costs, executions
from inference.batch import Batch, BatchError, Request
from inference.executions import Execution
from inference.ledger import LEDGER_FILE, Ledger
from inference.manifest import SourceError
from local import stack
from tests.images import encoded, gradient
from tests.processes import DIES_AFTER
from tests.waiting import LONGEST_SECONDS, wait_until
from tests.workflow.conftest import ENDPOINT, Deployed
from training.sagemaker.costs import PRICES

IMAGES = 160
GOOD = encoded(gradient(32, 32))


@pytest.fixture
def images(deployed: Deployed) -> list[bytes]:
    deployed.stack.deploy({"EndpointName": ENDPOINT, "ConfidenceThreshold": "0.8"})
    list(waiting_for_review())
    return [path.read_bytes() for path in sorted((deployed.out / deployed.dataset.folder / "test").iterdir())]


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch, "POLL_SECONDS", 0.1)


def queue() -> str:
    return str(boto3.client("sqs").get_queue_url(QueueName="ReviewQueue")["QueueUrl"])


def machine(deployed: Deployed) -> str:
    return deployed.stack.environment["WORKFLOW_BATCH_STATE_MACHINE_ARN"]


def request(deployed: Deployed, **source: str) -> Request:
    return Request(stack.BUCKET, machine(deployed), **source)


def put(key: str, body: bytes = GOOD) -> str:
    boto3.client("s3").put_object(Bucket=stack.BUCKET, Key=key, Body=body)
    return key


def rows_of(folder: Path) -> list[dict[str, str]]:
    with (folder / LEDGER_FILE).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def end_of(execution: str) -> Any:
    """Return an execution's description once it has ended."""
    states = boto3.client("stepfunctions")
    wait_until(lambda: states.describe_execution(executionArn=execution)["status"] != "RUNNING")
    return states.describe_execution(executionArn=execution)


def outcomes(ended: Batch) -> dict[str, tuple[str, str]]:
    return {row["s3_key"]: (row["outcome"], row["error"]) for row in rows_of(ended.folder)}


def waiting_for_review() -> Iterator[str]:
    """Take all messages from the review queue, for good, and yield the keys that they name."""
    sqs = boto3.client("sqs")
    while found := sqs.receive_message(QueueUrl=queue(), MaxNumberOfMessages=10).get("Messages"):
        for message in found:
            sqs.delete_message(QueueUrl=queue(), ReceiptHandle=message["ReceiptHandle"])
            yield json.loads(message["Body"])["s3_key"]


def check(photos: Photos, folder: Path) -> None:
    """The ledger has each key once, each broken one with its error, and the queue what the ledger sends to review."""
    rows = rows_of(folder)
    assert Counter(row["s3_key"] for row in rows) == Counter(list(photos.errors))
    for row in rows:
        error = photos.errors[row["s3_key"]]
        assert row["error"] == (error or ""), row
        assert row["outcome"] == "REJECTED" if error else row["outcome"] in ("ACCEPTED", "REVIEW"), row
    review = [row["s3_key"] for row in rows if row["outcome"] == "REVIEW"]
    assert sorted(waiting_for_review()) == sorted(review)


def test_a_manifest_with_broken_and_missing_images_of_all_names_is_accounted_for(
    deployed: Deployed, images: list[bytes], tmp_path: Path
) -> None:
    photos = put_photos(boto3.client("s3"), images, IMAGES)
    ended = batch.run(request(deployed, manifest=photos.manifest), tmp_path, 2)
    check(photos, ended.folder)
    batch.require_account(ended)
    told = json.loads((ended.folder / batch.ACCOUNT_FILE).read_text())
    assert told["listed"] == told["accepted"] + told["review"] + told["rejected"] + told["failed"] == IMAGES
    assert told["holds"]
    classified = [row for row in rows_of(ended.folder) if row["outcome"] in ("ACCEPTED", "REVIEW")]
    assert all(row["sha256"] and row["s3_version_id"] and row["inference_id"] for row in classified)
    assert len({row["inference_id"] for row in classified}) == len(classified)
    assert all(0 < float(row["seconds"]) < 60 and 0.5 <= float(row["confidence"]) <= 1 for row in classified)


def test_killed_containers_workers_and_drivers_and_throttling_lose_no_image(
    deployed: Deployed, images: list[bytes], tmp_path: Path
) -> None:
    photos = put_photos(boto3.client("s3"), images, IMAGES, seed=1)
    arguments = ["--manifest", photos.manifest, "--max-concurrency", "2"]
    # The first driver is killed before it could note that the execution has started, the second when it looks at it.
    for operation in ("sfn.StartExecution", "sfn.DescribeExecution"):
        driver_killed_after(operation, arguments, tmp_path)
        assert not list(tmp_path.glob(f"batches/*/{batch.ACCOUNT_FILE}"))
        kill_one_of_each(deployed.stack)
    deployed.stack.throttle(0.2, 10)
    said = start_driver(arguments, tmp_path).communicate(timeout=300)[0]
    deployed.stack.throttle(0, 0)
    (folder,) = tmp_path.glob("batches/*")
    while json.loads((folder / batch.ACCOUNT_FILE).read_text())["failed"]:
        said = start_driver(["--redrive", folder.name], tmp_path).communicate(timeout=300)[0]
    assert json.loads((folder / batch.ACCOUNT_FILE).read_text())["holds"], said
    check(photos, folder)


def driver_killed_after(operation: str, arguments: list[str], out: Path) -> None:
    """Run `workflow batch` in a process that is killed as soon as AWS has answered an operation."""
    command = [sys.executable, "-c", f"{DIES_AFTER} import cli; cli.main()", operation, "batch", *arguments]
    ended = subprocess.run([*command, "--out", str(out)], check=False, timeout=2 * LONGEST_SECONDS)
    assert ended.returncode == -signal.SIGKILL


def test_a_prefix_takes_folder_markers_and_empty_objects_as_images(
    deployed: Deployed, images: list[bytes], tmp_path: Path
) -> None:
    good, marker, empty = put("mixed/a.png", images[0]), put("mixed/", b""), put("mixed/empty.png", b"")
    ended = batch.run(request(deployed, prefix="mixed/"), tmp_path)
    found = outcomes(ended)
    assert found[marker] == found[empty] == ("REJECTED", "InvalidImage")
    assert found[good][0] in ("ACCEPTED", "REVIEW")
    assert len(found) == 3


def test_a_folder_is_uploaded_and_classified(deployed: Deployed, images: list[bytes], tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "größe 1.png").write_bytes(images[0])
    (tmp_path / "photos" / "bomb.png").write_bytes(broken_images(images[0])["bomb"])
    ended = batch.run(request(deployed, folder=str(tmp_path / "photos")), tmp_path)
    prefix = f"batches/{ended.id}/images/"
    assert outcomes(ended)[f"{prefix}bomb.png"] == ("REJECTED", "ImageTooLarge")
    assert outcomes(ended)[f"{prefix}größe 1.png"][0] in ("ACCEPTED", "REVIEW")


def test_a_key_that_is_named_twice_is_classified_once(deployed: Deployed, images: list[bytes], tmp_path: Path) -> None:
    key = put("twice/a.png", images[0])
    rows = json.dumps([{"s3_bucket": stack.BUCKET, "s3_key": key}] * 3)
    ended = batch.run(request(deployed, manifest=f"s3://{stack.BUCKET}/{put('twice.json', rows.encode())}"), tmp_path)
    assert (ended.account.listed, ended.account.duplicates, ended.account.holds) == (1, 2, True)
    assert list(outcomes(ended)) == [key]


@pytest.mark.parametrize("bucket", [stack.BUCKET, "no-such-bucket"])
def test_a_source_without_images_starts_nothing(deployed: Deployed, tmp_path: Path, bucket: str) -> None:
    states = boto3.client("stepfunctions")
    before = len(states.list_executions(stateMachineArn=machine(deployed))["executions"])
    with pytest.raises(SourceError, match=rf"s3://{bucket}/nothing/"):
        batch.run(Request(bucket, machine(deployed), prefix="nothing/"), tmp_path)
    assert len(states.list_executions(stateMachineArn=machine(deployed))["executions"]) == before


def test_a_bad_row_of_a_manifest_starts_nothing(deployed: Deployed, tmp_path: Path) -> None:
    key = put("bad.csv", b"s3_bucket,s3_key\nbucket,a.png\nbucket\n")
    with pytest.raises(SourceError, match="row 2"):
        batch.run(request(deployed, manifest=f"s3://{stack.BUCKET}/{key}"), tmp_path)


def test_a_missing_state_machine_is_named(deployed: Deployed, tmp_path: Path) -> None:
    put("one/a.png")
    with pytest.raises(BatchError, match="NoSuchMachine can't be started"):
        batch.run(Request(stack.BUCKET, machine(deployed) + "NoSuchMachine", prefix="one/"), tmp_path)


def test_a_broken_system_stops_the_batch_and_a_redrive_finishes_it(
    deployed: Deployed, images: list[bytes], tmp_path: Path
) -> None:
    keys = [put(f"stopped/{number:02d}.png", images[number % len(images)]) for number in range(60)]
    deployed.stack.deploy({"EndpointName": "no-such-endpoint"})
    ended = batch.run(request(deployed, prefix="stopped/"), tmp_path, 1)
    # The first child of twenty is more than the tenth that is tolerated; the others never run.
    assert (ended.account.failed, ended.account.missing, ended.errors) == (20, 40, {"EndpointNotFound": 20})
    with pytest.raises(BatchError, match=r"40 of 60 images have no outcome.*ExceedToleratedFailureThreshold.*/20.png"):
        batch.require_account(ended)
    deployed.stack.deploy({"EndpointName": ENDPOINT, "ConfidenceThreshold": "0.8"})
    again = batch.redrive(ended.id, tmp_path, 2)
    batch.require_account(again)
    assert sorted(outcomes(again)) == keys
    assert (again.account.failed, len(again.executions)) == (0, 2)
    review = [key for key, (outcome, _) in outcomes(again).items() if outcome == "REVIEW"]
    assert sorted(waiting_for_review()) == sorted(review)
    finished = batch.redrive(ended.id, tmp_path)
    assert (finished.account, len(finished.executions)) == (again.account, 2)


def test_a_batch_that_is_not_there_cannot_be_run_again(tmp_path: Path) -> None:
    with pytest.raises(BatchError, match="holds no batch"):
        batch.redrive("20260101-000000-abcdef", tmp_path)


@pytest.mark.parametrize("given", ["{}", '{"manifest": 1}', '{"manifest": "elsewhere/manifest.csv"}'])
def test_an_input_without_a_manifest_below_batches_ends_the_execution_by_name(deployed: Deployed, given: str) -> None:
    states = boto3.client("stepfunctions")
    arn = states.start_execution(stateMachineArn=machine(deployed), name=str(uuid.uuid4()), input=given)["executionArn"]
    end = end_of(arn)
    assert (end["status"], end["error"]) == ("FAILED", "InvalidEvent")
    assert "below batches/" in end["cause"]


def test_an_execution_that_is_not_known_at_first_is_asked_for_again(
    deployed: Deployed, images: list[bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: Counter[str] = Counter()

    def unknown_twice(request: AWSPreparedRequest, event_name: str, **_: Any) -> AWSResponse | None:
        operation = event_name.rsplit(".", 1)[1]
        asked[operation] += 1
        if operation not in ("DescribeExecution", "ListMapRuns") or asked[operation] > 2:
            return None
        body = MockRawResponse(b'{"__type": "ExecutionDoesNotExist", "message": "Not yet."}')
        return AWSResponse(request.url, 400, HTTPHeaders(), body)

    def client(service: str, **options: Any) -> Any:
        made = boto3.session.Session().client(service, **options)  # type: ignore[call-overload]
        if service == "stepfunctions":
            made.meta.events.register("before-send.sfn", unknown_twice)
        return made

    put("late/a.png", images[0])
    monkeypatch.setattr(boto3, "client", client)
    ended = batch.run(request(deployed, prefix="late/"), tmp_path)
    assert ended.account.holds
    assert asked["DescribeExecution"] > 2


def test_a_batch_whose_stack_is_gone_says_what_to_do_and_does_it(
    deployed: Deployed, images: list[bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(executions, "UNKNOWN_FOR", 0.0)
    put("gone/a.png", images[0])
    asked = request(deployed, prefix="gone/")
    missing = dataclasses.replace(asked, state_machine_arn=f"{machine(deployed)}-deleted")
    with pytest.raises(BatchError, match="once the stack is deployed, `workflow batch --redrive"):
        batch.run(missing, tmp_path)
    (folder,) = tmp_path.glob("batches/*")
    ledger = Ledger(folder / batch.DATABASE_FILE)
    run = ledger.last_run()
    assert run
    ledger.started(run, f"{machine(deployed).replace(':stateMachine:', ':execution:')}:of-a-stack-before")
    ledger.close()
    write_whole(folder / batch.REQUEST_FILE, json.dumps(dataclasses.asdict(asked)))
    with pytest.raises(BatchError, match=f"is gone: .*`workflow batch --redrive {folder.name}`"):
        batch.run(asked, tmp_path)
    again = batch.redrive(folder.name, tmp_path)
    assert again.account.holds
    assert again.account.failed == again.account.missing == 0


def test_a_batch_costs_at_most_a_tenth_of_an_execution_an_image(deployed: Deployed, images: list[bytes]) -> None:
    states = boto3.client("stepfunctions")
    arn = deployed.stack.environment["WORKFLOW_STATE_MACHINE_ARN"]
    given = {"s3_bucket": stack.BUCKET, "s3_key": put("priced/a.png", images[0])}
    started = states.start_execution(stateMachineArn=arn, name="priced", input=json.dumps(given))["executionArn"]
    end = end_of(started)
    fields: dict[str, Any] = dict.fromkeys(Execution.__dataclass_fields__)
    seconds = (end["stopDate"] - end["startDate"]).total_seconds()
    known = {"execution_arn": started, "seconds": seconds, "outcome": "ACCEPTED", "inference_id": "i"}
    measured = costs.measure(states, [Execution(**fields | known)])
    assert measured.transitions >= 3
    assert {name.split(":")[0] for name in measured.function_seconds} == {
        "SerializeFunction",
        "ClassifyFunction",
        "ThresholdFunction",
    }
    memory = {"SerializeFunction": 1024, "ClassifyFunction": 512, "ThresholdFunction": 256}
    course, single, ours = costs.paths(measured, PRICES, memory, 20)
    assert ours.orchestration <= course.orchestration / 10
    assert sum(ours.terms.values()) < sum(single.terms.values())


@pytest.mark.usefixtures("deployed")
def test_the_command_says_in_one_line_that_there_is_nothing_to_classify(tmp_path: Path) -> None:
    driver = start_driver(["--prefix", "nothing/"], tmp_path)
    assert isinstance(driver, subprocess.Popen)
    said = driver.communicate(timeout=2 * LONGEST_SECONDS)[0].strip()
    assert driver.returncode == 1
    assert said == f"workflow: s3://{stack.BUCKET}/nothing/ names no images; nothing was started."

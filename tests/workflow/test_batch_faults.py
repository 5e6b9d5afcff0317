"""Batches on the local stack lose no image, whatever is broken, killed, throttled or gone."""

import dataclasses
import json
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from moto.core.botocore_stubber import MockRawResponse

from benchmarks.batch import kill_one_of_each, put_photos, start_driver
from contracts.files import write_whole
from inference.batch import (
    ACCOUNT_FILE,
    DATABASE_FILE,
    REQUEST_FILE,
    BatchError,
    redrive_batch,
    require_account,
    run_batch,
)
from inference.ledger import Ledger
from local import stack
from tests.processes import DIES_AFTER
from tests.waiting import LONGEST_SECONDS
from tests.workflow.batches import IMAGES, check, machine, outcomes, put, request
from tests.workflow.conftest import ENDPOINT, Deployed
from tests.workflow.review_queue import waiting_for_review


@pytest.mark.drill("Processes that are killed")
def test_killed_containers_workers_and_drivers_and_throttling_lose_no_image(
    deployed: Deployed, images: list[bytes], tmp_path: Path
) -> None:
    photos = put_photos(boto3.client("s3"), images, IMAGES, seed=1)
    arguments = ["--manifest", photos.manifest, "--max-concurrency", "2"]
    # The first driver is killed before it could note that the execution has started, the second when it looks at it.
    for operation in ("sfn.StartExecution", "sfn.DescribeExecution"):
        driver_killed_after(operation, arguments, tmp_path)
        assert not list(tmp_path.glob(f"batches/*/{ACCOUNT_FILE}"))
        kill_one_of_each(deployed.stack)
    deployed.stack.throttle(0.2, 10)
    said = start_driver(arguments, tmp_path).communicate(timeout=300)[0]
    deployed.stack.throttle(0, 0)
    (folder,) = tmp_path.glob("batches/*")
    while json.loads((folder / ACCOUNT_FILE).read_text())["failed"]:
        said = start_driver(["--redrive", folder.name], tmp_path).communicate(timeout=300)[0]
    assert json.loads((folder / ACCOUNT_FILE).read_text())["holds"], said
    check(photos, folder)


def driver_killed_after(operation: str, arguments: list[str], out: Path) -> None:
    """Run `workflow batch` in a process that is killed as soon as AWS has answered an operation."""
    command = [sys.executable, "-c", f"{DIES_AFTER} import cli; cli.main()", operation, "batch", *arguments]
    ended = subprocess.run([*command, "--out", str(out)], check=False, timeout=2 * LONGEST_SECONDS)
    assert ended.returncode == -signal.SIGKILL


@pytest.mark.drill("Faults of the system")
def test_a_broken_system_stops_the_batch_and_a_redrive_finishes_it(
    deployed: Deployed, images: list[bytes], tmp_path: Path
) -> None:
    keys = [put(f"stopped/{number:02d}.png", images[number % len(images)]) for number in range(60)]
    deployed.stack.deploy({"EndpointName": "no-such-endpoint"})
    ended = run_batch(request(deployed, prefix="stopped/"), tmp_path, 1)
    # The first child of twenty is more than the tenth that is tolerated; the others never run.
    assert (ended.account.failed, ended.account.missing, ended.errors) == (20, 40, {"EndpointNotFound": 20})
    with pytest.raises(BatchError, match=r"40 of 60 images have no outcome.*ExceedToleratedFailureThreshold.*/20.png"):
        require_account(ended)
    deployed.stack.deploy({"EndpointName": ENDPOINT, "ConfidenceThreshold": "0.8"})
    again = redrive_batch(ended.id, tmp_path, 2)
    require_account(again)
    assert sorted(outcomes(again)) == keys
    assert (again.account.failed, len(again.executions)) == (0, 2)
    assert folders_of_results(ended.id) == 2
    review = [key for key, (outcome, _) in outcomes(again).items() if outcome == "REVIEW"]
    assert sorted(waiting_for_review()) == sorted(review)
    finished = redrive_batch(ended.id, tmp_path)
    assert (finished.account, len(finished.executions)) == (again.account, 2)


def folders_of_results(batch: str) -> int:
    """Count the Map Runs whose results lie where docs/scale.md says; fail if anything lies elsewhere."""
    s3 = boto3.client("s3")

    def below(prefix: str) -> list[str]:
        found = s3.list_objects_v2(Bucket=stack.BUCKET, Prefix=prefix, Delimiter="/")
        return [one["Prefix"] for one in found.get("CommonPrefixes", [])]

    assert below(f"batches/{batch}") == [f"batches/{batch}/"]
    return len(below(f"batches/{batch}/results/"))


def test_a_batch_that_is_not_there_cannot_be_run_again(tmp_path: Path) -> None:
    with pytest.raises(BatchError, match="holds no batch"):
        redrive_batch("20260101-000000-abcdef", tmp_path)


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
    ended = run_batch(request(deployed, prefix="late/"), tmp_path)
    assert ended.account.holds
    assert asked["DescribeExecution"] > 2


@pytest.mark.drill("Faults of the system")
def test_a_batch_whose_stack_is_gone_says_what_to_do_and_does_it(
    deployed: Deployed, images: list[bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("inference.executions.UNKNOWN_FOR", 0.0)
    put("gone/a.png", images[0])
    asked = request(deployed, prefix="gone/")
    missing = dataclasses.replace(asked, state_machine_arn=f"{machine(deployed)}-deleted")
    with pytest.raises(BatchError, match="once the stack is deployed, `workflow batch --redrive"):
        run_batch(missing, tmp_path)
    (folder,) = tmp_path.glob("batches/*")
    ledger = Ledger(folder / DATABASE_FILE)
    run = ledger.last_run()
    assert run
    ledger.started(run, f"{machine(deployed).replace(':stateMachine:', ':execution:')}:of-a-stack-before")
    ledger.close()
    write_whole(folder / REQUEST_FILE, json.dumps(dataclasses.asdict(asked)))
    with pytest.raises(BatchError, match=f"is gone: .*`workflow batch --redrive {folder.name}`"):
        run_batch(asked, tmp_path)
    again = redrive_batch(folder.name, tmp_path)
    assert again.account.holds
    assert again.account.failed == again.account.missing == 0

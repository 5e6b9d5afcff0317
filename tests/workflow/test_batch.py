"""Batches on the local stack: every image of every source is accounted for."""

import json
import subprocess
import uuid
from pathlib import Path

import boto3
import pytest

from benchmarks.batch import broken_images, put_photos, start_driver
from checks.status.batch import last_batch
from inference.batch import ACCOUNT_FILE, BatchError, Request, require_account, run_batch
from inference.manifest import SourceError
from local import stack
from tests.waiting import LONGEST_SECONDS
from tests.workflow.batches import IMAGES, check, end_of, machine, outcomes, put, request, rows_of
from tests.workflow.conftest import Deployed


def test_a_manifest_with_broken_and_missing_images_of_all_names_is_accounted_for(
    deployed: Deployed, images: list[bytes], tmp_path: Path
) -> None:
    photos = put_photos(boto3.client("s3"), images, IMAGES)
    ended = run_batch(request(deployed, manifest=photos.manifest), tmp_path, 2)
    check(photos, ended.folder)
    require_account(ended)
    told = json.loads((ended.folder / ACCOUNT_FILE).read_text())
    assert told["listed"] == told["accepted"] + told["review"] + told["rejected"] + told["failed"] == IMAGES
    assert told["holds"]
    classified = [row for row in rows_of(ended.folder) if row["outcome"] in ("ACCEPTED", "REVIEW")]
    assert all(row["sha256"] and row["s3_version_id"] and row["inference_id"] for row in classified)
    assert len({row["inference_id"] for row in classified}) == len(classified)
    assert deployed.model.release is not None
    assert {row["release"] for row in classified} == {deployed.model.release.release}
    assert all(bool(row["review_reason"]) is (row["outcome"] == "REVIEW") for row in classified)
    assert all(0 < float(row["seconds"]) < 60 and 0.5 <= float(row["confidence"]) <= 1 for row in classified)


def test_a_prefix_takes_folder_markers_and_empty_objects_as_images(
    deployed: Deployed, images: list[bytes], tmp_path: Path
) -> None:
    good, marker, empty = put("mixed/a.png", images[0]), put("mixed/", b""), put("mixed/empty.png", b"")
    ended = run_batch(request(deployed, prefix="mixed/"), tmp_path)
    found = outcomes(ended)
    assert found[marker] == found[empty] == ("REJECTED", "InvalidImage")
    assert found[good][0] in ("ACCEPTED", "REVIEW")
    assert len(found) == 3
    states, batch = boto3.client("stepfunctions"), machine(deployed)
    here, elsewhere = (last_batch(states, batch, out) for out in (tmp_path, tmp_path / "elsewhere"))
    assert (here.execution, here.status, here.source) == (ended.id, "SUCCEEDED", "ledger")
    assert (here.counts["listed"], here.counts["rejected"]) == (3, 2)
    assert (elsewhere.source, elsewhere.counts) == ("map run", {"total": 3, "succeeded": 3})


def test_a_folder_is_uploaded_and_classified(deployed: Deployed, images: list[bytes], tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "größe 1.png").write_bytes(images[0])
    (tmp_path / "photos" / "bomb.png").write_bytes(broken_images(images[0])["bomb"])
    ended = run_batch(request(deployed, folder=str(tmp_path / "photos")), tmp_path)
    prefix = f"batches/{ended.id}/images/"
    assert outcomes(ended)[f"{prefix}bomb.png"] == ("REJECTED", "ImageTooLarge")
    assert outcomes(ended)[f"{prefix}größe 1.png"][0] in ("ACCEPTED", "REVIEW")


def test_a_key_that_is_named_twice_is_classified_once(deployed: Deployed, images: list[bytes], tmp_path: Path) -> None:
    key = put("twice/a.png", images[0])
    rows = json.dumps([{"s3_bucket": stack.BUCKET, "s3_key": key}] * 3)
    ended = run_batch(request(deployed, manifest=f"s3://{stack.BUCKET}/{put('twice.json', rows.encode())}"), tmp_path)
    assert (ended.account.listed, ended.account.duplicates, ended.account.holds) == (1, 2, True)
    assert list(outcomes(ended)) == [key]


@pytest.mark.parametrize("bucket", [stack.BUCKET, "no-such-bucket"])
def test_a_source_without_images_starts_nothing(deployed: Deployed, tmp_path: Path, bucket: str) -> None:
    states = boto3.client("stepfunctions")
    before = len(states.list_executions(stateMachineArn=machine(deployed))["executions"])
    with pytest.raises(SourceError, match=rf"s3://{bucket}/nothing/"):
        run_batch(Request(bucket, machine(deployed), prefix="nothing/"), tmp_path)
    assert len(states.list_executions(stateMachineArn=machine(deployed))["executions"]) == before


def test_a_bad_row_of_a_manifest_starts_nothing(deployed: Deployed, tmp_path: Path) -> None:
    key = put("bad.csv", b"s3_bucket,s3_key\nbucket,a.png\nbucket\n")
    with pytest.raises(SourceError, match="row 2"):
        run_batch(request(deployed, manifest=f"s3://{stack.BUCKET}/{key}"), tmp_path)


def test_a_missing_state_machine_is_named(deployed: Deployed, tmp_path: Path) -> None:
    put("one/a.png")
    with pytest.raises(BatchError, match="NoSuchMachine can't be started"):
        run_batch(Request(stack.BUCKET, machine(deployed) + "NoSuchMachine", prefix="one/"), tmp_path)


@pytest.mark.parametrize("given", ["{}", '{"manifest": 1}', '{"manifest": "elsewhere/manifest.csv"}'])
def test_an_input_without_a_manifest_below_batches_ends_the_execution_by_name(deployed: Deployed, given: str) -> None:
    states = boto3.client("stepfunctions")
    arn = states.start_execution(stateMachineArn=machine(deployed), name=str(uuid.uuid4()), input=given)["executionArn"]
    end = end_of(arn)
    assert (end["status"], end["error"]) == ("FAILED", "InvalidEvent")
    assert "below batches/" in end["cause"]


@pytest.mark.usefixtures("deployed")
def test_the_command_says_in_one_line_that_there_is_nothing_to_classify(tmp_path: Path) -> None:
    driver = start_driver(["--prefix", "nothing/"], tmp_path)
    assert isinstance(driver, subprocess.Popen)
    said = driver.communicate(timeout=2 * LONGEST_SECONDS)[0].strip()
    assert driver.returncode == 1
    assert said == f"workflow: s3://{stack.BUCKET}/nothing/ names no images; nothing was started."

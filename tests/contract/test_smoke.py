"""The smoke test of `make check-aws` as far as the local stack goes: all but Lambda's own faults, and the teardown."""

import os
import shutil
import signal
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import boto3
import pytest

from checks import smoke as smoke_test
from checks.check import Check, CheckError, Status
from checks.throwaway import Copy, Meter, run_sam
from contracts.dataset import DatasetRecord
from local import launch, stack
from tests.conftest import ROOT, led_to
from tests.containers import write_programs
from training.datasets.sample import sample_archive
from training.sagemaker.stacks import DEFAULT_STACK
from training.stage import stage
from training.teardown import list_resources

Parts = dict[str, str]


class Sam:
    """`sam` on the local stack: it deploys the app stack with its parameters, and the data stack's bucket."""

    def __init__(self, running: stack.Running) -> None:
        self._running = running
        self.calls: list[tuple[str, str]] = []

    def __call__(self, words: Sequence[str], folder: Path) -> None:
        self.calls.append((words[0], words[2] if len(words) > 1 else ""))
        assert (folder / "template.yaml").exists()
        if words[0] != "deploy":
            return
        parameters = dict(word.split("=", 1) for word in words[words.index("--parameter-overrides") + 1 :])
        if folder == ROOT:
            self._running.deploy(parameters)
            return
        s3: Any = boto3.client("s3")
        name = parameters["DataBucketName"]
        if name not in {bucket["Name"] for bucket in s3.list_buckets()["Buckets"]}:
            s3.create_bucket(Bucket=name)
            s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
            s3.put_bucket_notification_configuration(
                Bucket=name, NotificationConfiguration={"EventBridgeConfiguration": {}}
            )


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[stack.Running]:
    """A stack of these tests' own, whose bucket they delete."""
    folder = tmp_path_factory.mktemp("smoke")
    images = write_programs(folder / "images")
    # What is deployed says of itself what our algorithm does, as the app stack gets neither labels nor a threshold.
    shutil.copy(images / "describing/serve.py", images / "mirror_ridge/serve.py")
    options = stack.Options(logs=str(folder / "logs"), algorithms=str(images))
    with launch.running(options) as started, pytest.MonkeyPatch.context() as patch:
        for name in (name for name in os.environ if name.startswith("WORKFLOW_")):
            patch.delenv(name)
        with led_to({name: value for name, value in started.environment.items() if name.startswith("AWS_")}):
            yield started


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A few drawn images in CIFAR-100's layout, in place of the whole sample."""
    return sample_archive(
        tmp_path_factory.mktemp("archive"), ("bicycle", "motorcycle"), counts={"train": 20, "test": 6}
    )


@pytest.fixture
def sam(own: stack.Running, archive: Path, monkeypatch: pytest.MonkeyPatch) -> Sam:
    def staged(name: str, out: Path, *, bucket: str) -> DatasetRecord:
        return stage("cifar100", out, bucket=bucket, archive=archive, verify=False, name=name)

    monkeypatch.setattr(smoke_test, "stage", staged)
    monkeypatch.setattr(smoke_test, "BAKE", 1)
    return Sam(own)


def copy_of(sam: Sam, out: Path) -> Copy:
    return Copy(DEFAULT_STACK, stack.BUCKET, out, sam)


def assert_taken_down(sam: Sam) -> None:
    """Nothing is deployed, the bucket is gone, and both stacks were deleted, the app stack first."""
    assert list_resources(DEFAULT_STACK) == []
    assert stack.BUCKET not in {bucket["Name"] for bucket in boto3.client("s3").list_buckets()["Buckets"]}
    deleted = [name for word, name in sam.calls if word == "delete"]
    assert deleted == [DEFAULT_STACK, f"{DEFAULT_STACK}-data"]


def test_every_step_runs_and_all_is_taken_down(sam: Sam, tmp_path: Path) -> None:
    made: list[Check] = []
    smoke_test.smoke(made.append, copy_of(sam, tmp_path), build=False)
    found = {check.name: check for check in made}
    # Only AWS has Lambda's memory, timeouts and reports.
    assert [check.name for check in made if check.status is not Status.OK] == ["faults"]
    for name in ("training", "endpoint", "app stack", "uploads", "batch", "capture", "drift", "canary", "rollback"):
        assert found[name].status is Status.OK, found[name]
    assert "s of ml.m5.large" in found["cost"].found
    assert found["teardown"].status is Status.OK
    assert_taken_down(sam)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.drill("Interruptions")
def test_an_interrupt_takes_everything_down_and_a_second_one_does_not_stop_that(
    sam: Sam, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    def interrupted(_: Copy) -> Iterator[Check]:
        os.kill(os.getpid(), number)
        yield Check("never", Status.OK, "")

    def twice(words: Sequence[str], folder: Path) -> None:
        if words[0] == "delete":
            os.kill(os.getpid(), number)
        sam(words, folder)

    monkeypatch.setattr(smoke_test, "STEPS", {"step": interrupted})
    made: list[Check] = []
    handlers = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt):
        smoke_test.smoke(made.append, Copy(DEFAULT_STACK, stack.BUCKET, tmp_path, twice), build=False)
    assert "never" not in {check.name for check in made}
    assert made[-1].name == "cost"
    assert_taken_down(sam)
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == handlers


@pytest.mark.parametrize("part", ["_deploy_app", "train"])
def test_an_error_in_any_part_takes_down_what_was_there_until_then(
    sam: Sam, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    def failing(*_: object, **__: object) -> None:
        raise CheckError("it failed")

    monkeypatch.setattr(smoke_test, part, failing)
    with pytest.raises(CheckError, match="it failed"):
        smoke_test.smoke(list[Check]().append, copy_of(sam, tmp_path), build=False)
    assert_taken_down(sam)


def test_a_part_that_cannot_be_taken_down_leaves_the_others_to_be(
    sam: Sam, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smoke_test, "STEPS", {})

    def failing(words: Sequence[str], folder: Path) -> None:
        sam(words, folder)
        if words[0] == "delete":
            raise CheckError(f"{words[2]} can't be deleted")

    with pytest.raises(CheckError, match="can't be deleted"):
        smoke_test.smoke(list[Check]().append, Copy(DEFAULT_STACK, stack.BUCKET, tmp_path, failing), build=False)
    assert_taken_down(sam)


def test_the_cost_is_that_of_the_table_for_the_seconds_measured() -> None:
    meter = Meter()
    meter.add("ml.m5.large", 3600)
    meter.add("ml.m5.large", 3600)
    meter.add("ml.unknown.large", 10)
    assert meter.sentence("us-east-1").startswith("$0.23 for 7200 s of ml.m5.large, 10 s of ml.unknown.large")
    assert "no price is known of ml.unknown.large" in meter.sentence("us-east-1")


@pytest.mark.parametrize(
    ("script", "says"), [(None, "no `sam` on PATH"), ("#!/bin/sh\nexit 3\n", "`sam deploy` ended with 3")]
)
def test_a_sam_that_is_missing_or_fails_is_one_sentence(
    script: str | None, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if script:
        (tmp_path / "sam").write_text(script)
        (tmp_path / "sam").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CheckError, match=says):
        run_sam(["deploy"], tmp_path)

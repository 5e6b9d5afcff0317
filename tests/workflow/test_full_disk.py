"""A disk that is full: one line that says so, nothing lost, and the same command again does the rest."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import boto3
import pytest

from inference.cases import generate_cases
from inference.executions import EXECUTIONS_FILE, read_executions
from local import stack
from tests.conftest import ROOT
from tests.workflow.batches import machine, put
from tests.workflow.conftest import ENDPOINT, Deployed

LIMITED = (
    "import resource, sys; size = int(sys.argv.pop(1));"
    "resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY));"
    "import cli; cli.main()"
)


class Disk(Protocol):
    """A disk with a folder for results."""

    @property
    def folder(self) -> Path:
        """Return the folder."""

    def workflow(self, arguments: list[str], space: int | None) -> "subprocess.CompletedProcess[str]":
        """Run a verb that finds so many bytes left, or enough of them."""


def _run(command: list[str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=240)


@dataclass(frozen=True)
class LimitedFiles:
    """Files that can't be larger than the space that is left: no privilege is needed."""

    folder: Path

    def workflow(self, arguments: list[str], space: int | None) -> "subprocess.CompletedProcess[str]":
        start = ["-m", "cli"] if space is None else ["-c", LIMITED, str(space)]
        return _run([sys.executable, *start, *arguments, "--out", str(self.folder)])


@dataclass(frozen=True)
class SmallDisk:
    """A file system in memory that another file fills."""

    folder: Path

    def workflow(self, arguments: list[str], space: int | None) -> "subprocess.CompletedProcess[str]":
        filler = self.folder.parent / "filler"
        filler.unlink(missing_ok=True)
        if space is not None:
            free = os.statvfs(self.folder.parent)
            with filler.open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, max(free.f_bavail * free.f_frsize - space, 1))
        return _run([sys.executable, "-m", "cli", *arguments, "--out", str(self.folder)])


@pytest.fixture
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Disk]:
    """A small disk, or files of limited size where a test asks for them or no disk can be mounted."""
    if getattr(request, "param", None) is LimitedFiles:
        yield LimitedFiles(tmp_path)
        return
    place = tmp_path / "disk"
    place.mkdir()
    if (
        sys.platform != "linux"
        or os.geteuid()
        or subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(place)], check=False, capture_output=True
        ).returncode
    ):
        yield LimitedFiles(tmp_path)
        return
    try:
        (place / "out").mkdir()
        yield SmallDisk(place / "out")
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def fails_until_there_is_space(
    disk: Disk, arguments: list[str], spaces: list[int], holds: Callable[[], None] = lambda: None
) -> None:
    """Run a verb with little space, then more, at last enough; the first time at least there is too little."""
    ended = disk.workflow(arguments, spaces[0])
    assert ended.returncode == 1, "the disk was never full"
    for space in [*spaces[1:], None]:
        assert ended.returncode == 1, ended.stderr
        (line,) = (line for line in ended.stderr.splitlines() if line.strip())
        assert line.startswith("workflow: "), line
        assert any(words in line for words in ("No space left on device", "File too large", "free some space")), line
        holds()
        ended = disk.workflow(arguments, space)
        if ended.returncode == 0:
            return
    pytest.fail(f"failed with enough space: {ended.stderr}")


@pytest.mark.drill("Torn files and full disks")
@pytest.mark.parametrize("disk", [SmallDisk, LimitedFiles], indirect=True)
def test_a_data_set_that_a_full_disk_cut_off_is_not_there_and_staging_again_makes_it(
    deployed: Deployed, archive: Path, disk: Disk
) -> None:
    def nothing_is_left() -> None:
        assert not [path for path in disk.folder.rglob("*") if path.is_file() and path.name != ".lock"]

    arguments = ["stage", "--dataset", "cifar100", "--archive", str(archive), "--no-verify", "--no-upload"]
    fails_until_there_is_space(disk, arguments, [0, 1_000], nothing_is_left)
    assert len(list(disk.folder.rglob("*.png"))) == deployed.dataset.count("train") + deployed.dataset.count("test")


@pytest.mark.drill("Torn files and full disks")
def test_a_run_that_a_full_disk_ends_keeps_every_record_whole_and_is_resumed(deployed: Deployed, disk: Disk) -> None:
    deployed.stack.deploy({"EndpointName": ENDPOINT, "ConfidenceThreshold": "0.8"})
    cases = generate_cases(stack.BUCKET, deployed.dataset.name, disk.folder, 8)
    path = disk.folder / EXECUTIONS_FILE
    kept: list[int] = []

    def every_record_is_whole() -> None:
        kept.append(len(read_executions(path)) if path.exists() else 0)

    fails_until_there_is_space(disk, ["run", "--resume"], [0, 4_096], every_record_is_whole)
    assert kept == sorted(kept)
    assert kept[-1] > 0
    assert {one.case for one in read_executions(path)} == {case.name for case in cases}


@pytest.mark.drill("Torn files and full disks")
def test_a_report_that_a_full_disk_ends_leaves_the_earlier_one(deployed: Deployed, disk: Disk) -> None:
    deployed.stack.deploy({"EndpointName": ENDPOINT, "ConfidenceThreshold": "0.8"})
    generate_cases(stack.BUCKET, deployed.dataset.name, disk.folder, 8)
    assert disk.workflow(["run"], None).returncode == 0
    earlier = disk.folder / "report.html"
    earlier.write_text("the earlier one")

    def the_earlier_one_stays() -> None:
        assert earlier.read_text() == "the earlier one"

    fails_until_there_is_space(disk, ["report"], [0, 20_000], the_earlier_one_stays)
    assert "</html>" in earlier.read_text()


@pytest.mark.drill("Torn files and full disks")
def test_a_batch_that_a_full_disk_ends_goes_on_and_no_image_is_lost_or_classified_twice(
    deployed: Deployed, disk: Disk
) -> None:
    deployed.stack.deploy({"EndpointName": ENDPOINT, "ConfidenceThreshold": "0.8"})
    prefix = f"full/{disk.folder.parent.name}-{type(disk).__name__}/"
    keys = [put(f"{prefix}{'long-' * 30}{number:03}.png") for number in range(100)]
    before = _executions(deployed)
    arguments = ["batch", "--prefix", prefix]
    fails_until_there_is_space(disk, arguments, [0, 4_096, 8_192, 24_576, 49_152, 65_536, 98_304])
    accounts = [json.loads(path.read_text()) for path in disk.folder.glob("batches/*/batch.json")]
    assert [(one["listed"], one["holds"], one["failed"]) for one in accounts] == [(len(keys), True, 0)]
    assert _executions(deployed) == before + 1


def _executions(deployed: Deployed) -> int:
    states = boto3.client("stepfunctions")
    pages = states.get_paginator("list_executions").paginate(stateMachineArn=machine(deployed))
    return sum(len(page["executions"]) for page in pages)

"""Verbs that write results to a folder are refused while another command writes there; those that read are not."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

import cli
from contracts.locks import FolderInUse, exclusive
from inference.cases import CASES_FILE

ARN = "arn:aws:states:us-east-1:123456789012:stateMachine:x"
WRITES = [
    ["demo"],
    ["stage", "--no-upload"],
    ["train", "--resume"],
    ["cases", "--bucket", "b"],
    ["run", "--state-machine", ARN],
    ["report", "--bucket", "b", "--endpoint", "e"],
    ["batch", "--bucket", "b", "--state-machine", ARN, "--prefix", "p/"],
    ["batch", "--redrive", "20260101-000000-abcdef"],
]


def error_of(arguments: list[str], out: Path) -> BaseException | None:
    return CliRunner().invoke(cli.app, [*arguments, "--out", str(out)]).exception


@pytest.mark.parametrize("verb", WRITES, ids=" ".join)
@pytest.mark.drill("Two at once")
def test_a_verb_that_writes_is_refused_while_another_command_writes_there(verb: list[str], tmp_path: Path) -> None:
    (tmp_path / CASES_FILE).touch()
    with exclusive(tmp_path):
        assert isinstance(error_of(verb, tmp_path), FolderInUse)


@pytest.mark.parametrize("verb", [["explore"], ["predict", "x.png"]], ids=" ".join)
def test_a_verb_that_reads_is_not_refused(verb: list[str], tmp_path: Path) -> None:
    with exclusive(tmp_path):
        error = error_of(verb, tmp_path)
    assert error is not None
    assert not isinstance(error, FolderInUse)


def test_another_folder_is_free(tmp_path: Path) -> None:
    with exclusive(tmp_path / "one"):
        error = error_of(["train", "--resume"], tmp_path / "other")
    assert error is not None
    assert not isinstance(error, FolderInUse)

"""A folder is one process's at a time, and nobody's once that process has ended, however it ended."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from contracts.locks import FolderInUse, exclusive
from tests.conftest import ROOT

HOLDER = """
import sys, time
from pathlib import Path
from contracts.locks import exclusive
with exclusive(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def held_by_another(folder: Path) -> Iterator["subprocess.Popen[str]"]:
    """Let another process hold the folder."""
    command = [sys.executable, "-c", HOLDER, str(folder)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process


@pytest.mark.drill("Two at once")
def test_a_folder_that_another_process_writes_to_is_refused_by_name(tmp_path: Path) -> None:
    with held_by_another(tmp_path / "out"):
        with pytest.raises(FolderInUse, match=rf"{tmp_path}/out; wait .*--out"), exclusive(tmp_path / "out"):
            pytest.fail("both hold it")
        with exclusive(tmp_path / "another"):
            pass
    with exclusive(tmp_path / "out"):
        pass


@pytest.mark.drill("Processes that are killed")
def test_a_killed_process_holds_no_folder_any_more(tmp_path: Path) -> None:
    with held_by_another(tmp_path) as process:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        with exclusive(tmp_path):
            pass


def test_a_folder_is_free_again_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), exclusive(tmp_path):
        raise ZeroDivisionError
    with exclusive(tmp_path):
        pass


def test_programs_that_the_holder_started_do_not_hold_the_folder(tmp_path: Path) -> None:
    with exclusive(tmp_path):
        started = subprocess.Popen(["cat"], stdin=subprocess.PIPE)
    with started, exclusive(tmp_path):
        assert started.poll() is None

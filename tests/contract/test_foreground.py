"""`workflow local` as a user runs it: it ends when its stack does, and whatever is killed leaves nothing for long."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from local.launch import LOG
from tests.processes import bare_environment, children, command
from tests.waiting import LONGEST_SECONDS, wait_until


@contextmanager
def workflow_local(folder: Path) -> Iterator["subprocess.Popen[str]"]:
    """Run the verb in a folder until the block ends; it has printed all of its lines when the block begins."""
    (folder / "tmp").mkdir(exist_ok=True)
    environment = bare_environment() | {"TMPDIR": str(folder / "tmp"), "COLUMNS": "1000"}
    command = [sys.executable, "-m", "cli", "local", "--logs", "some/logs"]
    with subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            for line in process.stdout:
                if "Stop with Ctrl-C" in line:
                    break
            yield process
        finally:
            process.kill()


def server(process: "subprocess.Popen[str]") -> int:
    """Return the id of the stack's own process."""
    (pid,) = (pid for pid in children(process.pid) if "local.server" in command(pid))
    return pid


def scratch(folder: Path) -> list[Path]:
    return [*(folder / "tmp").glob("workflow-local-*")]


@pytest.mark.drill("Processes that are killed")
def test_workflow_local_ends_with_an_error_when_its_stack_is_killed_and_the_next_start_tidies_up(
    tmp_path: Path,
) -> None:
    with workflow_local(tmp_path) as process:
        assert {path.name for path in tmp_path.iterdir()} == {"some", "tmp"}
        assert (tmp_path / "some/logs" / LOG).exists()
        (abandoned,) = scratch(tmp_path)
        os.kill(server(process), signal.SIGKILL)
        _, error = process.communicate(timeout=LONGEST_SECONDS)
        assert process.returncode == 1
        assert error.count("\n") == 1
        assert error.startswith("workflow: The local stack's process has ended (signal 9); ")
        assert str(tmp_path / "some/logs" / LOG) in error
    assert abandoned.exists()
    with workflow_local(tmp_path) as process:
        (live,) = scratch(tmp_path)
        assert live != abandoned
        with workflow_local(tmp_path) as other:
            assert live in scratch(tmp_path)
            other.send_signal(signal.SIGTERM)
            assert other.wait(LONGEST_SECONDS) == 0
        assert scratch(tmp_path) == [live]


@pytest.mark.drill("Processes that are killed")
def test_the_stack_ends_and_its_folder_goes_when_workflow_local_is_killed(tmp_path: Path) -> None:
    with workflow_local(tmp_path) as process:
        everything = children(process.pid)
        assert server(process) in everything
        process.kill()
        wait_until(lambda: not any(command(pid) for pid in everything))
    assert not scratch(tmp_path)


@pytest.mark.parametrize("wanted", [signal.SIGINT, signal.SIGTERM])
def test_it_stops_well_when_it_is_asked_to(tmp_path: Path, wanted: signal.Signals) -> None:
    with workflow_local(tmp_path) as process:
        process.send_signal(wanted)
        printed, error = process.communicate(timeout=LONGEST_SECONDS)
        assert (process.returncode, error) == (0, "")
        assert printed.endswith("# Stopped.\n")
    assert not scratch(tmp_path)

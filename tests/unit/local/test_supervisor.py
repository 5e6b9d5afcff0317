import os
import subprocess
import sys

import pytest

from local import supervisor
from tests.waiting import LONGEST_SECONDS, wait_until


def start(*command: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, supervisor.__file__, *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )


def lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize("code", [0, 1, 7])
def test_the_supervisor_ends_with_the_commands_exit_code(code: int) -> None:
    with start(sys.executable, "-c", f"raise SystemExit({code})") as process:
        assert process.wait(LONGEST_SECONDS) == code


@pytest.mark.parametrize("obeys", [True, False])
@pytest.mark.drill("Processes that are killed")
def test_the_command_ends_when_the_parents_end_of_the_pipe_closes(obeys: bool) -> None:
    deaf = "" if obeys else "signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    source = f"import os, signal, time; {deaf} print(os.getpid(), flush=True); time.sleep(600)"
    with start(sys.executable, "-c", source) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        pid = int(process.stdout.readline())
        assert lives(pid)
        process.stdin.close()
        process.wait(supervisor.GRACE_SECONDS + LONGEST_SECONDS)
    wait_until(lambda: not lives(pid))


@pytest.mark.drill("Processes that are killed")
def test_the_command_ends_when_the_supervisor_is_killed() -> None:
    source = "import os, time; print(os.getpid(), flush=True); time.sleep(600)"
    with start(sys.executable, "-c", source) as process:
        assert process.stdout is not None
        pid = int(process.stdout.readline())
        process.kill()
        wait_until(lambda: not lives(pid))


@pytest.mark.drill("Processes that are killed")
def test_a_command_whose_parent_was_killed_before_it_began_ends_at_once() -> None:
    source = "import os; from local import supervisor; supervisor.die_with(os.getppid() + 1); print('lives')"
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, check=False)
    assert done.stderr == b""
    assert (done.returncode, done.stdout) == ((1, b"") if sys.platform == "linux" else (0, b"lives\n"))

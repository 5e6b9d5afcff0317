import os
import subprocess
import sys
import time

import pytest

from local import leash


def start(*command: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen([sys.executable, leash.__file__, *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize("code", [0, 1, 7])
def test_the_commands_exit_code_is_the_leashs(code: int) -> None:
    with start(sys.executable, "-c", f"raise SystemExit({code})") as process:
        assert process.wait(10) == code


@pytest.mark.parametrize("obeys", [True, False])
def test_the_command_ends_when_the_parents_end_of_the_pipe_closes(obeys: bool) -> None:
    deaf = "" if obeys else "signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    source = f"import os, signal, time; {deaf} print(os.getpid(), flush=True); time.sleep(60)"
    with start(sys.executable, "-c", source) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        pid = int(process.stdout.readline())
        assert lives(pid)
        process.stdin.close()
        process.wait(leash.GRACE_SECONDS + 5)
    deadline = time.monotonic() + 5
    while lives(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not lives(pid)

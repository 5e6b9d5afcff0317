"""Run a command that ends when the process that started it does: `python supervisor.py COMMAND…`.

The parent keeps this process's standard input open. When it closes, which it also does when the parent is killed, the
command is ended. Only the standard library is imported, so that the process stays small.
"""

import ctypes
import os
import signal
import subprocess
import sys
import threading
from functools import partial

GRACE_SECONDS = 3.0
# From <linux/prctl.h>.
PR_SET_PDEATHSIG = 1


def die_with(parent: int) -> None:
    """Let Linux kill this process when its parent ends first; elsewhere do nothing."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        # The parent may have been killed before the request: then nobody would be told.
        if os.getppid() != parent:
            os._exit(1)


def main() -> int:
    """Run the command and return its exit code, or the negative number of the signal that ended it."""
    child = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, preexec_fn=partial(die_with, os.getpid()))

    def end(*_: object) -> None:
        child.terminate()

    def end_with_parent() -> None:
        # Not sys.stdin: its lock, held by this thread, would abort the interpreter when the command ends first.
        while os.read(0, 1024):
            pass
        child.terminate()
        try:
            child.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=end_with_parent, daemon=True).start()
    return child.wait()


if __name__ == "__main__":
    sys.exit(main())

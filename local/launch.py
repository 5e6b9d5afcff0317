"""Start the local stack in a process of its own."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import NoReturn

from local.errors import LocalError
from local.stack import REFUSAL, ROOT, Options, Running

LOG = "stack.log"


class StackNotStarted(LocalError):
    """The local stack's process ended before it was ready."""


class StackNotKept(LocalError):
    """The local stack was stopped, and couldn't save its state."""


class StackEnded(LocalError):
    """The local stack's process ended although nobody stopped it."""


class Starting:
    """A stack's process that may not answer yet."""

    def __init__(self, process: "subprocess.Popen[bytes]", logs: Path) -> None:
        self._process = process
        self._logs = logs
        self._running: Running | None = None

    def ready(self) -> Running:
        """Wait until the stack answers; raise StackNotStarted where it never will."""
        if self._running is None:
            assert self._process.stdout is not None
            line = self._process.stdout.readline()
            if not line:
                raise StackNotStarted(f"The local stack didn't start; {self._logs / LOG} has the reason.")
            printed = json.loads(line)
            if REFUSAL in printed:
                # It ends by itself, and needs no signal that would meet it there.
                self._process.wait()
                raise StackNotStarted(f"The local stack didn't start: {printed[REFUSAL]}")
            self._running = Running(printed, self._process.pid, self._logs)
        return self._running

    def wait(self) -> NoReturn:
        """Wait until the process ends, which it does only when it is stopped, or fails; then raise StackEnded."""
        code = self._process.wait()
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        raise StackEnded(f"The local stack's process has ended ({how}); {self._logs / LOG} may have the reason.")

    def stop(self) -> None:
        """End the process and everything that it started; raise StackNotKept where it couldn't save its state."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        if self._running is None:
            self._process.terminate()
        self._process.stdin.close()
        line = self._process.stdout.readline()
        self._process.wait()
        if self._running and line:
            raise StackNotKept(json.loads(line)[REFUSAL])


@contextmanager
def starting(options: Options, module: str = "local.server") -> Iterator[Starting]:
    """Start a stack in a process that runs `module`.

    It ends with the block, or with this process however that ends.
    """
    # The process has another working directory: what is relative is so to the caller's.
    logs, algorithms = Path(options.logs).absolute(), Path(options.algorithms).absolute()
    logs.mkdir(parents=True, exist_ok=True)
    state = options.state and str(Path(options.state).absolute())
    options = replace(options, logs=str(logs), algorithms=str(algorithms), state=state)
    command = [sys.executable, "-m", module, json.dumps(asdict(options))]
    with (
        (logs / LOG).open("ab") as log,
        subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log) as process,
    ):
        started = Starting(process, logs)
        try:
            yield started
        finally:
            started.stop()


@contextmanager
def running(options: Options, module: str = "local.server") -> Iterator[Running]:
    """Start a stack as `starting` does, and wait until it answers."""
    with starting(options, module) as started:
        yield started.ready()

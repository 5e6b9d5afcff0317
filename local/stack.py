"""Start the local stack in a process of its own, and say under which environment it is used."""

import json
import os
import signal
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from rich.console import Console

from local.errors import LocalError

ROOT = Path(__file__).resolve().parent.parent
REGION = "us-east-1"
BUCKET = "workflow-data"
ROLE_ARN = "arn:aws:iam::123456789012:role/workflow-local"
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "local",
    "AWS_SECRET_ACCESS_KEY": "local",
    "AWS_REGION": REGION,
    "AWS_DEFAULT_REGION": REGION,
}
START_SECONDS = 60.0
LOG = "stack.log"


class StackNotStarted(LocalError):
    """The local stack's process ended or said nothing before it was ready."""


class NotDeployed(LocalError):
    """The local stack couldn't put the app stack in place."""


@dataclass(frozen=True)
class Options:
    """How a stack is run.

    Where its logs go, how many workers a function may have, the template's parameters, the address's port (0: any), the
    folder of the container programs, each in a folder named as its image, and the address under which Docker's
    containers reach this machine (empty: none does).
    """

    logs: str
    concurrency: int = 4
    parameters: Mapping[str, str] | None = None
    port: int = 0
    algorithms: str = str(ROOT / "training/algorithms")
    container_address: str = ""


def in_use() -> bool:
    """Whether this process's environment leads to a stack on this machine, where nothing costs money."""
    return urlsplit(os.environ.get("AWS_ENDPOINT_URL", "")).hostname in {"127.0.0.1", "localhost"}


@dataclass(frozen=True)
class Running:
    """A stack in a process of its own, and the environment under which it is used."""

    environment: Mapping[str, str]
    pid: int
    logs: Path

    def deploy(self, parameters: Mapping[str, str]) -> None:
        """Put the app stack in place anew, with parameters."""
        try:
            self._put("/_local/app", dict(parameters))
        except urllib.error.HTTPError as error:
            raise NotDeployed(json.loads(error.read())["message"]) from error

    def interrupt_spot(self, job: str) -> None:
        """Take the instance from a spot training job, as SageMaker may at any time; the job then begins again."""
        self._put(f"/_local/training-jobs/{job}/interruption", {})

    def throttle(self, share: float, seconds: float) -> None:
        """Let InvokeEndpoint answer ThrottlingException to a share of its calls, from 0 to 1, for a while."""
        self._put("/_local/throttling", {"share": share, "seconds": seconds})

    def processes(self) -> dict[str, list[int]]:
        """Return the numbers of the processes that live, by the name of their function or endpoint."""
        found: dict[str, list[int]] = self._ask("GET", "/_local/processes", None)
        return found

    def _put(self, path: str, body: Mapping[str, object]) -> None:
        self._ask("PUT", path, body)

    def _ask(self, method: str, path: str, body: Mapping[str, object] | None) -> Any:
        url = self.environment["AWS_ENDPOINT_URL"] + path
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(url, data, method=method)  # noqa: S310
        with urllib.request.urlopen(request, timeout=START_SECONDS) as answer:  # noqa: S310 - our own loopback address
            return json.loads(answer.read() or b"null")


class Starting:
    """A stack's process that may not answer yet."""

    def __init__(self, process: "subprocess.Popen[bytes]", logs: Path) -> None:
        self._process = process
        self._logs = logs
        self._running: Running | None = None

    def ready(self) -> Running:
        """Wait until the stack answers."""
        if self._running is None:
            assert self._process.stdout is not None
            line = self._process.stdout.readline()
            if not line:
                raise StackNotStarted(f"The local stack didn't start; {self._logs / LOG} says why.")
            self._running = Running(json.loads(line), self._process.pid, self._logs)
        return self._running

    def stop(self) -> None:
        """End the process and all that it started."""
        assert self._process.stdin is not None
        if self._running is None:
            self._process.terminate()
        self._process.stdin.close()
        self._process.wait()


@contextmanager
def starting(options: Options) -> Iterator[Starting]:
    """Start a stack in a process of its own; it ends with the block, or with this process however that ends."""
    logs = Path(options.logs)
    logs.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "local.server", json.dumps(asdict(options))]
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
def running(options: Options) -> Iterator[Running]:
    """Start a stack as `starting` does, and wait until it answers."""
    with starting(options) as started:
        yield started.ready()


def serve(options: Options, console: Console) -> None:
    """Run a stack until Ctrl-C or SIGTERM, and print the variables to export."""
    from local import sam  # its reader of templates takes half a second to import

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sam.address_to_bind(options.container_address)
    with running(options) as stack:
        for name, value in stack.environment.items():
            console.print(f"export {name}={value}", highlight=False, soft_wrap=True)
        os.environ.update(stack.environment)
        sam.upload_samples()
        if options.container_address:
            path = sam.write_environment(stack, options)
            console.print(f"# sam local invoke --env-vars {path}", highlight=False, soft_wrap=True)
        console.print(f"# Logs: {options.logs}. Stop with Ctrl-C.", highlight=False)
        with suppress(KeyboardInterrupt):
            threading.Event().wait()
    console.print("# Stopped.")

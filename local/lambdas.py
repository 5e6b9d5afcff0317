"""Lambda on this machine: the Runtime API on loopback, and a real awslambdaric process for each concurrency slot.

The Runtime API is documented at https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html.
"""

import json
import os
import queue
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from local.template import FunctionSpec, function_arn

INIT_SECONDS = 10.0
UNHANDLED = "Unhandled"
# Variables that Lambda's own environment has; the rest of a worker's comes from the template.
# AWS_SAM_LOCAL is how an emulator says that there is no X-Ray daemon beside it.
RUNTIME_VARIABLES = {"LANG": "en_US.UTF-8", "TZ": ":UTC", "AWS_SAM_LOCAL": "true", "PYTHONDONTWRITEBYTECODE": "1"}


@dataclass(frozen=True)
class Invocation:
    """One call of a function: its request id, payload, and deadline in milliseconds since the epoch."""

    request_id: str
    payload: bytes
    deadline_ms: int


@dataclass(frozen=True)
class Result:
    """What a function answered; `error` is Lambda's X-Amz-Function-Error, or None."""

    payload: bytes
    error: str | None = None


def failure(kind: str, message: str) -> Result:
    """Return the result that Lambda gives when the runtime itself fails."""
    return Result(json.dumps({"errorType": kind, "errorMessage": message}).encode(), UNHANDLED)


class RuntimeApi(ThreadingHTTPServer):
    """The Runtime API of one worker: hands it invocations, takes its answers."""

    daemon_threads = True

    def __init__(self, arn: str) -> None:
        super().__init__(("127.0.0.1", 0), RuntimeApiHandler)
        self.arn = arn
        self.ready = threading.Event()
        self.failed = False
        self.invocations: queue.SimpleQueue[Invocation] = queue.SimpleQueue()
        self.results: queue.SimpleQueue[Result] = queue.SimpleQueue()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a connection that a killed worker leaves: its end is known by its process."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class RuntimeApiHandler(BaseHTTPRequestHandler):
    """The four calls that a runtime makes."""

    server: RuntimeApi
    protocol_version = "HTTP/1.1"
    # Without these two an answer waits for the client's delayed acknowledgement: 88 ms a call were measured.
    disable_nagle_algorithm = True
    wbufsize = -1

    def do_GET(self) -> None:
        """`invocation/next`: wait for work."""
        self.server.ready.set()
        invocation = self.server.invocations.get()
        headers = {
            "Lambda-Runtime-Aws-Request-Id": invocation.request_id,
            "Lambda-Runtime-Deadline-Ms": str(invocation.deadline_ms),
            "Lambda-Runtime-Invoked-Function-Arn": self.server.arn,
            "Lambda-Runtime-Trace-Id": f"Root=1-{int(time.time()):08x}-{uuid.uuid4().hex[:24]};Sampled=0",
            "Content-Type": "application/json",
        }
        self._answer(200, invocation.payload, headers)

    def do_POST(self) -> None:
        """`invocation/<id>/response`, `invocation/<id>/error` or `init/error`: take the answer."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        # A runtime that could not load its handler ends; it must not be handed another invocation until then.
        self.server.failed |= self.path.endswith("/init/error")
        self.server.results.put(Result(body, None if self.path.endswith("/response") else UNHANDLED))
        self.server.ready.set()
        self._answer(202, b'{"status":"OK"}', {})

    def log_message(self, *_: object) -> None:
        """Say nothing: a worker's own output is the log."""

    def _answer(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()


class Worker:
    """One execution environment of a function: a process that runs one invocation at a time."""

    def __init__(self, spec: FunctionSpec, region: str, environment: Mapping[str, str], log: Path) -> None:
        self._spec = spec
        self._api = RuntimeApi(function_arn(spec.name, region))
        threading.Thread(target=self._api.serve_forever, daemon=True).start()
        address, port = self._api.server_address[:2]
        # The stack's own come last: the template leaves AWS_ENDPOINT_URL empty.
        variables = RUNTIME_VARIABLES | dict(spec.environment) | dict(environment)
        variables |= {
            "PATH": os.environ["PATH"],
            "AWS_LAMBDA_RUNTIME_API": f"{address!s}:{port}",
            "AWS_LAMBDA_FUNCTION_NAME": spec.name,
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(spec.memory),
            "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{spec.name}",
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "LAMBDA_TASK_ROOT": str(spec.code),
            "_HANDLER": spec.handler,
        }
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "awslambdaric", spec.handler],
                cwd=spec.code,
                env=variables,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        threading.Thread(target=self._watch, daemon=True).start()

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether the process can take another invocation."""
        return self._process.poll() is None and not self._api.failed

    def invoke(self, payload: bytes) -> Result:
        """Run one invocation; past the function's timeout the process is killed, as Lambda does."""
        request_id = str(uuid.uuid4())
        self._api.ready.wait(INIT_SECONDS)
        deadline_ms = int((time.time() + self._spec.timeout) * 1000)
        self._api.invocations.put(Invocation(request_id, payload, deadline_ms))
        try:
            return self._api.results.get(timeout=self._spec.timeout)
        except queue.Empty:
            self.stop()
            message = f"RequestId: {request_id} Error: Task timed out after {self._spec.timeout:.2f} seconds"
            return failure("Sandbox.Timedout", message)

    def stop(self) -> None:
        """End the process and its Runtime API."""
        self._process.kill()
        self._process.wait()

    def _watch(self) -> None:
        code = self._process.wait()
        self._api.ready.set()
        self._api.results.put(failure("Runtime.ExitError", f"Error: Runtime exited with code {code}"))
        self._api.shutdown()
        self._api.server_close()


class Function:
    """A function and its workers, of which at most `concurrency` run at once; further calls wait."""

    def __init__(
        self, spec: FunctionSpec, region: str, environment: Mapping[str, str], logs: Path, concurrency: int
    ) -> None:
        self.spec = spec
        self._region = region
        self._environment = environment
        self._log = logs / f"{spec.name}.log"
        self._slots = threading.BoundedSemaphore(concurrency)
        self._lock = threading.Lock()
        self._idle: list[Worker] = []
        self._busy: set[Worker] = set()
        self._stopped = False

    def invoke(self, payload: bytes) -> Result:
        """Run one invocation on the worker that was used last, or on a new one."""
        with self._slots:
            worker = self._take()
            try:
                return worker.invoke(payload)
            finally:
                with self._lock:
                    self._busy.discard(worker)
                    if worker.alive and not self._stopped:
                        self._idle.append(worker)

    def stop(self) -> None:
        """End all workers, also those at work."""
        with self._lock:
            self._stopped = True
            workers = [*self._idle, *self._busy]
            self._idle.clear()
        for worker in workers:
            worker.stop()

    def pids(self) -> list[int]:
        """Return the numbers of the processes that live."""
        with self._lock:
            return [worker.pid for worker in [*self._idle, *self._busy] if worker.alive]

    def _take(self) -> Worker:
        with self._lock:
            while self._idle:
                worker = self._idle.pop()
                if worker.alive:
                    break
            else:
                worker = Worker(self.spec, self._region, self._environment, self._log)
            self._busy.add(worker)
            return worker

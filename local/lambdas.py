"""Lambda on this machine: a process of the runtime for each concurrent invocation of a function."""

import importlib.util
import os
import queue
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path

from contracts.files import below
from local.runtime_api import Invocation, Result, RuntimeApi, failure
from local.sources import Sources
from local.template import FunctionSpec, function_arn

INIT_SECONDS = 10.0
# Variables of Lambda's own environment; the template has the others.
# AWS_SAM_LOCAL tells the libraries that no X-Ray daemon runs.
RUNTIME_VARIABLES = {"LANG": "en_US.UTF-8", "TZ": ":UTC", "AWS_SAM_LOCAL": "true", "PYTHONDONTWRITEBYTECODE": "1"}
# The commands that run a handler: AWS's own runtime client, which is built for Linux only, and ours.
AWSLAMBDARIC = (sys.executable, "-m", "awslambdaric")
PLAIN_RUNTIME = (sys.executable, "-u", "-m", "local.lambda_runtime")


def runtime() -> Sequence[str]:
    """Return the command that runs a handler here: AWS's own where it and its compiled part are installed."""
    installed = all(map(importlib.util.find_spec, ("awslambdaric", "runtime_client")))
    return AWSLAMBDARIC if installed else PLAIN_RUNTIME


class Worker:
    """One execution environment of a function: a process that runs one invocation at a time."""

    def __init__(
        self,
        spec: FunctionSpec,
        region: str,
        environment: Mapping[str, str],
        log: Path,
        command: Sequence[str] | None = None,
        version: int = 0,
    ) -> None:
        """`command` is that of a runtime, by default `runtime()`; the name of the handler is added to it.

        `version` is that of the code, which the process loads once.
        """
        self.version = version
        self._spec = spec
        self._api = RuntimeApi(function_arn(spec.name, region))
        threading.Thread(target=self._api.serve_forever, daemon=True).start()
        address, port = self._api.server_address[:2]
        # The stack's variables come last: the template leaves AWS_ENDPOINT_URL empty.
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
                [*(command or runtime()), spec.handler],
                cwd=spec.code,
                env=variables,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        threading.Thread(target=self._watch, daemon=True).start()

    @property
    def pid(self) -> int:
        """The id of the process."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether the process can take another invocation."""
        return self._process.poll() is None and not self._api.failed

    def invoke(self, payload: bytes) -> Result:
        """Run one invocation; as on Lambda, the process is killed at the function's timeout."""
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
    """A function and its workers, of which at most `concurrency` run at once; further calls wait.

    When its code has changed, new workers take the place of those that have loaded the old one.
    """

    def __init__(
        self,
        spec: FunctionSpec,
        region: str,
        environment: Mapping[str, str],
        logs: Path,
        concurrency: int,
        command: Sequence[str] | None = None,
    ) -> None:
        """`command` is that of a runtime, as a `Worker` takes it."""
        self.spec = spec
        self._command = command
        self._region = region
        self._environment = environment
        self._log = below(logs, f"{spec.name}.log")
        self._sources = Sources(spec.code)
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

    def configuration(self) -> dict[str, object]:
        """Return what GetFunctionConfiguration answers of it."""
        return {
            "FunctionName": self.spec.name,
            "FunctionArn": function_arn(self.spec.name, self._region),
            "Handler": self.spec.handler,
            "MemorySize": self.spec.memory,
            "Timeout": int(self.spec.timeout),
            "Architectures": [self.spec.architecture],
            "Version": "$LATEST",
        }

    def stop(self) -> None:
        """End all workers, also those that run an invocation."""
        with self._lock:
            self._stopped = True
            workers = [*self._idle, *self._busy]
            self._idle.clear()
        for worker in workers:
            worker.stop()

    def pids(self) -> list[int]:
        """Return the ids of the running processes."""
        with self._lock:
            return [worker.pid for worker in [*self._idle, *self._busy] if worker.alive]

    def _take(self) -> Worker:
        version = self._sources.version()
        with self._lock:
            while self._idle:
                worker = self._idle.pop()
                if worker.alive and worker.version == version:
                    break
                worker.stop()
            else:
                worker = Worker(self.spec, self._region, self._environment, self._log, self._command, version)
            self._busy.add(worker)
            return worker

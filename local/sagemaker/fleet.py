"""The fleet behind a SageMaker endpoint, as one process that follows the serving container contract.

The contract: https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html.
"""

import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from contracts.addresses import S3Address
from local.sagemaker import container
from local.sagemaker.capture import Capture
from local.sagemaker.container_client import (
    INVOCATION_SECONDS,
    LOOPBACK,
    Answer,
    ContainerClient,
    Unavailable,
    reserve_port,
)
from local.sagemaker.records import SERVED

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

START_SECONDS = 60.0
PING_INTERVAL_SECONDS = 0.05
RESTART_SECONDS = 0.5


class Fleet:
    """Serves one endpoint configuration by one process; a process that dies is started again."""

    def __init__(
        self,
        name: str,
        config: dict[str, Any],
        model: dict[str, Any],
        algorithms: Path,
        work: Path,
        log: Path,
        s3: "S3Client",
    ) -> None:
        """Start the container; `wait` returns once it answers `/ping`."""
        variant = config["ProductionVariants"][0]
        image = model[SERVED]
        self._name = name
        self.variant: str = variant["VariantName"]
        self._program = container.program_of(image["Image"], algorithms)
        self._environment: Mapping[str, str] = image.get("Environment", {})
        self._model_uri: str | None = image.get("ModelDataUrl")
        self._folder = tempfile.TemporaryDirectory(dir=work, prefix="endpoint-")
        self._log = log
        self._s3 = s3
        self.capture = Capture(name, self.variant, config.get("DataCaptureConfig"), s3)
        self.failure: str | None = None
        self._ready = threading.Event()
        self._decided = threading.Event()
        self._stopping = threading.Event()
        self._in_flight = 0
        self._idle = threading.Condition()
        self._process: subprocess.Popen[bytes] | None = None
        self._reserved = reserve_port()
        self._port = int(self._reserved.getsockname()[1])
        self._client = ContainerClient(name, self._port)
        self._thread = threading.Thread(target=self._keep_running, daemon=True)
        self._thread.start()

    def wait(self) -> str | None:
        """Wait until the container answers `/ping`; return the reason where it never will, else None."""
        self._decided.wait()
        return self.failure

    @property
    def pid(self) -> int | None:
        """The id of the container's process, None where none runs."""
        return self._process.pid if self._process and self._process.poll() is None else None

    def enter(self) -> None:
        """Count a request that will be sent to this fleet."""
        with self._idle:
            self._in_flight += 1

    def leave(self) -> None:
        """Count a request that was answered."""
        with self._idle:
            self._in_flight -= 1
            self._idle.notify_all()

    def invoke(self, body: bytes, headers: Mapping[str, str], inference_id: str | None) -> Answer:
        """Send a request to the container and capture it with its answer; raise Unavailable if none runs."""
        if not self._ready.is_set():
            raise Unavailable(f"{self._name} has no running container.")
        answer = self._client.invoke(body, headers)
        if answer.status == 200:
            self.capture.add(body, headers.get("Content-Type", ""), answer.body, answer.content_type, inference_id)
        return answer

    def retire(self) -> None:
        """Stop once every request has its answer; no new ones may come."""
        with self._idle:
            self._idle.wait_for(lambda: not self._in_flight, INVOCATION_SECONDS)
        self.stop()

    def stop(self) -> None:
        """End the container and write what was captured."""
        self._stopping.set()
        self._decided.set()
        if self._process:
            container.end(self._process)
        self._thread.join()
        self._client.close()
        self._reserved.close()
        self.capture.close()
        self._folder.cleanup()

    def _keep_running(self) -> None:
        base = Path(self._folder.name)
        try:
            self._fetch_model(base)
        except Exception as error:  # noqa: BLE001 - whatever goes wrong fails the endpoint, which reports it
            self._fail(f"The model can't be fetched: {error}")
            return
        while not self._stopping.is_set():
            self._process = process = self._start(base)
            if self._passes_ping(process):
                self._ready.set()
                self._decided.set()
                process.wait()
                self._ready.clear()
                self._client.close()
            elif not self._decided.is_set():
                container.end(process)
                variant = f"The container for production variant {self.variant}"
                self._fail(f"{variant} did not pass the ping health check; {self._log} has its output.")
                return
            else:
                container.end(process)
                self._stopping.wait(RESTART_SECONDS)

    def _fetch_model(self, base: Path) -> None:
        (base / "model").mkdir()
        if self._model_uri:
            address = S3Address.parse(self._model_uri)
            archive = base / "model.tar.gz"
            archive.write_bytes(self._s3.get_object(Bucket=address.bucket, Key=address.key)["Body"].read())
            container.unpack(archive, base / "model")

    def _start(self, base: Path) -> "subprocess.Popen[bytes]":
        extra = dict(self._environment) | {
            "SAGEMAKER_BIND_TO_PORT": str(self._port),
            "SAGEMAKER_BIND_TO_ADDRESS": LOOPBACK,
        }
        with self._log.open("ab") as output:
            return container.start(self._program / "serve.py", base, extra, output)

    def _passes_ping(self, process: "subprocess.Popen[bytes]") -> bool:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and process.poll() is None and not self._stopping.is_set():
            if self._client.answers_ping():
                return True
            time.sleep(PING_INTERVAL_SECONDS)
        return False

    def _fail(self, reason: str) -> None:
        self.failure = reason
        self._decided.set()

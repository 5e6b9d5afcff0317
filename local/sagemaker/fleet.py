"""The fleet behind a SageMaker endpoint, as one process that keeps the serving container contract.

The contract: https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html.
"""

import http.client
import queue
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from contracts.addresses import S3Address
from local.sagemaker import container
from local.sagemaker.capture import Capture

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

START_SECONDS = 60.0
PING_SECONDS = 2.0
RESTART_SECONDS = 0.5
INVOCATION_SECONDS = 60.0


@dataclass(frozen=True)
class Answer:
    """What the container answered; `status` 0 means that it didn't within its 60 seconds."""

    status: int
    content_type: str
    body: bytes
    custom_attributes: str | None = None


class Unavailable(Exception):
    """The endpoint has no container that can be asked at the moment."""


class Fleet:
    """What serves one endpoint configuration: one process; a process that dies is started again."""

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
        """Start the container; `wait` tells when it answers `/ping`."""
        variant = config["ProductionVariants"][0]
        image = model["PrimaryContainer"]
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
        self._connections: queue.LifoQueue[http.client.HTTPConnection] = queue.LifoQueue()
        self._thread = threading.Thread(target=self._keep_running, daemon=True)
        self._thread.start()

    def wait(self) -> str | None:
        """Wait until the container answers `/ping` or never will; return why it won't."""
        self._decided.wait()
        return self.failure

    @property
    def pid(self) -> int | None:
        """The number of the process that leads the container, if one lives."""
        return self._process.pid if self._process and self._process.poll() is None else None

    def enter(self) -> None:
        """Count a request that will be sent here."""
        with self._idle:
            self._in_flight += 1

    def leave(self) -> None:
        """Count a request that was answered."""
        with self._idle:
            self._in_flight -= 1
            self._idle.notify_all()

    def invoke(self, body: bytes, headers: Mapping[str, str], inference_id: str | None) -> Answer:
        """Send a request to the container and capture it with its answer; raise Unavailable if there is none to ask."""
        if not self._ready.is_set():
            raise Unavailable(f"{self._name} has no running container.")
        answer = self._send(body, headers)
        if answer.status == 200:
            self.capture.add(body, headers.get("Content-Type", ""), answer.body, answer.content_type, inference_id)
        return answer

    def retire(self) -> None:
        """Stop once the requests that are being answered have their answers; no new ones may come."""
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
        self._drop_connections()
        self._reserved.close()
        self.capture.close()
        self._folder.cleanup()

    def _connect(self) -> http.client.HTTPConnection:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=INVOCATION_SECONDS)
        try:
            connection.connect()
        except OSError as error:
            raise Unavailable(f"{self._name} lost its container: {error}") from error
        connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def _send(self, body: bytes, headers: Mapping[str, str]) -> Answer:
        try:
            connection = self._connections.get_nowait()
        except queue.Empty:
            connection = self._connect()
        try:
            connection.request("POST", "/invocations", body, dict(headers))
            response = connection.getresponse()
            answer = Answer(
                response.status,
                response.getheader("Content-Type", "application/octet-stream"),
                response.read(),
                response.getheader("X-Amzn-SageMaker-Custom-Attributes"),
            )
        except TimeoutError:
            connection.close()
            return Answer(
                0, "text/plain", b"Your invocation timed out while waiting for a response from the container."
            )
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise Unavailable(f"{self._name} lost its container: {error}") from error
        self._connections.put(connection)
        return answer

    def _keep_running(self) -> None:
        base = Path(self._folder.name)
        try:
            self._fetch_model(base)
        except Exception as error:  # noqa: BLE001 - whatever it is, the endpoint fails and says so
            self._fail(f"The model can't be fetched: {error}")
            return
        while not self._stopping.is_set():
            self._process = process = self._start(base)
            if self._passes_ping(process):
                self._ready.set()
                self._decided.set()
                process.wait()
                self._ready.clear()
                self._drop_connections()
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
            "SAGEMAKER_BIND_TO_ADDRESS": "127.0.0.1",
        }
        with self._log.open("ab") as output:
            return container.start(self._program / "serve.py", base, extra, output)

    def _passes_ping(self, process: "subprocess.Popen[bytes]") -> bool:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and process.poll() is None and not self._stopping.is_set():
            connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=PING_SECONDS)
            try:
                connection.request("GET", "/ping")
                if connection.getresponse().status == 200:
                    return True
            except (OSError, http.client.HTTPException):
                pass  # it isn't listening yet
            finally:
                connection.close()
            time.sleep(0.05)
        return False

    def _drop_connections(self) -> None:
        while not self._connections.empty():
            self._connections.get_nowait().close()

    def _fail(self, reason: str) -> None:
        self.failure = reason
        self._decided.set()


def reserve_port() -> socket.socket:
    """Return a socket that keeps its loopback port from everyone but a server that sets SO_REUSEADDR, as servers do.

    Were it closed before the server binds the port, the system could give the port to another program meanwhile.
    """
    reserved = socket.socket()
    reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    reserved.bind(("127.0.0.1", 0))
    return reserved

"""The serving container of a model, as a process that follows SageMaker's contract.

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
from local.sagemaker.container_client import LOOPBACK, Answer, ContainerClient, let_bind, reserve_port

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

START_SECONDS = 60.0
PING_INTERVAL_SECONDS = 0.05


class ServedContainer:
    """One container of an endpoint; it can be started again after it has ended, on the same port."""

    def __init__(
        self, endpoint: str, image: Mapping[str, Any], algorithms: Path, work: Path, log: Path, s3: "S3Client"
    ) -> None:
        """`image` is the definition of the model's container; raise ProgramNotFound where nothing here can run it."""
        self._program = container.program_of(image["Image"], algorithms)
        self._environment: Mapping[str, str] = image.get("Environment", {})
        self._model_uri: str | None = image.get("ModelDataUrl")
        self._folder = tempfile.TemporaryDirectory(dir=work, prefix="endpoint-")
        self._base = Path(self._folder.name)
        self.log = log
        self._s3 = s3
        self._process: subprocess.Popen[bytes] | None = None
        self._reserved = reserve_port()
        self._port = int(self._reserved.getsockname()[1])
        self._client = ContainerClient(endpoint, self._port)

    @property
    def pid(self) -> int | None:
        """The id of the process, None where none runs."""
        return self._process.pid if self._process and self._process.poll() is None else None

    def fetch_model(self) -> None:
        """Download and unpack the model; raise ClientError or BadModelArchive where that fails."""
        (self._base / "model").mkdir()
        if self._model_uri:
            address = S3Address.parse(self._model_uri)
            archive = self._base / "model.tar.gz"
            archive.write_bytes(self._s3.get_object(Bucket=address.bucket, Key=address.key)["Body"].read())
            container.unpack(archive, self._base / "model")

    def start(self, stopping: threading.Event) -> bool:
        """Start the process, and wait until it answers `/ping`; return whether it does before `stopping` is set."""
        extra = dict(self._environment) | {
            "SAGEMAKER_BIND_TO_PORT": str(self._port),
            "SAGEMAKER_BIND_TO_ADDRESS": LOOPBACK,
        }
        let_bind(self._reserved)
        with self.log.open("ab") as output:
            self._process = process = container.start(self._program / "serve.py", self._base, extra, output)
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and process.poll() is None and not stopping.is_set():
            if self._client.answers_ping():
                return True
            time.sleep(PING_INTERVAL_SECONDS)
        return False

    def ended(self, seconds: float | None = None) -> bool:
        """Wait until the process has ended, for some seconds at most; return whether it has."""
        if self._process:
            try:
                self._process.wait(seconds)
            except subprocess.TimeoutExpired:
                return False
        return True

    def invoke(self, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Post to `/invocations`; raise Unavailable if the process is gone."""
        return self._client.invoke(body, headers)

    def end(self) -> None:
        """End the process, and close the connections to it."""
        if self._process:
            container.end(self._process)
        self._client.close()

    def close(self) -> None:
        """Remove what is left of a container whose process has ended."""
        self._client.close()
        self._reserved.close()
        self._folder.cleanup()

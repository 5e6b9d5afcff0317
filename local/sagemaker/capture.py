"""Data capture of an endpoint: JSON Lines under `<prefix>/<endpoint>/<variant>/yyyy/mm/dd/hh/`."""

import logging
import random
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from contracts.addresses import S3Address
from contracts.captured import Body, capture_file, captured_line

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# The report waits for them.
FLUSH_SECONDS = 0.3
FLUSH_BYTES = 4 * 1024 * 1024

logger = logging.getLogger(__name__)


class Capture:
    """Collects the records of a variant and writes a file every FLUSH_SECONDS."""

    def __init__(self, endpoint: str, variant: str, config: dict[str, Any] | None, s3: "S3Client") -> None:
        self._config = config if config and config.get("EnableCapture") else None
        self._endpoint = endpoint
        self._variant = variant
        self._s3 = s3
        self._lines: list[str] = []
        self._bytes = 0
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._flush_regularly, daemon=True)
        if self._config:
            headers = self._config.get("CaptureContentTypeHeader", {})
            self._json = {*headers.get("JsonContentTypes", [])}
            self._csv = {*headers.get("CsvContentTypes", [])}
            self._modes = {option["CaptureMode"] for option in self._config["CaptureOptions"]}
            self._thread.start()

    def add(self, body: bytes, content_type: str, output: bytes, output_type: str, inference_id: str | None) -> None:
        """Keep one request and its answer, if it is sampled."""
        if self._config is None or random.uniform(0, 100) >= self._config["InitialSamplingPercentage"]:  # noqa: S311
            return
        line = captured_line(
            self._body(body, content_type) if self._modes & {"Input", "InputAndOutput"} else None,
            self._body(output, output_type) if self._modes & {"Output", "InputAndOutput"} else None,
            inference_id,
            datetime.now(UTC),
        )
        with self._lock:
            self._lines.append(line)
            self._bytes += len(line)
            full = self._bytes > FLUSH_BYTES
        if full:
            self._flush()

    def close(self) -> None:
        """Write the records that are left and stop."""
        self._closing.set()
        if self._config:
            self._thread.join()

    def _body(self, content: bytes, content_type: str) -> Body:
        if content_type in self._json:
            return Body(content, content_type, "JSON")
        return Body(content, content_type, "CSV" if content_type in self._csv else "BASE64")

    def _flush_regularly(self) -> None:
        while not self._closing.wait(FLUSH_SECONDS):
            self._flush()
        self._flush()

    def _flush(self) -> None:
        with self._lock:
            lines, self._lines, self._bytes = self._lines, [], 0
        if not lines or self._config is None:
            return
        address = S3Address.parse(self._config["DestinationS3Uri"])
        file = capture_file(self._endpoint, self._variant, datetime.now(UTC))
        key = "/".join(part for part in (address.key.strip("/"), file) if part)
        try:
            self._s3.put_object(Bucket=address.bucket, Key=key, Body="".join(lines).encode())
        except (BotoCoreError, ClientError) as error:
            logger.warning("%d captured records can't be written yet: %s", len(lines), error)
            with self._lock:
                self._lines = lines + self._lines

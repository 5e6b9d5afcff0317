"""Data capture as SageMaker writes it: JSON Lines under `<prefix>/<endpoint>/<variant>/yyyy/mm/dd/hh/`.

Key and record format follow files of real endpoints, described at
https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-data-capture-endpoint.html.
"""

import base64
import json
import logging
import random
import threading
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from contracts.addresses import S3Address

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

FLUSH_SECONDS = 1.0
FLUSH_BYTES = 4 * 1024 * 1024

logger = logging.getLogger(__name__)


class Capture:
    """Collects the records of a variant and writes one file per second."""

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
        metadata = {"eventId": str(uuid.uuid4()), "inferenceTime": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"}
        if inference_id:
            metadata["inferenceId"] = inference_id
        data = {}
        if self._modes & {"Input", "InputAndOutput"}:
            data["endpointInput"] = self._side("INPUT", body, content_type)
        if self._modes & {"Output", "InputAndOutput"}:
            data["endpointOutput"] = self._side("OUTPUT", output, output_type)
        line = json.dumps({"captureData": data, "eventMetadata": metadata, "eventVersion": "0"}, separators=(",", ":"))
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

    def _side(self, mode: str, body: bytes, content_type: str) -> dict[str, str]:
        encoding, data = "BASE64", ""
        if content_type in self._json | self._csv:
            encoding, data = ("JSON" if content_type in self._json else "CSV"), body.decode(errors="replace")
        else:
            data = base64.b64encode(body).decode("ascii")
        return {"observedContentType": content_type, "mode": mode, "data": data, "encoding": encoding}

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
        now = datetime.now(UTC)
        folder = "/".join(part for part in (address.key.strip("/"), self._endpoint, self._variant) if part)
        key = f"{folder}/{now:%Y/%m/%d/%H}/{now:%M-%S}-{now.microsecond // 1000:03d}-{uuid.uuid4()}.jsonl"
        try:
            self._s3.put_object(Bucket=address.bucket, Key=key, Body="".join(line + "\n" for line in lines).encode())
        except (BotoCoreError, ClientError) as error:
            logger.warning("%d captured records can't be written yet: %s", len(lines), error)
            with self._lock:
                self._lines = lines + self._lines

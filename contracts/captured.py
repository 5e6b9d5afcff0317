"""A captured request with its answer: the line that data capture writes, and the key of its file.

Both are as SageMaker writes them, so that whoever captures, an endpoint or Classify, the same readers understand it:
https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-data-capture-endpoint.html
"""

import base64
import json
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Encoding = Literal["BASE64", "CSV", "JSON"]
SUFFIX = ".jsonl"


@dataclass(frozen=True, slots=True)
class Body:
    """The body of a request or of an answer; `encoding` is how the line has it."""

    content: bytes
    content_type: str
    encoding: Encoding = "BASE64"

    def text(self) -> str:
        """Return the content as the line has it; what isn't UTF-8 in an encoding of text is replaced."""
        if self.encoding == "BASE64":
            return base64.b64encode(self.content).decode("ascii")
        return self.content.decode(errors="replace")


def captured_line(request: Body | None, answer: Body | None, inference_id: str | None, time: datetime) -> str:
    """Return one invocation as a line with its end; `time` is when it was answered, UTC.

    What isn't captured, the request or the answer, is None, and so is the inference id where the caller sent none.
    """
    sides = {"endpointInput": ("INPUT", request), "endpointOutput": ("OUTPUT", answer)}
    data = {
        name: {
            "observedContentType": body.content_type,
            "mode": mode,
            "data": body.text(),
            "encoding": body.encoding,
        }
        for name, (mode, body) in sides.items()
        if body is not None
    }
    metadata = {"eventId": str(uuid.uuid4())} | ({"inferenceId": inference_id} if inference_id else {})
    metadata["inferenceTime"] = f"{time:%Y-%m-%dT%H:%M:%SZ}"
    record = {"captureData": data, "eventMetadata": metadata, "eventVersion": "0"}
    return json.dumps(record, separators=(",", ":")) + "\n"


def capture_file(endpoint: str, variant: str, time: datetime) -> str:
    """Return the key of a new file below the prefix of captured data; `time` is that of its first record, UTC."""
    milliseconds = time.microsecond // 1000
    return f"{endpoint}/{variant}/{time:%Y/%m/%d/%H/%M-%S}-{milliseconds:03d}-{uuid.uuid4()}{SUFFIX}"

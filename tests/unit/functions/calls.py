"""What the tests of the handlers share: a call and its traces, and an endpoint that answers Classify."""

import base64
import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from botocore.response import StreamingBody
from botocore.stub import Stubber

from functions.classify import app as classify

SERIALIZED = {"s3_key": "k.png", "image_data": base64.b64encode(b"an image").decode()}
DESCRIBED = {
    "probabilities": [0.25, 0.75],
    "labels": ["cat", "dog"],
    "release": "3fa4c0d1e2b7",
    "threshold": 0.7,
    "familiarity": 0.41,
    "familiarity_limit": 0.05,
}


@dataclass(frozen=True)
class Context:
    """What Lambda tells a handler of a call, as far as our decorators read it."""

    aws_request_id: str = "request-1"
    function_name: str = "function"
    memory_limit_in_mb: int = 512
    invoked_function_arn: str = "arn:aws:lambda:us-east-1:123456789012:function:function"


@dataclass
class Call:
    """What a handler returned or raised, its metrics as name -> (value, unit), and its log lines."""

    answer: Any
    metrics: dict[str, tuple[float, str]]
    logs: list[dict[str, Any]]


Caller = Callable[[ModuleType, object], Call]


@contextmanager
def answering(answer: bytes) -> Iterator[None]:
    """Let the endpoint give this answer to the one request that Classify sends."""
    with Stubber(classify.RUNTIME) as stub:
        response = {"Body": StreamingBody(io.BytesIO(answer), len(answer)), "InvokedProductionVariant": "Green"}
        asked = {
            "EndpointName": classify.ENDPOINT_NAME,
            "ContentType": "application/x-image",
            "InferenceId": "request-1",
            "Body": b"an image",
        }
        stub.add_response("invoke_endpoint", response, asked)
        yield
        stub.assert_no_pending_responses()

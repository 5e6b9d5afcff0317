"""Answers in the form of AWS's JSON protocols."""

import json
import uuid
from collections.abc import Mapping
from typing import Any

from werkzeug.wrappers import Response

JSON_1_0 = "application/x-amz-json-1.0"
JSON_1_1 = "application/x-amz-json-1.1"


def json_response(answer: object, content_type: str = JSON_1_1) -> Response:
    """Return a successful answer."""
    return Response(json.dumps(answer), 200, content_type=content_type)


def error_response(status: int, code: str, message: str, details: Mapping[str, Any] | None = None) -> Response:
    """Return an error as every SDK reads it."""
    body = {"__type": code, "Message": message, "message": message} | dict(details or {})
    headers = {"X-Amzn-ErrorType": code, "X-Amzn-RequestId": str(uuid.uuid4())}
    return Response(json.dumps(body), status, headers, content_type="application/json")

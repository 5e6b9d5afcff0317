"""What a handler gets as its second argument: https://docs.aws.amazon.com/lambda/latest/dg/python-context.html."""

import json
import os
import sys
import time
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

from local.lambda_runtime.errors import Fault

CLIENT_FIELDS = ("installation_id", "app_title", "app_version_name", "app_version_code", "app_package_name")


class Context:
    """An invocation and its function, by the names that AWS documents."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        """Read the headers of an invocation; raise Fault where one that should be JSON isn't."""
        self.aws_request_id = headers["Lambda-Runtime-Aws-Request-Id"]
        self.invoked_function_arn = headers.get("Lambda-Runtime-Invoked-Function-Arn")
        self.function_name = os.environ.get("AWS_LAMBDA_FUNCTION_NAME")
        self.function_version = os.environ.get("AWS_LAMBDA_FUNCTION_VERSION")
        self.memory_limit_in_mb = os.environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")
        self.log_group_name = os.environ.get("AWS_LAMBDA_LOG_GROUP_NAME")
        self.log_stream_name = os.environ.get("AWS_LAMBDA_LOG_STREAM_NAME")
        self.client_context = _client_context(_read(headers, "Client Context"))
        identity = _read(headers, "Cognito Identity") or {}
        self.identity = SimpleNamespace(
            cognito_identity_id=identity.get("cognitoIdentityId"),
            cognito_identity_pool_id=identity.get("cognitoIdentityPoolId"),
        )
        self._deadline_ms = int(headers["Lambda-Runtime-Deadline-Ms"])

    def get_remaining_time_in_millis(self) -> int:
        """Return how many milliseconds are left until the function times out."""
        return max(0, self._deadline_ms - int(time.time() * 1000))

    def log(self, message: object) -> None:
        """Write to the function's log, as it is."""
        sys.stdout.write(str(message))


def _read(headers: Mapping[str, str], name: str) -> Any:
    """Return the JSON of a header, None where it isn't there."""
    text = headers.get(f"Lambda-Runtime-{name.replace(' ', '-')}")
    try:
        return json.loads(text) if text else None
    except ValueError as error:
        raise Fault("LambdaContextUnmarshalError", f"Unable to parse {name} JSON: {error}") from error


def _client_context(sent: Mapping[str, Any] | None) -> SimpleNamespace | None:
    if sent is None:
        return None
    client = sent.get("client")
    known = None if client is None else SimpleNamespace(**{field: client.get(field) for field in CLIENT_FIELDS})
    return SimpleNamespace(custom=sent.get("custom"), env=sent.get("env"), client=known)

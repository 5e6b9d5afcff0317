"""What every error that a user is told about has in common, and how what is below it is said in words."""

import json
from collections.abc import Mapping
from typing import Any


class WorkflowError(Exception):
    """Base of every error that is raised on purpose; its message is one sentence for the user, shown on one line."""


def in_words(error: Exception) -> str:
    """Say why a content isn't the record that it should be, without the names of Python's errors."""
    match error:
        case json.JSONDecodeError():
            return f"it is not JSON: {error}"
        case UnicodeDecodeError():
            return "it is not UTF-8 text"
        case KeyError():
            return f"it has no {error.args[0]}"
        case TypeError() | AttributeError():
            return f"a part has another type: {error}"
    return str(error)


def refusal(response: Mapping[str, Any]) -> str:
    """Say what AWS answered, of the response that botocore's ClientError has: the message and the code."""
    error = response["Error"]
    return f"{str(error.get('Message') or 'AWS gives no reason').rstrip('.')} ({error['Code']})"

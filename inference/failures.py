"""Why executions failed, in a line."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from contracts.outcomes import Outcome
from inference.errors import InferenceError
from inference.executions import EXECUTIONS_FILE, Execution

LONGEST_MESSAGE = 300
SHOWN_ERRORS = 3


class ExecutionsFailed(InferenceError):
    """Executions failed, for which the system is at fault and not the images."""


@dataclass(frozen=True)
class Failure:
    """An error by which `count` executions failed, with the message of the first of them."""

    error: str
    message: str
    count: int

    def __str__(self) -> str:
        """Count, error and message."""
        return f"{self.count:,} {self.error}" + (f" ({self.message})" if self.message else "")


def failures_of(executions: Iterable[Execution]) -> list[Failure]:
    """Return the errors of the executions that failed, the most frequent first."""
    failed = [one for one in executions if one.outcome == Outcome.FAILED]
    first: dict[str, str] = {}
    for one in failed:
        first.setdefault(one.error or "", message_of(one.cause))
    counts = Counter(one.error or "" for one in failed)
    return [Failure(error or "unknown", first[error], count) for error, count in counts.most_common()]


def message_of(cause: str | None) -> str:
    """Return the message in an execution's cause as one line, of at most LONGEST_MESSAGE characters.

    The cause of a function's error is JSON, with a stack trace beside the message:
    https://docs.aws.amazon.com/lambda/latest/dg/python-exceptions.html
    """
    text = cause or ""
    # Otherwise it is a message already.
    with suppress(ValueError, KeyError, TypeError):
        text = str(json.loads(text)["errorMessage"])
    line = " ".join(text.split())
    return line if len(line) <= LONGEST_MESSAGE else f"{line[:LONGEST_MESSAGE]}…"


def require_success(executions: Sequence[Execution]) -> None:
    """Raise ExecutionsFailed where executions failed; the message says of what, and what to do."""
    failures = failures_of(executions)
    if not failures:
        return
    failed = sum(one.count for one in failures)
    said = "; ".join(map(str, failures[:SHOWN_ERRORS])).rstrip(".")
    more = f"; and {len(failures) - SHOWN_ERRORS} other errors" if len(failures) > SHOWN_ERRORS else ""
    raise ExecutionsFailed(
        f"{failed} of {len(executions)} executions failed: {said}{more}. {EXECUTIONS_FILE} has each cause; once it is "
        "repaired, `workflow run --resume` runs them again."
    )

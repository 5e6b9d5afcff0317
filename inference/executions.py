"""What came of each execution: the records of `executions.jsonl`."""

import dataclasses
import json
import math
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from contracts.errors import in_words
from contracts.files import write_whole
from contracts.outcomes import Outcome
from inference.errors import InferenceError

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

EXECUTIONS_FILE = "executions.jsonl"
# Step Functions' answers are eventually consistent: a new execution may be unknown for a moment.
UNKNOWN_FOR = 10.0
UNKNOWN_POLL = 0.05
Answer = TypeVar("Answer")


class ExecutionsError(InferenceError):
    """The executions' file is missing or malformed."""


def once_known(states: "SFNClient", ask: Callable[[], Answer]) -> Answer:
    """Ask about an execution that may have been started a moment ago.

    Raises the client's ExecutionDoesNotExist where it is still unknown after UNKNOWN_FOR seconds.
    """
    deadline = time.monotonic() + UNKNOWN_FOR
    while True:
        try:
            return ask()
        except states.exceptions.ExecutionDoesNotExist:
            if time.monotonic() >= deadline:
                raise
            time.sleep(UNKNOWN_POLL)


@dataclass(frozen=True, slots=True)
class Execution:
    """One execution of the state machine, one line of `executions.jsonl`.

    `case` and `truth` come from the case, the rest from the execution: what it was given, how it ended, what the model
    said (None where it was not asked), when it started (ISO 8601, UTC) and how many seconds it ran (None where
    only data capture tells of it). `threshold` is what decided; None where the model's release accepts nothing.
    `review_reason` is there where a person should look, `release` and what it knows where the model describes itself.
    """

    case: str
    input: dict[str, Any]
    truth: str | None
    outcome: Outcome
    error: str | None
    cause: str | None
    label: str | None
    confidence: float | None
    inferences: list[float] | None
    inference_id: str | None
    endpoint: str | None
    variant: str | None
    threshold: float | None
    execution_arn: str | None
    started: str
    seconds: float | None
    labels: list[str] | None = None
    release: str | None = None
    familiarity: float | None = None
    familiarity_limit: float | None = None
    review_reason: str | None = None

    def to_line(self) -> str:
        """One line of JSON with its line end."""
        return json.dumps(dataclasses.asdict(self), allow_nan=False) + "\n"


def read_executions(path: Path, *, torn_end: bool = False) -> list[Execution]:
    """Every execution in *path*, in the file's order.

    With *torn_end*, a last line without its line end, as a killed run leaves it, is left out.
    Raises ExecutionsError with the file and line that is malformed, or where the file is missing.
    """
    try:
        text = path.read_text()
    except FileNotFoundError as error:
        raise ExecutionsError(f"{path} does not exist; make it with `workflow run`.") from error
    except UnicodeDecodeError as error:
        raise ExecutionsError(
            f"{path} does not hold executions ({in_words(error)}); run `workflow run` again."
        ) from error
    lines = text.splitlines()
    if torn_end and text and not text.endswith("\n"):
        lines.pop()
    return [_parse(line, f"{path}, line {number}") for number, line in enumerate(lines, 1)]


def write_executions(path: Path, executions: Iterable[Execution]) -> Path:
    """Write *executions* to *path*, whole or not at all."""
    return write_whole(path, "".join(execution.to_line() for execution in executions))


def reached_endpoint(executions: Iterable[Execution]) -> Iterator[Execution]:
    """Those of *executions* that the model answered, so that data capture should hold them."""
    return (execution for execution in executions if execution.inference_id is not None)


def _parse(line: str, where: str) -> Execution:
    try:
        row = json.loads(line)
        execution = Execution(**row | {"outcome": Outcome(row["outcome"])})
    except (ValueError, TypeError, KeyError) as error:
        raise ExecutionsError(f"{where} is not an execution's record: {in_words(error)}.") from error
    if execution.confidence is not None and not math.isfinite(execution.confidence):
        raise ExecutionsError(f"{where} has a confidence that is not a finite number.")
    return execution

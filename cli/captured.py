"""The options that name captured data, which several verbs share."""

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec

from cli.options import Bucket, Endpoint, First, FromFolder, Last, Since, Stack
from training.sagemaker.stacks import DEFAULT_ENDPOINT, DEFAULT_STACK, Stacks

if TYPE_CHECKING:
    from monitoring.capture.sources import CaptureSource
    from monitoring.capture.span import Span
    from monitoring.quality.evaluation import Evaluation

Parameters = ParamSpec("Parameters")


@dataclass(frozen=True)
class Captured:
    """Where captured data is read from, whose it is, and from when; `bucket` may be None where a folder is read."""

    source: "CaptureSource"
    bucket: str | None
    endpoint: str
    span: "Span"


@dataclass(frozen=True)
class CaptureOptions:
    """The options as they were given."""

    bucket: Bucket = None
    endpoint: Endpoint = None
    stack: Stack = DEFAULT_STACK
    since: Since = None
    first: First = None
    last: Last = None
    from_folder: FromFolder = None

    @property
    def narrowed(self) -> bool:
        """Whether a window or a folder was named."""
        return (self.since, self.first, self.last, self.from_folder) != (None, None, None, None)

    def place(self) -> tuple[str, str]:
        """Return bucket and endpoint: what the options name, else what the stacks do."""
        stacks = Stacks(self.stack)
        return self.bucket or stacks.bucket, self.endpoint or stacks.endpoint

    def captured(self) -> Captured:
        """Return the captured data; a folder is read without asking AWS anything."""
        from monitoring.capture.sources import FolderCapture, S3Capture
        from monitoring.capture.span import parse_span

        span = parse_span(self.since, self.first, self.last)
        if self.from_folder:
            return Captured(FolderCapture(self.from_folder), self.bucket, self.endpoint or DEFAULT_ENDPOINT, span)
        bucket, endpoint = self.place()
        return Captured(S3Capture(bucket, endpoint), bucket, endpoint, span)


def capture_line(stacks: Stacks) -> str | None:
    """Say which requests Classify doesn't capture; None where the endpoint captures, or the stack isn't known."""
    from training.errors import StackError
    from training.sagemaker.app_stack import KIND

    try:
        serverless = stacks.app.parameters.get(KIND) == "serverless"
    except StackError:
        return None  # What needs the stack tells why it can't be read.
    if not serverless:
        return None
    return (
        "Classify captures for this serverless endpoint. Requests of others, such as predictions, evaluations and the "
        "start of a batch, are invocations that it doesn't capture."
    )


def threshold_line(stacks: Stacks, evaluation: "Evaluation") -> str | None:
    """Say that the app stack accepts from another threshold than the one that was judged; None where it doesn't."""
    from monitoring.quality.verdict import on_other_threshold
    from training.errors import StackError

    try:
        outputs, endpoint = stacks.app.values, stacks.endpoint
    except StackError:
        return None  # What needs the stack tells why it can't be read.
    given = outputs.get("ConfidenceThreshold")
    return on_other_threshold(evaluation, float(given)) if given and endpoint == evaluation.endpoint else None


def with_capture_options(verb: Callable[Concatenate[CaptureOptions, Parameters], None]) -> Callable[..., None]:
    """Give a verb the options of CaptureOptions in the place of its first parameter."""
    shared = inspect.signature(CaptureOptions).parameters
    own = list(inspect.signature(verb).parameters.values())[1:]

    @functools.wraps(verb)
    def command(**given: Any) -> None:
        options = CaptureOptions(**{name: given.pop(name) for name in shared})
        verb(options, **given)  # type: ignore[call-arg]  # Typer passes what the signature below names.

    # Typer reads a verb's options from its signature.
    command.__signature__ = inspect.Signature([*shared.values(), *own])  # type: ignore[attr-defined]
    return command

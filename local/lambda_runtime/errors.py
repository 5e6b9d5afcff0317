"""How Lambda describes an error of a function or of its runtime."""

import traceback
from pathlib import Path
from types import TracebackType

RUNTIME = Path(__file__).parent


class Fault(Exception):
    """The runtime can't call the handler, or can't use what it returned; `kind` is Lambda's name for that."""

    def __init__(self, kind: str, message: str, trace: list[str] | None = None) -> None:
        super().__init__(message)
        self.kind = f"Runtime.{kind}"
        self.trace = trace or []


def described(error: Exception, request_id: str = "") -> dict[str, object]:
    """Return the object by which a caller and the log learn of an error."""
    kind, trace = type(error).__name__, _frames(error.__traceback__)
    if isinstance(error, Fault):
        kind, trace = error.kind, error.trace
    return {"errorMessage": str(error), "errorType": kind, "requestId": request_id, "stackTrace": trace}


def _frames(trace: TracebackType | None) -> list[str]:
    """Return the frames as text, from the first that isn't the runtime's own on."""
    frames = [(frame.filename, frame.lineno or 0, frame.name, frame.line) for frame in traceback.extract_tb(trace)]
    foreign = (place for place, frame in enumerate(frames) if Path(frame[0]).parent != RUNTIME)
    return traceback.format_list(frames[next(foreign, 0) :])

"""What one image uses of everything that is paid by use."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace

from inference.costs.measured import DeployedFunction, Measured
from inference.costs.typical import Typical

MEGABYTES = 1024
EXPRESS_LOG = "express"


@dataclass(frozen=True)
class ImageUse:
    """What one image uses.

    Attributes:
        states: states that a Standard execution enters.
        seconds: length of its execution.
        calls: calls of functions.
        gigabyte_seconds: of functions, by architecture.
        review: share of images that a person sees, in review or in the audit.
        model_seconds: from a request to the endpoint to its answer.
        processor_seconds: processor time at the endpoint.
        exchanged_bytes: what the endpoint gets and answers.
        captured_bytes: a line of captured data.
        log_bytes: what the functions log, and Lambda about them.
        express_log_bytes: what an Express execution logs besides.
    """

    states: float
    seconds: float
    calls: int
    gigabyte_seconds: Mapping[str, float]
    review: float
    model_seconds: float
    processor_seconds: float
    exchanged_bytes: float
    captured_bytes: float
    log_bytes: float
    express_log_bytes: float


def typical_use(typical: Typical) -> ImageUse:
    """Return what an image uses by the benchmark."""
    measured = typical.measured
    return ImageUse(
        states=measured.transitions,
        seconds=measured.seconds,
        calls=len(typical.functions),
        gigabyte_seconds=_gigabyte_seconds(measured, typical.functions),
        review=measured.review,
        model_seconds=typical.model_seconds,
        processor_seconds=typical.processor_seconds["endpoint"],
        exchanged_bytes=typical.request_bytes + typical.answer_bytes,
        captured_bytes=typical.captured_bytes,
        log_bytes=sum(size for log, size in typical.log_bytes.items() if log != EXPRESS_LOG),
        express_log_bytes=typical.log_bytes[EXPRESS_LOG],
    )


def measured_use(typical: Typical, measured: Measured, functions: Mapping[str, DeployedFunction]) -> ImageUse:
    """Return what an image uses by executions on a deployed stack; what they don't tell is the benchmark's.

    *functions* by their names in *measured*.
    """
    return replace(
        typical_use(typical),
        states=measured.transitions,
        seconds=measured.seconds,
        calls=len(functions),
        gigabyte_seconds=_gigabyte_seconds(measured, functions),
        review=measured.review,
    )


def _gigabyte_seconds(measured: Measured, functions: Mapping[str, DeployedFunction]) -> dict[str, float]:
    used: dict[str, float] = defaultdict(float)
    for name, seconds in measured.function_seconds.items():
        used[functions[name].architecture] += seconds * functions[name].memory / MEGABYTES
    return dict(used)

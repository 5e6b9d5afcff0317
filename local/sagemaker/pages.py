"""The pages of a List operation: filtered by name and time, sorted, and cut."""

from collections.abc import Callable, Sequence
from typing import Any

from local.sagemaker.errors import SageMakerError
from local.sagemaker.records import Record

# What SageMaker's List operations return where a request has no MaxResults.
DEFAULT_RESULTS = 10


def page(key: str, found: Sequence[Record], request: Record, by_name: Callable[[Record], tuple[Any, ...]]) -> Record:
    """Return under `key` the summaries that a request wants, the oldest first unless it says otherwise.

    `by_name` gives what `SortBy: Name` sorts a summary by; the first item is the name. Raises SageMakerError where
    NextToken is none that was given out.
    """
    after, before = request.get("CreationTimeAfter", 0), request.get("CreationTimeBefore", float("inf"))
    wanted = [
        one
        for one in found
        if request.get("NameContains", "") in by_name(one)[0] and after < one["CreationTime"] < before
    ]
    by_time = request.get("SortBy", "CreationTime") == "CreationTime"
    reverse = request.get("SortOrder") == "Descending"
    wanted.sort(key=lambda one: (one["CreationTime"],) if by_time else by_name(one), reverse=reverse)
    first = _offset(request.get("NextToken", "0"))
    last = first + request.get("MaxResults", DEFAULT_RESULTS)
    return {key: wanted[first:last], "NextToken": str(last) if last < len(wanted) else None}


def _offset(token: str) -> int:
    if not token.isdecimal():
        raise SageMakerError("ValidationException", f"NextToken {token!r} is none that this operation returned.")
    return int(token)

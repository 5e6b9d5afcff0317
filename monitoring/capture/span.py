"""The window of time that a verb is asked about."""

from dataclasses import dataclass
from datetime import UTC, datetime

from contracts.durations import parse_duration
from monitoring.errors import MonitoringError


class SpanError(MonitoringError):
    """The window of time that was asked for is none."""


@dataclass(frozen=True)
class Span:
    """From `start` to before `end`, UTC; None is open. An open end takes in records from a clock that is ahead."""

    start: datetime | None = None
    end: datetime | None = None


def parse_span(since: str | None, first: str | None, last: str | None, now: datetime | None = None) -> Span:
    """The window that ends now and lasts *since* (as `parse_duration` reads it), or from *first* to before *last*.

    *first* and *last* are ISO 8601, UTC where they name no zone. Raises DurationError, or SpanError where both
    forms are given, a time can't be read, or the window is empty.
    """
    if since is not None:
        if first is not None or last is not None:
            raise SpanError("Give either --since, or --from and --to.")
        lasts = parse_duration(since)
        try:
            return Span((now or datetime.now(UTC)) - lasts)
        except OverflowError as error:
            raise SpanError(f"{since} ago, there were no records.") from error
    span = Span(_time(first), _time(last))
    if span.start and span.end and span.start >= span.end:
        raise SpanError(f"The window from {first} to {last} is empty.")
    return span


def hour_of(time: datetime) -> datetime:
    """The full hour, UTC, that *time* lies in."""
    return time.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def _time(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        time = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise SpanError(f"{text!r} is not a valid time; give one such as 2026-11-23T09:00.") from error
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)

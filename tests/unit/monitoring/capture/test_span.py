from datetime import UTC, datetime, timedelta

import pytest

from contracts.durations import DurationError
from monitoring.capture.span import Span, SpanError, parse_span

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("since", "lasts"),
    [
        ("90s", timedelta(seconds=90)),
        ("30m", timedelta(minutes=30)),
        (" 2h ", timedelta(hours=2)),
        ("7d", timedelta(7)),
        ("2", timedelta(seconds=2)),
    ],
)
def test_a_duration_ends_now_and_leaves_the_end_open(since: str, lasts: timedelta) -> None:
    assert parse_span(since, None, None, NOW) == Span(NOW - lasts, None)


def test_times_without_a_zone_are_utc() -> None:
    span = parse_span(None, "2026-11-23T09:00", "2026-11-23T11:30+01:00")
    assert span == Span(datetime(2026, 11, 23, 9, tzinfo=UTC), datetime(2026, 11, 23, 10, 30, tzinfo=UTC))
    assert parse_span(None, None, None) == Span()


@pytest.mark.parametrize(
    ("since", "first", "last", "message"),
    [
        ("999999999d", None, None, "no records"),
        ("2h", "2026-11-23", None, "either --since"),
        (None, "yesterday", None, "not a valid time"),
        (None, "2026-11-23", "2026-11-23", "is empty"),
        (None, "2026-11-24", "2026-11-23", "is empty"),
    ],
)
def test_a_window_that_is_none_is_refused(since: str | None, first: str | None, last: str | None, message: str) -> None:
    with pytest.raises(SpanError, match=message):
        parse_span(since, first, last, NOW)


def test_a_text_that_is_no_duration_is_refused() -> None:
    with pytest.raises(DurationError, match="not a valid duration"):
        parse_span("2 weeks", None, None, NOW)

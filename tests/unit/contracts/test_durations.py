from datetime import timedelta

import pytest

from contracts.durations import DurationError, parse_duration, spelled


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("300", timedelta(seconds=300)),
        ("0", timedelta(0)),
        ("90s", timedelta(seconds=90)),
        ("5m", timedelta(minutes=5)),
        ("2h", timedelta(hours=2)),
        ("1d", timedelta(days=1)),
        (" 30m\n", timedelta(minutes=30)),
        ("999999999d", timedelta.max - timedelta(days=1) + timedelta(microseconds=1)),
    ],
)
def test_a_number_and_a_unit_is_a_duration(text: str, duration: timedelta) -> None:
    assert parse_duration(text) == duration


@pytest.mark.parametrize(
    "text", ["", "s", "-2h", "+2h", "1.5h", "2 h", "2H", "2w", "2h30m", "2 weeks", "²s", "٣s", "9999999999"]
)
def test_another_text_is_refused_and_an_example_given(text: str) -> None:
    with pytest.raises(DurationError) as refusal:
        parse_duration(text)
    assert str(refusal.value) == (
        f"{text!r} is not a valid duration; give a number and s, m, h or d, such as 90s or 2h."
    )


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-1, "0 min"),
        (59, "0 min"),
        (60, "1 min"),
        (3599, "59 min"),
        (3600, "1 h 0 min"),
        (28_799, "7 h 59 min"),
        (86_399, "23 h 59 min"),
        (86_400, "1 d 0 h"),
        (360_000, "4 d 4 h"),
    ],
)
def test_a_duration_is_spelled_in_its_two_largest_units(seconds: int, text: str) -> None:
    assert spelled(timedelta(seconds=seconds)) == text

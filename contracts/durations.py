"""Durations as users write them."""

import re
from datetime import timedelta

from contracts.errors import WorkflowError

SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
# Nine digits of days are the longest that a timedelta holds.
DURATION = re.compile(r"([0-9]{1,9})([smhd]?)")


class DurationError(WorkflowError):
    """A text is not a duration."""


def parse_duration(text: str) -> timedelta:
    """Read `90s`, `30m`, `2h` or `7d`; a number without a unit is seconds. Raises DurationError."""
    found = DURATION.fullmatch(text.strip())
    if found is None:
        raise DurationError(f"{text!r} is not a valid duration; give a number and s, m, h or d, such as 90s or 2h.")
    return timedelta(seconds=int(found[1]) * SECONDS[found[2]])


def spelled(duration: timedelta) -> str:
    """Write a duration as a person reads it, in its two largest units: `3 d 4 h`, `7 h 59 min`, `12 min`."""
    minutes = max(0, int(duration.total_seconds())) // 60
    hours, days = minutes // 60, minutes // 1440
    if days:
        return f"{days} d {hours % 24} h"
    return f"{hours} h {minutes % 60} min" if hours else f"{minutes} min"

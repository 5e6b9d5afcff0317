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

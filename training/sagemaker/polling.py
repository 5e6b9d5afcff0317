"""How often a service is asked whether it has finished."""

import time
from collections.abc import Iterator

SHORTEST = 0.3
LONGEST = 10.0


def pauses() -> Iterator[float]:
    """Sleep between polls, a twentieth of the time waited so far, and yield that time in seconds.

    What takes seconds is so noticed at once, and what takes an hour costs a call every ten seconds.
    """
    begun = time.monotonic()
    while True:
        waited = time.monotonic() - begun
        yield waited
        time.sleep(min(max(waited / 20, SHORTEST), LONGEST))

"""Waiting for a state that can be observed, never for a time."""

import time
from collections.abc import Callable

# Only a broken test comes near it, also where other work keeps every processor busy.
LONGEST_SECONDS = 60.0


def wait_until(holds: Callable[[], bool]) -> None:
    """Return as soon as a condition holds; fail where it never does."""
    deadline = time.monotonic() + LONGEST_SECONDS
    while not holds():
        assert time.monotonic() < deadline, f"it did not come about within {LONGEST_SECONDS:.0f} seconds"
        time.sleep(0.02)

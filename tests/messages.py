"""Messages that a user or a state machine reads, held to the letter."""

import re


def exactly(message: str) -> str:
    """Return the pattern that `pytest.raises` and `pytest.warns` find in this message and in no other."""
    return rf"\A{re.escape(message)}\Z"

"""What a check for drift can come to, and its file; apart from the check itself, which loads SciPy's statistics."""

from enum import StrEnum

DRIFT_FILE = "drift.json"


class Verdict(StrEnum):
    """What a comparison comes to."""

    DRIFT = "drift"
    STABLE = "stable"
    TOO_FEW = "too few records"

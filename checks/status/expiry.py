"""When the endpoint expires."""

from dataclasses import dataclass
from datetime import UTC, datetime

from checks.status.section import NothingYet
from contracts.durations import spelled
from monitoring.quality.verdict import Finding, Level
from training.sagemaker.expiry import expiry_of


@dataclass(frozen=True)
class Expiry:
    """When a schedule deletes the endpoint, and when that was read."""

    at: datetime
    read: datetime

    @property
    def findings(self) -> tuple[Finding, ...]:
        """When it expires, and how to put that off."""
        at = f"{self.at:%Y-%m-%d %H:%M} UTC"
        if self.at > self.read:
            text = (
                f"It expires at {at}, in {spelled(self.at - self.read)}; `workflow deploy --expires 8h` changes that."
            )
        else:
            text = (
                f"It should have expired at {at}: that waits for a batch or an update to end, or ExpireEndpoint failed."
            )
        return (Finding(Level.NOTICE, text),)


def expiry(endpoint: str) -> Expiry:
    """Read the endpoint's schedule.

    Raises:
        NothingYet: there is none.
    """
    at = expiry_of(endpoint)
    if at is None:
        raise NothingYet(f"{endpoint} doesn't expire; `workflow deploy --expires 8h` deletes it after 8 hours.")
    return Expiry(at, datetime.now(UTC))

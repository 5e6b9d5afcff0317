"""Read every section of the status side by side."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from checks.check import CheckError, client
from checks.status.accuracy import Accuracy, live_accuracy
from checks.status.alarms import Alarms, alarm_states
from checks.status.batch import LastBatch, last_batch
from checks.status.drift import DriftState, last_drift
from checks.status.endpoint import EndpointState, endpoint_state
from checks.status.expiry import Expiry, expiry
from checks.status.queues import Queues, queue_depths
from checks.status.section import Missing, Read, Section, attempt
from monitoring.quality.verdict import Level
from training.sagemaker.stacks import BATCH_STATE_MACHINE, Stacks

AT_ONCE = 7


class Unknown(CheckError):
    """What a section needs could not be read."""


@dataclass(frozen=True)
class Status:
    """How a stack is; every section is what was read, or why there is nothing to show."""

    stack: str
    time: datetime
    endpoint: EndpointState | Missing
    expiry: Expiry | Missing
    queues: Queues | Missing
    alarms: Alarms | Missing
    batch: LastBatch | Missing
    drift: DriftState | Missing
    accuracy: Accuracy | Missing

    @property
    def sections(self) -> dict[str, Section]:
        """The sections by their names, in the order of the screen; those that lack the same have one line."""
        named: dict[str, Section] = {
            "endpoint": self.endpoint,
            "expiry": self.expiry,
            "queues": self.queues,
            "alarms": self.alarms,
            "last batch": self.batch,
            "drift": self.drift,
            "live accuracy": self.accuracy,
        }
        alike: dict[str, list[str]] = {}
        for name, section in named.items():
            same = (first for first in alike if isinstance(section, Missing) and named[first] == section)
            alike.setdefault(next(same, name), []).append(name)
        return {", ".join(names): named[first] for first, names in alike.items()}

    @property
    def attention(self) -> list[str]:
        """What somebody should look at, and what could not be read, a sentence each."""
        found = ((name, finding) for name, section in self.sections.items() for finding in section.findings)
        return [f"{name}: {finding.text}" for name, finding in found if finding.level is Level.BAD]

    def to_record(self) -> dict[str, Any]:
        """All of it, for JSON as cli/schemas/status.json describes it."""
        return asdict(self) | {"attention": self.attention}


def gather(stack: str, endpoint: str | None, out: Path) -> Status:
    """Read the status of a stack, and of its endpoint or another one that is named."""
    # The SDK's session may make clients in one thread at a time; clients may be used in several.
    services = ("sagemaker", "sqs", "cloudwatch", "stepfunctions", "s3")
    sagemaker, sqs, cloudwatch, states, s3 = map(client, services)
    stacks = Stacks(stack)
    outputs, bucket = attempt(lambda: stacks.app), attempt(lambda: stacks.bucket)
    name: str | Missing = endpoint if endpoint else attempt(lambda: stacks.endpoint)

    def judge() -> Accuracy:
        endpoint = serving.result()
        return live_accuracy(s3, _known(bucket), out, endpoint.served if isinstance(endpoint, EndpointState) else None)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        serving = pool.submit(attempt, lambda: endpoint_state(sagemaker, _known(name)))
        expires = pool.submit(attempt, lambda: expiry(_known(name)))
        queues = pool.submit(attempt, lambda: queue_depths(sqs, _known(outputs).values))
        alarms = pool.submit(attempt, lambda: alarm_states(cloudwatch, _known(outputs).stack))
        batch = pool.submit(attempt, lambda: last_batch(states, _known(outputs)[BATCH_STATE_MACHINE.output], out))
        drift = pool.submit(attempt, lambda: last_drift(cloudwatch, _known(name), out))
        judged = pool.submit(attempt, judge)
    parts = (
        serving.result(),
        expires.result(),
        queues.result(),
        alarms.result(),
        batch.result(),
        drift.result(),
        judged.result(),
    )
    return Status(stack, datetime.now(UTC), *parts)


def _known(value: Read | Missing) -> Read:
    """Return a value that was read before; raises Unknown with the reason why it was not."""
    if isinstance(value, Missing):
        raise Unknown(value.why)
    return value

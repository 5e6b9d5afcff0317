"""The alarms of the stack."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from checks.status.section import NothingYet
from monitoring.quality.verdict import Finding, Level

ALARM = "ALARM"


@dataclass(frozen=True)
class AlarmState:
    """An alarm: its state, since when it has it (None where CloudWatch doesn't say), and what it means."""

    name: str
    state: str
    since: datetime | None
    description: str

    @property
    def sentence(self) -> str:
        """The alarm in words."""
        since = f"has been in {self.state} since {self.since:%Y-%m-%d %H:%M} UTC" if self.since else f"is {self.state}"
        return f"{self.name} {since}: {self.description}"


@dataclass(frozen=True)
class Alarms:
    """The stack's alarms, those in ALARM first."""

    alarms: tuple[AlarmState, ...]

    @property
    def findings(self) -> tuple[Finding, ...]:
        """How many are in ALARM, and each of those."""
        firing = [one for one in self.alarms if one.state == ALARM]
        if not firing:
            return (Finding(Level.GOOD, f"None of {len(self.alarms)} is in ALARM."),)
        count = Finding(Level.BAD, f"{len(firing)} of {len(self.alarms)} in ALARM.")
        return (count, *(Finding(Level.BAD, one.sentence) for one in firing))


def alarms_of_stack(cloudwatch: Any, stack: str) -> list[dict[str, Any]]:
    """Return the alarms of a stack as DescribeAlarms answers them, and none of a stack whose name begins alike."""
    # CloudFormation names a resource STACK-LogicalId-RANDOM; stacks whose names begin alike have more parts.
    own = re.compile(rf"{re.escape(stack)}-[A-Za-z0-9]+(-[A-Z0-9]+)?")
    pages = cloudwatch.get_paginator("describe_alarms").paginate(AlarmNamePrefix=f"{stack}-")
    return [one for page in pages for one in page["MetricAlarms"] if own.fullmatch(one["AlarmName"])]


def alarm_states(cloudwatch: Any, stack: str) -> Alarms:
    """Return the stack's alarms.

    Raises:
        NothingYet: the stack has none.
    """
    found = [_state(one) for one in alarms_of_stack(cloudwatch, stack)]
    if not found:
        raise NothingYet(f"The stack {stack} has no alarms; deploy this version of template.yaml.")
    return Alarms(tuple(sorted(found, key=lambda one: (one.state != ALARM, one.name))))


def _state(alarm: dict[str, Any]) -> AlarmState:
    since = alarm.get("StateTransitionedTimestamp") or alarm.get("StateUpdatedTimestamp")
    since = since.astimezone(UTC) if since else None
    return AlarmState(alarm["AlarmName"], alarm["StateValue"], since, alarm.get("AlarmDescription", ""))

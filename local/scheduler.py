"""One-time schedules of EventBridge Scheduler, which moto keeps and never fires.

What they do: https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html. One whose time has passed when
it is created or changed fires at once.
"""

import logging
import re
import threading
import uuid
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from moto.scheduler.exceptions import ScheduleNotFound
from moto.scheduler.models import EventBridgeSchedulerBackend, Schedule
from moto.stepfunctions.parser.models import StepFunctionsParserBackend

from local.errors import LocalError

POLL_SECONDS = 0.2
AT = re.compile(r"at\((\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\)")
STATE_MACHINE = re.compile(r"arn:[\w-]+:states:[\w-]+:\d{12}:stateMachine:[^:]+")

logger = logging.getLogger(__name__)


class NeverFires(LocalError):
    """A schedule is of a kind that the local stack doesn't fire, or of none."""


class Scheduler:
    """Starts the executions that schedules ask for: each schedule fires once, and once more after it was changed."""

    def __init__(self, schedules: EventBridgeSchedulerBackend, machines: StepFunctionsParserBackend) -> None:
        self._schedules = schedules
        self._machines = machines
        # When a schedule was last changed before it fired, by its ARN.
        self._fired: dict[str, float] = {}
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._fire_regularly, daemon=True)

    def start(self) -> None:
        """Fire what is due, until `stop`."""
        self._thread.start()

    def stop(self) -> None:
        """Stop firing."""
        self._stopping.set()
        self._thread.join()

    def _fire_regularly(self) -> None:
        while not self._stopping.wait(POLL_SECONDS):
            for group in list(self._schedules.schedule_groups.values()):
                for schedule in list(group.schedules.values()):
                    if schedule.state == "ENABLED" and _time_of(schedule) <= datetime.now(UTC):
                        self._fire_once(schedule)

    def _fire_once(self, schedule: Schedule) -> None:
        changed = schedule.last_modified_date
        if self._fired.get(schedule.arn) == changed:
            return
        self._fired[schedule.arn] = changed
        try:
            self._machines.start_execution(schedule.target["Arn"], str(uuid.uuid4()), schedule.target["Input"])
        except Exception as error:  # noqa: BLE001 - whatever goes wrong, the other schedules fire
            logger.warning("The schedule %s couldn't start its execution: %s", schedule.name, error)
        if schedule.action_after_completion == "DELETE":
            # Somebody may have deleted it meanwhile.
            with suppress(ScheduleNotFound):
                self._schedules.delete_schedule(schedule.group_name, schedule.name)


def time_of(expression: str, timezone: str) -> datetime:
    """Return when a one-time schedule fires.

    Raises:
        NeverFires: it is no one-time schedule, or has no such time or time zone.
    """
    found = AT.fullmatch(expression)
    try:
        if found:
            return datetime.fromisoformat(found[1]).replace(tzinfo=ZoneInfo(timezone))
    except (ValueError, ZoneInfoNotFoundError) as error:
        raise NeverFires(f"Invalid Schedule Expression {expression}: {error}.") from error
    raise NeverFires(
        f"The local stack fires one-time schedules only, such as at(2027-01-31T12:00:00), and refuses {expression}."
    )


def check_target(target: Mapping[str, Any]) -> None:
    """Raise NeverFires where a schedule's target is nothing that the local stack can start."""
    if not STATE_MACHINE.fullmatch(target["Arn"]) or "Input" not in target:
        raise NeverFires(
            f"The local stack's schedules start state machines, with an Input; it refuses the target {target['Arn']}."
        )


def _time_of(schedule: Schedule) -> datetime:
    return time_of(schedule.schedule_expression, schedule.schedule_expression_timezone)

"""The schedules of EventBridge Scheduler, in the group that every account has.

One whose time came while no stack ran fires when the next one starts. One that has fired and is still there fires
again, as the execution that it started is gone.
"""

from typing import Any

from moto.scheduler.models import EventBridgeSchedulerBackend

GROUP = "default"
FIELDS = (
    "name",
    "group_name",
    "description",
    "schedule_expression",
    "schedule_expression_timezone",
    "flexible_time_window",
    "target",
    "state",
    "kms_key_arn",
    "start_date",
    "end_date",
    "action_after_completion",
)


class Schedules:
    """The schedules as CreateSchedule takes them."""

    def __init__(self, backend: EventBridgeSchedulerBackend) -> None:
        self._backend = backend

    def snapshot(self) -> list[dict[str, Any]]:
        """Return each schedule."""
        schedules = list(self._backend.schedule_groups[GROUP].schedules.values())
        return [{field: getattr(one, field) for field in FIELDS} for one in schedules]

    def restore(self, saved: list[dict[str, Any]]) -> None:
        """Make the schedules; the state machines that they start must be there."""
        for one in saved:
            self._backend.create_schedule(**one)

"""Patches for EventBridge Scheduler: what would never fire is refused, and an update changes every field."""

from collections.abc import Callable
from typing import Any

from moto.scheduler.exceptions import ValidationException
from moto.scheduler.models import EventBridgeSchedulerBackend, Schedule
from moto.scheduler.responses import EventBridgeSchedulerResponse

from local.moto_patches.patch import Patch
from local.scheduler import NeverFires, check_target, time_of


def refuse_what_never_fires(keep: Callable[..., Schedule]) -> Callable[..., Schedule]:
    """Moto keeps schedules with any expression and target, also those that EventBridge Scheduler refuses."""

    def keep_checked(self: EventBridgeSchedulerBackend, **given: Any) -> Schedule:
        try:
            time_of(given["schedule_expression"], given["schedule_expression_timezone"] or "UTC")
            check_target(given["target"])
        except NeverFires as error:
            raise ValidationException(str(error)) from error
        return keep(self, **given)

    return keep_checked


def update_what_follows_the_completion(update: Callable[..., str]) -> Callable[..., str]:
    """Moto's UpdateSchedule keeps ActionAfterCompletion and a state that isn't given, and AWS's has defaults for both.

    Source: https://docs.aws.amazon.com/scheduler/latest/APIReference/API_UpdateSchedule.html
    """

    def update_schedule(self: EventBridgeSchedulerResponse) -> str:
        answer = update(self)
        name = self.uri.split("?")[0].split("/")[-1]
        schedule = self.scheduler_backend.get_schedule(self._get_param("GroupName"), name)
        schedule.action_after_completion = self._get_param("ActionAfterCompletion")
        schedule.state = self._get_param("State") or "ENABLED"
        return answer

    return update_schedule


PATCHES = (
    Patch(EventBridgeSchedulerBackend, "create_schedule", "513099380dbd", refuse_what_never_fires),
    Patch(EventBridgeSchedulerBackend, "update_schedule", "15f9bd86f239", refuse_what_never_fires),
    Patch(EventBridgeSchedulerResponse, "update_schedule", "780176192c31", update_what_follows_the_completion),
)

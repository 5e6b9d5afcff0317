"""The patches for the pinned moto, each a function whose docstring says what is wrong without it."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from local.moto_patches import (
    definitions,
    eventbridge,
    one_at_a_time,
    performance,
    responses,
    scheduler,
    step_functions,
    task_clients,
)

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

# Those for performance come last: they cache what the others make.
PATCHES = (
    *step_functions.PATCHES,
    *definitions.PATCHES,
    *eventbridge.PATCHES,
    *one_at_a_time.PATCHES,
    *responses.PATCHES,
    *scheduler.PATCHES,
    *performance.PATCHES,
)


def apply(
    application: "WSGIApplication | None" = None, direct: Mapping[str, Mapping[str, task_clients.Direct]] | None = None
) -> None:
    """Patch moto in this process; a second call changes nothing.

    The tasks of executions call `direct`, by service and method, then `application` where it is given, and otherwise a
    server on the port MOTO_PORT.

    Raises MotoChanged where moto isn't the version that the patches were written for.
    """
    for patch in PATCHES:
        patch.apply()
    definitions.read_single_nodes_as_values()
    performance.parse_each_path_once()
    performance.copy_json_as_json()
    task_clients.share_task_clients(application, direct)

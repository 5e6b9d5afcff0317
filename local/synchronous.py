"""StartSyncExecution, which moto's server answers with 500."""

import json
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from moto.stepfunctions.exceptions import StateMachineDoesNotExist
from moto.stepfunctions.parser.backend.execution import SyncExecution
from moto.stepfunctions.parser.models import stepfunctions_parser_backends
from werkzeug.wrappers import Request, Response

from local.responses import JSON_1_0, error_response
from local.template import ACCOUNT_ID

EXPRESS = "EXPRESS"


def start_sync_execution(request: Request, region: str) -> Response:
    """Run an Express execution to its end, and answer how it ended.

    Source: https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartSyncExecution.html
    """
    asked = json.loads(request.get_data())
    try:
        machine: Any = stepfunctions_parser_backends[ACCOUNT_ID][region].describe_state_machine(
            asked["stateMachineArn"]
        )
    except StateMachineDoesNotExist as error:
        return error_response(400, "StateMachineDoesNotExist", str(error))
    if machine.type != EXPRESS:
        message = "Only an Express state machine can be run synchronously."
        return error_response(400, "StateMachineTypeNotSupported", message)
    answer = json.dumps(_run(machine, region, asked), default=datetime.timestamp)
    return Response(answer, 200, content_type=JSON_1_0)


def start_directly(region: str, **asked: Any) -> dict[str, Any] | None:
    """Return what an SDK's `start_sync_execution` would, times as objects; None where the call would be refused."""
    try:
        machine: Any = stepfunctions_parser_backends[ACCOUNT_ID][region].describe_state_machine(
            asked["stateMachineArn"]
        )
    except StateMachineDoesNotExist:
        return None
    return _run(machine, region, asked) if machine.type == EXPRESS else None


def _run(machine: Any, region: str, asked: Mapping[str, Any]) -> dict[str, Any]:
    name = asked.get("name") or str(uuid.uuid4())
    execution = SyncExecution(
        name=name,
        sm_type=machine.sm_type,
        role_arn=machine.roleArn,
        exec_arn=f"arn:aws:states:{region}:{ACCOUNT_ID}:express:{machine.name}:{name}:{uuid.uuid4()}",
        account_id=ACCOUNT_ID,
        region_name=region,
        state_machine=machine,
        start_date=datetime.now(UTC),
        cloud_watch_logging_session=None,
        input_data=asked.get("input", "{}"),
        trace_header=asked.get("traceHeader"),
        activity_store={},
    )
    execution.start()
    return {name: value for name, value in execution.to_start_sync_execution_output().items() if value is not None}

"""Executions of Standard workflows, without their history.

By them `workflow redrive` knows what has failed and what was started again already, and `workflow status` the last
batch.
"""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from moto.stepfunctions.parser.api import ExecutionStatus, MapRunStatus, StateMachineType
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration.itemprocessor.map_run_record import (
    MapRunRecord,
    MapRunRecordPoolManager,
    ProgressCounter,
)
from moto.stepfunctions.parser.backend.execution import Execution
from moto.stepfunctions.parser.models import StepFunctionsParserBackend

ENDED_WITH_THE_STACK = "The local stack ended while the execution ran; `workflow redrive --since 1d` starts it again."
MAP_RUN_FIELDS = ("map_run_arn", "map_state_machine_arn")

Saved = dict[str, Any]


class Executions:
    """The executions of every state machine, as they ended; one that ran when the stack ended was aborted then."""

    def __init__(self, backend: StepFunctionsParserBackend) -> None:
        self._backend = backend

    def snapshot(self) -> dict[str, list[Saved]]:
        """Return the executions by the ARN of their state machine, in their order."""
        machines = [one for one in list(self._backend.state_machines) if one.type == StateMachineType.STANDARD]
        return {machine.arn: [_saved(one) for one in list(machine.executions)] for machine in machines}

    def restore(self, saved: dict[str, list[Saved]]) -> None:
        """Give the state machines that are still there their executions; nobody is told of an end."""
        for machine in self._backend.state_machines:
            # Moto declares here the executions that only its mock of the service has.
            executions: Any = machine.executions
            executions[:0] = [_execution(one, machine, self._backend) for one in saved.get(machine.arn, ())]


def _saved(execution: Any) -> Saved:
    status = execution.exec_status or ExecutionStatus.RUNNING
    worker = execution.exec_worker
    pool = worker.env.map_run_record_pool_manager if worker and worker.env else None
    return {
        "name": execution.name,
        "arn": execution.exec_arn,
        "input": execution.execution_input,
        "started": execution.start_date.isoformat(),
        "stopped": execution.stop_date and execution.stop_date.isoformat(),
        "status": status.value,
        "output": execution.output,
        "error": execution.error,
        "cause": execution.cause,
        "map_runs": [_saved_map_run(record) for record in pool.get_all()] if pool else [],
    }


def _execution(saved: Saved, machine: Any, backend: StepFunctionsParserBackend) -> Execution:
    execution = Execution(
        saved["name"],
        StateMachineType.STANDARD,
        machine.roleArn,
        saved["arn"],
        backend.account_id,
        backend.region_name,
        machine,
        datetime.fromisoformat(saved["started"]),
        None,
        {},
        saved["input"],
    )
    execution.exec_status = ExecutionStatus(saved["status"])
    execution.output, execution.error, execution.cause = saved["output"], saved["error"], saved["cause"]
    if execution.exec_status is ExecutionStatus.RUNNING:
        execution.exec_status, execution.cause = ExecutionStatus.ABORTED, ENDED_WITH_THE_STACK
    execution.stop_date = datetime.fromisoformat(saved["stopped"]) if saved["stopped"] else datetime.now(UTC)
    pool: Any = MapRunRecordPoolManager()  # type: ignore[no-untyped-call]
    for one in saved["map_runs"]:
        pool.add(_map_run(one, saved["arn"], machine.arn))
    # What moto asks of the thread that ran an execution: it has neither events nor tasks that wait for an answer.
    worker: Any = SimpleNamespace(
        env=SimpleNamespace(
            map_run_record_pool_manager=pool,
            event_manager=SimpleNamespace(get_event_history=list),
            callback_pool_manager=SimpleNamespace(notify=lambda **_: False),
        ),
        stop=lambda **_: None,
    )
    execution.exec_worker = worker
    return execution


def _saved_map_run(record: MapRunRecord) -> Saved:
    return {
        **{field: getattr(record, field) for field in MAP_RUN_FIELDS},
        "limits": [record.max_concurrency, record.tolerated_failure_count, record.tolerated_failure_percentage],
        "status": record.status.value,
        "started": record.start_date.isoformat(),
        "stopped": record.stop_date and record.stop_date.isoformat(),
        "items": _counts(record.item_counter),
        "executions": _counts(record.execution_counter),
    }


def _map_run(saved: Saved, execution: str, machine: str) -> Any:
    at_once, count, share = saved["limits"]
    record: Any = MapRunRecord(machine, execution, at_once, count, share, None)
    for field in MAP_RUN_FIELDS:
        setattr(record, field, saved[field])
    record.status = MapRunStatus(saved["status"])
    record.start_date = datetime.fromisoformat(saved["started"])
    record.stop_date = datetime.fromisoformat(saved["stopped"]) if saved["stopped"] else None
    if record.status is MapRunStatus.RUNNING:
        record.set_stop(MapRunStatus.ABORTED)
    for counter, counts in ((record.item_counter, saved["items"]), (record.execution_counter, saved["executions"])):
        for name, count in counts.items():
            getattr(counter, name).count(count)
    return record


def _counts(counter: ProgressCounter) -> dict[str, int]:
    return {name: one.get() for name, one in vars(counter).items()}

"""A Map Run: the child executions of a Distributed Map, a limited number at a time, and how they ended."""

import threading
import uuid
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from moto.stepfunctions.parser.asl.component.program.program import Program
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration.itemprocessor.distributed_item_processor import (  # noqa: E501
    DistributedItemProcessorEvalInput,
)
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.asl.eval.event.event_manager import EventHistoryContext, EventManager
from moto.stepfunctions.parser.asl.eval.program_state import ProgramEnded, ProgramError, ProgramStopped
from moto.stepfunctions.parser.asl.eval.states import ExecutionData
from moto.stepfunctions.parser.asl.utils.encoding import to_json_str

# AWS runs up to 10,000 children at once; here each takes threads of this process.
MAX_CHILDREN = 40
# The field of DescribeMapRun's counts for each final status of a child.
COUNTERS = {"SUCCEEDED": "succeeded", "FAILED": "failed", "TIMED_OUT": "timed_out", "ABORTED": "aborted"}


@dataclass(frozen=True)
class Child:
    """A child execution's part of a result file, and how many items it was given."""

    result: dict[str, Any]
    items: int

    @property
    def status(self) -> str:
        """SUCCEEDED, FAILED, TIMED_OUT or ABORTED."""
        return str(self.result["Status"])


class TooManyFailures(Exception):
    """More items failed than the state tolerates; `children` are those that have ended."""

    def __init__(self, message: str, children: list[Child]) -> None:
        super().__init__(message)
        self.children = children


class MapRun:
    """Runs the children of one Map Run and counts how they and their items ended."""

    def __init__(
        self,
        program: Program,
        env: Environment,
        state: DistributedItemProcessorEvalInput,
        definition: Mapping[str, Any],
    ) -> None:
        """`definition` is the state's as it was written, `program` what each child runs."""
        self._program = program
        self._env = env
        self._definition = definition
        self._record = state.map_run_record
        self._count_limit: int = state.tolerated_failure_count
        self._share_limit: float = state.tolerated_failure_percentage
        self._lock = threading.Lock()
        self._failed = threading.Event()
        self._total = 0
        self._arn = self._record.map_run_arn.replace(":mapRun:", ":execution:").rsplit(":", 1)[0]

    def run(self, inputs: list[Any]) -> list[Child]:
        """Run a child for each input; raise TooManyFailures once more items failed than is tolerated."""
        self._total = sum(map(_size, inputs))
        for counter, number in (
            (self._record.item_counter, self._total),
            (self._record.execution_counter, len(inputs)),
        ):
            counter.total.count(number)
            counter.pending.count(number)
        at_once = min(self._record.max_concurrency or MAX_CHILDREN, MAX_CHILDREN)
        with ThreadPoolExecutor(at_once) as pool:
            children = [child for child in pool.map(self._child, inputs) if child]
        if self._failed.is_set():
            raise TooManyFailures("The specified tolerated failure threshold was exceeded", children)
        return children

    def _child(self, given: Any) -> Child | None:
        if self._failed.is_set() or not self._env.is_running():
            return None
        name, started = str(uuid.uuid4()), datetime.now(UTC)
        self._move(given, "pending", "running")
        frame = self._env.open_inner_frame(EventHistoryContext.of_program_start())
        frame.event_manager = EventManager()
        context = frame.states.context_object.context_object_data
        context["Execution"] = ExecutionData(
            Id=f"{self._arn}:{name}",
            Input=given,
            Name=name,
            RoleArn=self._env.aws_execution_details.role_arn,
            StartTime=started.isoformat(),
        )
        frame.states.reset(given)
        self._program.eval(frame)
        self._env.delete_frame(frame)
        end = _end(frame)
        self._move(given, "running", COUNTERS[end["Status"]])
        if end["Status"] == "SUCCEEDED":
            self._move(given, None, "results_written")
        self._stop_where_too_many_failed()
        machine = self._record.map_state_machine_arn
        result = {
            "ExecutionArn": f"{self._arn}:{name}",
            "Input": to_json_str(given),
            "InputDetails": {"Included": True},
            "Name": name,
            "StartDate": started.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "StateMachineArn": machine,
            "StopDate": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        }
        return Child(result | end, _size(given))

    def _move(self, given: Any, before: str | None, after: str) -> None:
        for counter, number in ((self._record.item_counter, _size(given)), (self._record.execution_counter, 1)):
            if before:
                getattr(counter, before).offset(-number)
            getattr(counter, after).count(number)

    def _stop_where_too_many_failed(self) -> None:
        counter = self._record.item_counter
        failed = counter.failed.get() + counter.timed_out.get()
        if failed and failed > self._tolerated():
            self._failed.set()

    def _tolerated(self) -> float:
        """Return how many items may fail: the lower of the two limits, of those that the state sets."""
        limits = []
        if self._sets("ToleratedFailureCount"):
            limits.append(float(self._count_limit))
        if self._sets("ToleratedFailurePercentage"):
            limits.append(self._share_limit / 100 * self._total)
        return min(limits, default=0.0)

    def _sets(self, field: str) -> bool:
        return field in self._definition or f"{field}Path" in self._definition


def _end(frame: Environment) -> dict[str, Any]:
    """Return the part of a child's result that says how it ended."""
    state = frame.program_state()
    if isinstance(state, ProgramEnded):
        output = to_json_str(frame.states.get_input())
        return {"Status": "SUCCEEDED", "Output": output, "OutputDetails": {"Included": True}}
    if isinstance(state, ProgramError):
        error = state.error or {}
        return {"Status": "FAILED", "Error": error.get("error", ""), "Cause": error.get("cause", "")}
    return {"Status": "ABORTED"} if isinstance(state, ProgramStopped) else {"Status": "TIMED_OUT"}


def _size(given: Any) -> int:
    """Return how many items a child's input holds."""
    return len(given["Items"]) if isinstance(given, dict) and "Items" in given else 1

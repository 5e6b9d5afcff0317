"""Step Functions' Distributed Map, in the place of moto's, which knows neither batches nor results nor tolerance.

What it does is documented at https://docs.aws.amazon.com/step-functions/latest/dg/state-map-distributed.html.
"""

import json
import threading
import uuid
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from botocore.exceptions import ClientError
from moto.stepfunctions.parser.api import ExecutionFailedEventDetails, HistoryEventType, MapRunStatus
from moto.stepfunctions.parser.asl.component.common.error_name.error_name import ErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import FailureEvent, FailureEventException
from moto.stepfunctions.parser.asl.component.common.timeouts.timeout import TimeoutSeconds
from moto.stepfunctions.parser.asl.component.program.program import Program
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration.itemprocessor.distributed_item_processor import (  # noqa: E501
    DistributedItemProcessor,
    DistributedItemProcessorEvalInput,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_map.state_map import StateMap
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.asl.eval.event.event_detail import EventDetails
from moto.stepfunctions.parser.asl.eval.event.event_manager import EventHistoryContext, EventManager
from moto.stepfunctions.parser.asl.eval.program_state import ProgramEnded, ProgramError, ProgramStopped
from moto.stepfunctions.parser.asl.eval.states import ExecutionData, ItemData, MapData
from moto.stepfunctions.parser.asl.utils import boto_client
from moto.stepfunctions.parser.asl.utils.encoding import to_json_str
from moto.stepfunctions.parser.asl.utils.json_path import extract_json

EXPRESS_SECONDS = 300
# AWS runs up to 10,000 children at once; each is threads of this process.
MOST_CHILDREN = 40
# How a child's end is written in DescribeMapRun's counts.
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


class DistributedMap(DistributedItemProcessor):
    """The item processor of a Distributed Map state, with the fields of the state that moto doesn't parse."""

    def __init__(self, state: StateMap, definition: Mapping[str, Any]) -> None:
        """Take over `state`, which moto parsed from what `taken_from` left of its definition."""
        parsed = state.iteration_component
        assert isinstance(parsed, DistributedItemProcessor)
        super().__init__(
            query_language=parsed._query_language,
            start_at=parsed._start_at,
            states=parsed._states,
            comment=parsed._comment,  # type: ignore[arg-type]  # moto's own subclass gives it None too
            processor_config=parsed._processor_config,
        )
        self._definition = definition
        self._writer, state.result_writer = state.result_writer, None
        state.iteration_component = self

    def _eval_body(self, env: Environment) -> None:
        state: DistributedItemProcessorEvalInput = env.stack.pop()
        arn = state.map_run_record.map_run_arn
        started = EventDetails(mapRunStartedEventDetails={"mapRunArn": arn})  # type: ignore[typeddict-item]
        env.event_manager.add_event(env.event_history_context, HistoryEventType.MapRunStarted, started)
        try:
            children = _MapRun(self._program(), env, state, self._definition).run(self._batches(env, state))
            failure = None
        except _TooManyFailures as error:
            children, failure = error.children, _failure(env, "States.ExceedToleratedFailureThreshold", str(error))
        except FailureEventException:
            state.map_run_record.set_stop(MapRunStatus.FAILED)
            raise
        if self._writer:
            self._writer.parargs.eval(env=env)
            env.stack.append(self._write(env.stack.pop(), arn, children))
        else:
            done = [json.loads(child.result["Output"]) for child in children if child.status == "SUCCEEDED"]
            env.stack.append(done)
        state.map_run_record.set_stop(MapRunStatus.FAILED if failure else MapRunStatus.SUCCEEDED)
        if failure:
            raise failure
        env.event_manager.add_event(env.event_history_context, HistoryEventType.MapRunSucceeded)

    def _program(self) -> Program:
        program = self._get_iteration_program()
        if self._definition["ItemProcessor"]["ProcessorConfig"].get("ExecutionType") == "EXPRESS":
            program.timeout_seconds = TimeoutSeconds(EXPRESS_SECONDS)  # type: ignore[misc]  # it is made for each map run
        return program

    def _batches(self, env: Environment, state: DistributedItemProcessorEvalInput) -> list[Any]:
        """Return each child's input: an item, or with an ItemBatcher a batch of them."""
        given = env.states.get_input()
        items = [self._selected(env, state, index, item) for index, item in enumerate(self._items(env, state))]
        batcher = self._definition.get("ItemBatcher")
        if batcher is None:
            return items
        path = batcher.get("MaxItemsPerBatchPath")
        size = int(extract_json(path, given)) if path else int(batcher["MaxItemsPerBatch"])
        left = iter(items)
        return [{"Items": batch} for batch in iter(lambda: list(islice(left, size)), [])]

    def _items(self, env: Environment, state: DistributedItemProcessorEvalInput) -> list[Any]:
        if not state.item_reader:
            return list(state.input_items)
        try:
            state.item_reader.eval(env=env)
        except ClientError as error:
            raise _failure(env, "States.ItemReaderFailed", str(error)) from error
        return list(env.stack.pop())

    def _selected(self, env: Environment, state: DistributedItemProcessorEvalInput, index: int, item: Any) -> Any:
        if not state.item_selector:
            return item
        frame = env.open_inner_frame()
        given = env.states.get_input()
        frame.states.reset(given)
        frame.stack.append(given)
        frame.states.context_object.context_object_data["Map"] = MapData(Item=ItemData(Index=index, Value=item))
        state.item_selector.eval(frame)
        env.delete_frame(frame)
        return frame.stack.pop()

    def _write(self, target: Mapping[str, str], map_run_arn: str, children: list[Child]) -> dict[str, Any]:
        """Put a file for each end that children came to, and the manifest that names the files."""
        lines = self._definition["ResultWriter"].get("WriterConfig", {}).get("OutputType") == "JSONL"
        folder = "/".join(part for part in (target["Prefix"].strip("/"), map_run_arn.rsplit(":", 1)[-1]) if part)
        s3: Any = boto_client.boto_client_for(region=map_run_arn.split(":")[3], service="s3")
        files: dict[str, list[dict[str, Any]]] = {"FAILED": [], "PENDING": [], "SUCCEEDED": []}
        for name, wanted in (("SUCCEEDED", {"SUCCEEDED"}), ("FAILED", {"FAILED", "TIMED_OUT", "ABORTED"})):
            results = [child.result for child in children if child.status in wanted]
            if not results:
                continue
            body = "".join(json.dumps(one) + "\n" for one in results) if lines else json.dumps(results)
            key = f"{folder}/{name}_0.{'jsonl' if lines else 'json'}"
            s3.put_object(Bucket=target["Bucket"], Key=key, Body=body.encode())
            files[name].append({"Key": key, "Size": len(body.encode())})
        manifest = {"DestinationBucket": target["Bucket"], "MapRunArn": map_run_arn, "ResultFiles": files}
        details = {"Bucket": target["Bucket"], "Key": f"{folder}/manifest.json"}
        s3.put_object(**details, Body=json.dumps(manifest).encode())
        return {"MapRunArn": map_run_arn, "ResultWriterDetails": details}


class _TooManyFailures(Exception):
    """More items failed than the state tolerates; `children` are those that have ended."""

    def __init__(self, message: str, children: list[Child]) -> None:
        super().__init__(message)
        self.children = children


class _MapRun:
    """Runs the children of one Map Run, so many at once, and counts what becomes of them and of their items."""

    def __init__(
        self,
        program: Program,
        env: Environment,
        state: DistributedItemProcessorEvalInput,
        definition: Mapping[str, Any],
    ) -> None:
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
        """Run a child for each input; raise _TooManyFailures once more items failed than is tolerated."""
        self._total = sum(map(_size, inputs))
        for counter, number in (
            (self._record.item_counter, self._total),
            (self._record.execution_counter, len(inputs)),
        ):
            counter.total.count(number)
            counter.pending.count(number)
        at_once = min(self._record.max_concurrency or MOST_CHILDREN, MOST_CHILDREN)
        with ThreadPoolExecutor(at_once) as pool:
            children = [child for child in pool.map(self._child, inputs) if child]
        if self._failed.is_set():
            raise _TooManyFailures("The specified tolerated failure threshold was exceeded", children)
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


def _failure(env: Environment, error: str, cause: str) -> FailureEventException:
    failed = ExecutionFailedEventDetails(error=error, cause=cause)
    details = EventDetails(executionFailedEventDetails=failed)  # type: ignore[typeddict-item]
    return FailureEventException(FailureEvent(env, ErrorName(error), HistoryEventType.MapRunFailed, details))


def taken_from(definition: str) -> tuple[str, dict[str, dict[str, Any]]]:
    """Return a definition as moto can parse it, and its Distributed Map states by name, as they were written."""
    machine = json.loads(definition)
    maps = {}
    for name, state in _distributed(machine):
        maps[name] = json.loads(json.dumps(state))
        state.pop("ItemBatcher", None)
        state.get("ResultWriter", {}).pop("WriterConfig", None)
        state["ItemProcessor"]["ProcessorConfig"]["ExecutionType"] = "STANDARD"
        if "ToleratedFailurePercentage" in state:
            state["ToleratedFailurePercentage"] = float(state["ToleratedFailurePercentage"])
    return json.dumps(machine), maps


def _distributed(machine: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, state in machine.get("States", {}).items():
        if state.get("ItemProcessor", {}).get("ProcessorConfig", {}).get("Mode") == "DISTRIBUTED":
            yield name, state

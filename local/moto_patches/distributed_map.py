"""A Distributed Map that replaces moto's, which knows no batches, results or tolerated failures.

What it does is documented at https://docs.aws.amazon.com/step-functions/latest/dg/state-map-distributed.html.
"""

import json
from collections.abc import Iterator, Mapping
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
from moto.stepfunctions.parser.asl.eval.states import ItemData, MapData
from moto.stepfunctions.parser.asl.utils import boto_client, json_path

from local.moto_patches.map_run import Child, MapRun, TooManyFailures

EXPRESS_SECONDS = 300


class DistributedMap(DistributedItemProcessor):
    """The item processor of a Distributed Map state, with the fields of the state that moto doesn't parse."""

    def __init__(self, state: StateMap, definition: Mapping[str, Any]) -> None:
        """Take over `state`, which moto parsed from what `without_distributed_maps` left of its definition."""
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
            children = MapRun(self._program(), env, state, self._definition).run(self._batches(env, state))
            failure = None
        except TooManyFailures as error:
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
        size = int(json_path.extract_json(path, given)) if path else int(batcher["MaxItemsPerBatch"])
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
        """Write one result file per final status of the children, and the manifest that lists the files."""
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


def _failure(env: Environment, error: str, cause: str) -> FailureEventException:
    failed = ExecutionFailedEventDetails(error=error, cause=cause)
    details = EventDetails(executionFailedEventDetails=failed)  # type: ignore[typeddict-item]
    return FailureEventException(FailureEvent(env, ErrorName(error), HistoryEventType.MapRunFailed, details))


def without_distributed_maps(definition: str) -> tuple[str, dict[str, dict[str, Any]]]:
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

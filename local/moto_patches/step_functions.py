"""Patches for moto's Step Functions where it does something other than AWS documents."""

import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from antlr4 import ParserRuleContext  # type: ignore[import-untyped]
from moto.stepfunctions.parser.api import ExecutionFailedEventDetails
from moto.stepfunctions.parser.asl.component.eval_component import EvalComponent
from moto.stepfunctions.parser.asl.component.program.program import Program
from moto.stepfunctions.parser.asl.component.state.exec.state_map.item_reader.eval.resource_eval_s3 import (
    ResourceEvalS3,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_map.state_map import StateMap
from moto.stepfunctions.parser.asl.component.state.exec.state_task.credentials import StateCredentials
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.resource import ResourceRuntimePart
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_aws_sdk import (
    StateTaskServiceAwsSdk,
)
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.asl.eval.program_state import ProgramStopped
from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser
from moto.stepfunctions.parser.asl.utils import boto_client
from moto.stepfunctions.parser.backend.execution_worker import ExecutionWorker
from moto.stepfunctions.parser.models import StepFunctionsParserBackend

from local.moto_patches.distributed_map import DistributedMap, without_distributed_maps
from local.moto_patches.patch import Patch

ERROR_PREFIXES = {"sagemaker": "SageMaker", "scheduler": "Scheduler"}


def run_distributed_maps(parse: Callable[[str], Any]) -> Callable[..., Any]:
    """Run Distributed Maps by our own Map Run.

    Moto refuses ItemBatcher, Express children, WriterConfig and whole percentages, tolerates every failure, writes no
    results, and recurses once for each item of a worker.
    """

    def parse_with_maps(definition: str) -> tuple[EvalComponent, ParserRuleContext]:
        rest, maps = without_distributed_maps(definition)
        program, tree = parse(rest)
        for name, written in maps.items():
            assert isinstance(program, Program)
            state = program.states.states[name]
            assert isinstance(state, StateMap)
            DistributedMap(state, written)
        return program, tree

    return parse_with_maps


def list_all_keys(_original: Callable[..., None]) -> Callable[..., None]:
    """Moto's listObjectsV2 reader takes at most 1,000 keys, with times that aren't JSON, and fails on an empty list."""

    def handle_list_objects_v2(env: Environment, part: ResourceRuntimePart, credentials: StateCredentials) -> None:
        client: Any = boto_client.boto_client_for(part.region, "s3", credentials)
        pages = client.get_paginator("list_objects_v2").paginate(**env.stack.pop())
        env.stack.append([_item(item) for page in pages for item in page.get("Contents", [])])

    return handle_list_objects_v2


def name_members_of_sdk_tasks(_original: Callable[..., None]) -> Callable[..., None]:
    """Name the members of aws-sdk tasks as Step Functions does.

    Moto's tasks pass parameters and answers by the SDK's names (stateMachineArn), where Step Functions has capitals
    (StateMachineArn); and times as objects, which aren't JSON.
    """

    def eval_service_task(
        task: StateTaskServiceAwsSdk,
        env: Environment,
        resource_runtime_part: ResourceRuntimePart,
        normalised_parameters: dict[str, Any],
        state_credentials: StateCredentials,
    ) -> None:
        region = resource_runtime_part.region
        client: Any = boto_client.boto_client_for(region, task._get_boto_service_name(), state_credentials)
        method = task._get_boto_service_action()
        operation = client.meta.service_model.operation_model(client.meta.method_to_api_mapping[method])
        names = {name.lower(): name for name in operation.input_shape.members}
        given = {names.get(key.lower(), key): value for key, value in normalised_parameters.items()}
        answer = getattr(client, method)(**given)
        answer.pop("ResponseMetadata", None)
        env.stack.append(_capitalised(answer))

    return eval_service_task


def name_services_in_errors(name: Callable[[str], str]) -> Callable[[str], str]:
    """Moto names the errors of most services by the service in a task's resource (`sagemaker.`), in small letters.

    Source: https://docs.aws.amazon.com/step-functions/latest/dg/supported-services-awssdk.html
    """

    def normalise_service_error_name(service: str) -> str:
        return ERROR_PREFIXES.get(service) or name(service)

    return normalise_service_error_name


def set_the_environment_at_the_start(start: Callable[[ExecutionWorker], None]) -> Callable[..., None]:
    """Moto answers DescribeMapRun and ListMapRuns with 500 while any execution's thread has not begun."""

    def start_with_environment(worker: ExecutionWorker) -> None:
        worker.env = worker._get_evaluation_environment()
        start(worker)

    return start_with_environment


def keep_aborted_executions_aborted(set_error: Callable[..., None]) -> Callable[..., None]:
    """Moto turns an aborted execution into a failed one when the task that StopExecution interrupted fails."""

    def set_error_unless_stopped(self: Environment, error: ExecutionFailedEventDetails) -> None:
        if not isinstance(self.program_state(), ProgramStopped):
            set_error(self, error)

    return set_error_unless_stopped


def name_every_execution(start: Callable[..., Any]) -> Callable[..., Any]:
    """Moto names an execution without a name `None`, so that the second is refused; Step Functions names it by a UUID.

    Source: https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html
    """

    def start_execution(
        self: StepFunctionsParserBackend, state_machine_arn: str, name: str | None = None, *given: Any, **named: Any
    ) -> Any:
        return start(self, state_machine_arn, name or str(uuid.uuid4()), *given, **named)

    return start_execution


def _capitalised(value: Any) -> Any:
    if isinstance(value, dict):
        return {key[:1].upper() + key[1:]: _capitalised(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_capitalised(inner) for inner in value]
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return value


def _item(listed: dict[str, Any]) -> dict[str, Any]:
    """Return an object as the reader gives it to the map."""
    return {
        "Etag": listed["ETag"],
        "Key": listed["Key"],
        "LastModified": int(listed["LastModified"].timestamp()),
        "Size": listed["Size"],
        "StorageClass": listed["StorageClass"],
    }


PATCHES = (
    Patch(AmazonStateLanguageParser, "parse", "a59a7d18760f", run_distributed_maps),
    Patch(ResourceEvalS3, "_handle_list_objects_v2", "f4a476c93e91", list_all_keys),
    Patch(StateTaskServiceAwsSdk, "_eval_service_task", "e68dc9e06e6a", name_members_of_sdk_tasks),
    Patch(StateTaskServiceAwsSdk, "_normalise_service_error_name", "7fccfad3463f", name_services_in_errors),
    Patch(ExecutionWorker, "start", "0b502dd3a4e5", set_the_environment_at_the_start),
    Patch(StepFunctionsParserBackend, "start_execution", "0f8d9dd57baf", name_every_execution),
    Patch(Environment, "set_error", "6447409d4056", keep_aborted_executions_aborted),
)

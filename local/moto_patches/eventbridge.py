"""Patches for EventBridge: targets that moto's rules ignore, an event that it never sends, and one that it invents."""

import copy
import json
import re
import time
import uuid
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from jsonpath_ng.ext.parser import parse
from moto.core.utils import unix_time
from moto.events.models import Rule, events_backends
from moto.events.utils import _BASE_EVENT_MESSAGE
from moto.s3.models import FakeKey, S3Backend
from moto.sqs.models import sqs_backends
from moto.stepfunctions.parser.api import ExecutionStatus, StateMachineType
from moto.stepfunctions.parser.backend.execution import BaseExecutionWorkerCommunication, Execution
from moto.stepfunctions.parser.models import stepfunctions_parser_backends

from local.moto_patches.patch import Patch

if TYPE_CHECKING:
    from moto.events.utils import EventMessageType


def send_to_targets_as_they_ask(send: Callable[..., None]) -> Callable[..., None]:
    """Moto's rules start no execution of a state machine, and send a queue the whole event whatever InputPath says."""

    def send_to_targets(self: Rule, original_event: "EventMessageType", transform_input: bool = True) -> None:
        ours = [target for target in self.targets if ":states:" in target["Arn"] or "InputPath" in target]
        others = copy.copy(self)
        others.targets = [target for target in self.targets if target not in ours]
        send(others, original_event, transform_input)
        if self.event_pattern.matches_event(original_event):
            for target in ours:
                _send(target, self.account_id, self.region_name, transformed(target, original_event))

    return send_to_targets


def announce_ends_of_executions(terminated: Callable[..., None]) -> Callable[..., None]:
    """Moto sends no event when a Standard execution ends, as Step Functions does.

    The event: https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html.
    """

    def terminated_and_announced(self: BaseExecutionWorkerCommunication) -> None:
        terminated(self)
        if self.execution.sm_type == StateMachineType.STANDARD:
            _announce(self.execution)

    return terminated_and_announced


def announce_no_tags_where_none_are_put(put: Callable[..., FakeKey]) -> Callable[..., FakeKey]:
    """Moto sends the event "Object Tags Added" for every object that is put, which is a sixth of what a PUT takes.

    S3 sends it for PutObjectTagging alone: https://docs.aws.amazon.com/AmazonS3/latest/userguide/EventBridge.html.
    """

    def put_object_tagging(self: S3Backend, key: FakeKey, tags: dict[str, str] | None) -> FakeKey:
        if not tags:
            self.tagger.delete_all_tags_for_resource(key.arn)
            return key
        return put(self, key, tags)

    return put_object_tagging


def transformed(target: Mapping[str, Any], event: Mapping[str, Any]) -> str:
    """Return the JSON that a target gets of an event: all of it, the part at InputPath, or what InputTransformer makes.

    `<name>` without quotes, as in the app stack's template, is replaced by the value as JSON. The rules:
    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html.
    """
    if path := target.get("InputPath"):
        return json.dumps(_found(path, event)[0])
    transformer = target.get("InputTransformer")
    if not transformer:
        return json.dumps(event)
    values = {
        name: json.dumps(found[0])
        for name, path in transformer["InputPathsMap"].items()
        if (found := _found(path, event))
    }
    return re.sub(r"<([\w.-]+)>", lambda match: values.get(match[1], ""), transformer["InputTemplate"])


def _send(target: Mapping[str, Any], account: str, region: str, body: str) -> None:
    arn = target["Arn"]
    if ":states:" in arn:
        stepfunctions_parser_backends[account][region].start_execution(arn, str(uuid.uuid4()), body)
    else:
        sqs_backends[account][region].send_message(queue_name=arn.rsplit(":", 1)[-1], message_body=body)


def _announce(execution: Execution) -> None:
    event: Any = copy.deepcopy(_BASE_EVENT_MESSAGE) | {
        "detail-type": "Step Functions Execution Status Change",
        "source": "aws.states",
        "account": execution.account_id,
        "time": unix_time(),
        "region": execution.region_name,
        "resources": [execution.exec_arn],
        "detail": _detail(execution),
    }
    for bus in events_backends[execution.account_id][execution.region_name].event_buses.values():
        for rule in list(bus.rules.values()):
            rule.send_to_targets(event, transform_input=False)


def _detail(execution: Execution) -> dict[str, Any]:
    done = execution.exec_status == ExecutionStatus.SUCCEEDED
    return {
        "executionArn": execution.exec_arn,
        "stateMachineArn": execution.state_machine.arn,
        "name": execution.name,
        "status": execution.exec_status and execution.exec_status.value,
        "startDate": int(execution.start_date.timestamp() * 1000),
        "stopDate": int(time.time() * 1000),
        "input": execution.execution_input,
        "inputDetails": {"included": True},
        "output": json.dumps(execution.output) if done else None,
        "outputDetails": {"included": True} if done else None,
        "error": execution.error,
        "cause": execution.cause,
    }


def _found(path: str, event: Mapping[str, Any]) -> list[Any]:
    """Return what a path finds; jsonpath-ng reads a dash without quotes as a minus."""
    first, *names = path.split(".")
    quoted = ".".join([first, *(f"'{name}'" for name in names)])
    return [match.value for match in parse(quoted).find(event)]


PATCHES = (
    Patch(Rule, "send_to_targets", "472e002e2dab", send_to_targets_as_they_ask),
    Patch(S3Backend, "put_object_tagging", "5d1ebe6352a4", announce_no_tags_where_none_are_put),
    Patch(BaseExecutionWorkerCommunication, "terminated", "360372a6a57b", announce_ends_of_executions),
)

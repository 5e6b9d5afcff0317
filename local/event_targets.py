"""State machines as targets of EventBridge rules, which moto passes over."""

import copy
import json
import re
import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from jsonpath_ng.ext.parser import parse
from moto.events.models import Rule
from moto.stepfunctions.parser.models import stepfunctions_parser_backends

if TYPE_CHECKING:
    from moto.events.utils import EventMessageType


def start_state_machines() -> None:
    """Moto's rules send to queues, logs and buses; an execution of a state machine is never started."""
    send = Rule.send_to_targets
    if send.__module__ == __name__:
        return

    def send_to_targets(self: Rule, original_event: "EventMessageType", transform_input: bool = True) -> None:
        machines = [target for target in self.targets if ":states:" in target["Arn"]]
        others = copy.copy(self)
        others.targets = [target for target in self.targets if target not in machines]
        send(others, original_event, transform_input)
        if self.event_pattern.matches_event(original_event):
            for target in machines:
                backend = stepfunctions_parser_backends[self.account_id][self.region_name]
                backend.start_execution(target["Arn"], str(uuid.uuid4()), transformed(target, original_event))

    Rule.send_to_targets = send_to_targets  # type: ignore[method-assign]


def transformed(target: Mapping[str, Any], event: Mapping[str, Any]) -> str:
    """Return the JSON that a target gets of an event: all of it, or what its InputTransformer makes.

    A value stands as JSON where `<name>` stands without quotes, as the template of the app stack has it. The rules:
    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html.
    """
    transformer = target.get("InputTransformer")
    if not transformer:
        return json.dumps(event)
    values = {
        name: json.dumps(found[0].value)
        for name, path in transformer["InputPathsMap"].items()
        if (found := parse(_quoted(path)).find(event))
    }
    return re.sub(r"<([\w.-]+)>", lambda match: values.get(match[1], ""), transformer["InputTemplate"])


def _quoted(path: str) -> str:
    """Return the path as jsonpath-ng takes it, which reads a dash without quotes as a minus."""
    first, *names = path.split(".")
    return ".".join([first, *(f"'{name}'" for name in names)])

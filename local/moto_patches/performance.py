"""Patches without which moto gives the same answers, only much later."""

import copy
import functools
from collections.abc import Callable
from types import ModuleType
from typing import Any

import jsonpath_ng.ext.parser
from moto.core.utils import unix_time_millis
from moto.moto_server.werkzeug_app import DomainDispatcherApplication
from moto.sqs.models import Message, Queue
from moto.stepfunctions.parser.asl.component.common.path import result_path
from moto.stepfunctions.parser.asl.component.common.string import string_expression
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import state_task_service
from moto.stepfunctions.parser.asl.eval import states
from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser
from moto.stepfunctions.parser.asl.utils import json_path

from local.moto_patches.patch import Patch, replace_in_modules

CACHED_DEFINITIONS = 64
CACHED_PATHS = 1024
COPYING_MODULES: tuple[ModuleType, ...] = (result_path, state_task_service, states, string_expression)


def find_each_backend_once(find: Callable[..., Any]) -> Callable[..., Any]:
    """Moto's server lists its own folder on disk for each request, to find out which service a host name means."""
    return functools.cache(find)


def parse_each_definition_once(parse: Callable[..., Any]) -> Callable[..., Any]:
    """Moto parses a state machine's definition anew for each execution, which costs more than the rest of it.

    A parsed program keeps no state of an execution: that is in the execution's own environment.
    """
    return functools.lru_cache(CACHED_DEFINITIONS)(parse)


def parse_each_path_once() -> None:
    """Moto makes a parser for each use of a JSONPath, a third of what an execution costs."""
    for module, parse in ((json_path, jsonpath_ng.ext.parser.parse), (result_path, jsonpath_ng.parser.parse)):
        replace_in_modules((module,), "parse", parse, functools.lru_cache(CACHED_PATHS)(parse))


def copy_json_as_json() -> None:
    """Moto copies the data of each state by `copy.deepcopy`, which looks for cycles and classes too."""
    replace_in_modules(COPYING_MODULES, "copy", copy, JsonCopier)


def look_at_the_clock_once(_: Callable[..., list[Message]]) -> Callable[..., list[Message]]:
    """Moto asks for the time twice a message that waits, at every message that is sent."""

    def messages(self: Queue) -> list[Message]:
        now = unix_time_millis()
        return [message for message in self._messages if message.visible_at < now >= message.delayed_until]

    return messages


def count_the_hidden_at_one_time(_: Callable[..., int]) -> Callable[..., int]:
    """As above, for the messages that somebody has received."""

    def approximate_number_of_messages_not_visible(self: Queue) -> int:
        now = unix_time_millis()
        return sum(now <= message.visible_at for message in self._messages)

    return approximate_number_of_messages_not_visible


def count_the_delayed_at_one_time(_: Callable[..., int]) -> Callable[..., int]:
    """As above, for the messages that were sent with a delay."""

    def approximate_number_of_messages_delayed(self: Queue) -> int:
        now = unix_time_millis()
        return sum(now < message.delayed_until for message in self._messages)

    return approximate_number_of_messages_delayed


class JsonCopier:
    """Replaces the module `copy`."""

    @staticmethod
    def deepcopy(value: Any) -> Any:
        """Return a copy of JSON that shares no list or object with it."""
        if isinstance(value, dict):
            return {key: JsonCopier.deepcopy(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [JsonCopier.deepcopy(inner) for inner in value]
        return value


PATCHES = (
    Patch(DomainDispatcherApplication, "get_backend_for_host", "1f41972c1e4e", find_each_backend_once),
    Patch(AmazonStateLanguageParser, "parse", "a59a7d18760f", parse_each_definition_once),
    Patch(Queue, "messages", "03a531dbcbcf", look_at_the_clock_once),
    Patch(Queue, "approximate_number_of_messages_not_visible", "5dbecc4dda17", count_the_hidden_at_one_time),
    Patch(Queue, "approximate_number_of_messages_delayed", "c3c1dadb0c42", count_the_delayed_at_one_time),
)

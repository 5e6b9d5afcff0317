"""Patches for how moto reads definitions and paths of the Amazon States Language."""

import json
from collections.abc import Callable
from types import ModuleType
from typing import Any

from moto.core.exceptions import AWSError
from moto.stepfunctions.parser import api
from moto.stepfunctions.parser.asl.component.common.string import string_expression
from moto.stepfunctions.parser.asl.component.intrinsic.argument import argument
from moto.stepfunctions.parser.asl.component.state.choice.comparison.operator import factory
from moto.stepfunctions.parser.asl.component.state.choice.comparison.operator.implementations import (
    boolean_equals,
    numeric,
    string_operators,
    timestamp_operators,
)
from moto.stepfunctions.parser.asl.eval import states
from moto.stepfunctions.parser.asl.utils import json_path
from moto.stepfunctions.parser.models import StepFunctionsParserBackend

from local.moto_patches.patch import Patch, replace_in_modules
from local.states_language import REFERENCE_PATH, problems

PATH_READERS: tuple[ModuleType, ...] = (
    json_path,
    states,
    string_expression,
    boolean_equals,
    numeric,
    string_operators,
    timestamp_operators,
    factory,
    argument,
)
_original = json_path.extract_json


class InvalidDefinition(AWSError):
    """What CreateStateMachine and UpdateStateMachine answer to a definition that isn't valid."""

    TYPE = "InvalidDefinition"
    STATUS = 400


def refuse_broken_structures(validate: Callable[[str], None]) -> Callable[..., Any]:
    """Moto takes state names that repeat and transitions to nowhere, and answers what it refuses without a code."""

    def validate_definition(definition: str) -> None:
        try:
            validate(definition)
        except api.InvalidDefinition as error:
            raise InvalidDefinition(error.message) from error
        if found := problems(json.loads(definition)):
            raise InvalidDefinition(f"Invalid State Machine Definition: '{', '.join(map(str, found))}'")

    return validate_definition


def read_single_nodes_as_values() -> None:
    """Moto gives `$.rows[0].name` as a list of one value, as if the path could name more nodes than one."""

    def extract_json(path: str, data: Any) -> Any:
        if not REFERENCE_PATH.fullmatch(path):
            return _original(path, data)
        found = json_path.parse(path).find(data)  # type: ignore[attr-defined]  # moto looks it up there
        return found[0].value if found else _original(path, data)

    replace_in_modules(PATH_READERS, "extract_json", _original, extract_json)


PATCHES = (Patch(StepFunctionsParserBackend, "_validate_definition", "a5921e3d3b46", refuse_broken_structures),)

"""Patches to how moto reads definitions and paths of the Amazon States Language."""

import json
import sys
from typing import Any

from moto.core.exceptions import AWSError
from moto.stepfunctions.parser import api
from moto.stepfunctions.parser.asl.utils import json_path
from moto.stepfunctions.parser.models import StepFunctionsParserBackend

from local.states_language import REFERENCE_PATH, problems


def apply() -> None:
    """Patch moto in this process; a second call changes nothing."""
    refuse_broken_structures()
    read_single_nodes_as_values()


class InvalidDefinition(AWSError):
    """What CreateStateMachine and UpdateStateMachine answer to a definition that isn't valid."""

    TYPE = "InvalidDefinition"
    STATUS = 400


def refuse_broken_structures() -> None:
    """Moto takes state names that repeat and transitions to nowhere, and answers what it refuses without a code."""
    validate = StepFunctionsParserBackend._validate_definition
    if validate.__module__ == __name__:
        return

    def validate_definition(definition: str) -> None:
        try:
            validate(definition)
        except api.InvalidDefinition as error:
            raise InvalidDefinition(error.message) from error
        if found := problems(json.loads(definition)):
            raise InvalidDefinition(f"Invalid State Machine Definition: '{', '.join(map(str, found))}'")

    StepFunctionsParserBackend._validate_definition = staticmethod(validate_definition)  # type: ignore[method-assign]


def read_single_nodes_as_values() -> None:
    """Moto gives `$.rows[0].name` as a list of one value, as if the path could name more nodes than one."""
    extract = json_path.extract_json
    if extract.__module__ == __name__:
        return

    def extract_json(path: str, data: Any) -> Any:
        if not REFERENCE_PATH.fullmatch(path):
            return extract(path, data)
        found = json_path.parse(path).find(data)  # type: ignore[attr-defined]  # moto looks it up there
        return found[0].value if found else extract(path, data)

    for module in list(sys.modules.values()):
        if getattr(module, "extract_json", None) is extract:
            module.extract_json = extract_json  # type: ignore[attr-defined]

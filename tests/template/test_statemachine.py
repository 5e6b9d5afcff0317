"""The state machines' definitions: their grammar, their error names, and what they may carry."""

import ast
import json
import re
from pathlib import Path

import cfnlint
import jsonschema
import pytest
from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser

from local.moto_patches import patches
from tests.conftest import ROOT
from tests.machines import MACHINES
from tests.template.states_language.walk import states

# Error names that Step Functions and Lambda themselves give:
# https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
SERVICE_ERROR = re.compile(r"(States|Lambda|Sandbox|Runtime|StepFunctions|Sfn|SQS|S3|SageMaker|Scheduler)\.\w+")


def classes_of_functions() -> set[str]:
    sources = [*(ROOT / "functions").glob("*/app.py"), *(ROOT / "imaging").glob("*.py")]
    trees = [ast.parse(path.read_text()) for path in sources]
    return {node.name for tree in trees for node in tree.body if isinstance(node, ast.ClassDef)}


@pytest.fixture(params=MACHINES, ids=lambda machine: machine.name)
def definition(request: pytest.FixtureRequest) -> str:
    """A state machine's definition as the template deploys it."""
    return str(request.param.definition)


def test_a_definition_is_in_the_language_as_cfn_lint_and_moto_know_it(definition: str) -> None:
    folder = Path(cfnlint.__file__).parent / "data/schemas/other/step_functions"
    schema = json.loads((folder / "statemachine.json").read_text())
    jsonschema.Draft7Validator(schema).validate(json.loads(definition))
    patches.apply()
    AmazonStateLanguageParser.parse(definition)


@pytest.mark.parametrize("path", sorted((ROOT / "statemachine").glob("*.asl.json")), ids=lambda path: path.name)
def test_a_definition_names_no_resource_of_an_account(path: Path) -> None:
    assert not re.search(r"arn:aws:(?!states:::)|\d{12}|https?://", path.read_text())


def test_every_error_name_of_ours_is_a_class_of_a_function(definition: str) -> None:
    names = {
        error
        for _, state in states(json.loads(definition))
        for rule in [*state.get("Retry", []), *state.get("Catch", [])]
        for error in rule["ErrorEquals"]
    }
    ours = {name for name in names if not SERVICE_ERROR.fullmatch(name)}
    assert ours <= classes_of_functions()


def test_retries_are_bounded_with_backoff_and_jitter_and_never_for_the_inputs_faults(definition: str) -> None:
    for name, state in states(json.loads(definition)):
        caught = {error for rule in state.get("Catch", []) for error in rule["ErrorEquals"]}
        for rule in state.get("Retry", []):
            assert rule["MaxAttempts"] <= 20, name
            assert rule["BackoffRate"] > 1, name
            assert rule["MaxDelaySeconds"] <= 60, name
            assert rule["JitterStrategy"] == "FULL", name
            assert not caught & set(rule["ErrorEquals"]), name


def test_every_task_has_a_timeout(definition: str) -> None:
    for name, state in states(json.loads(definition)):
        if state["Type"] == "Task":
            assert state["TimeoutSeconds"] > 0, name

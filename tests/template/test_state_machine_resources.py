"""The state machines in the app stack's template: substitutions, timeouts and retries."""

import importlib
import re
from typing import Any

import pytest

from inference.run import LONGEST_EXECUTION
from tests.template.app_stack import (
    FUNCTIONS,
    definition,
    states_of,
    tasks_of,
)
from tests.template.transformed import APP, flat, of_type, resources, transformed

CLIENTS = {"SerializeFunction": "S3", "ClassifyFunction": "RUNTIME"}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_the_sdk_gives_up_before_lambda_and_lambda_before_the_task(function: str) -> None:
    timeout = of_type(APP, "AWS::Lambda::Function")[function]["Timeout"]
    (task,) = tasks_of(function)
    assert timeout < task["TimeoutSeconds"]
    if function in CLIENTS:
        app = importlib.import_module(f"functions.{FUNCTIONS[function]}.app")
        config = getattr(app, CLIENTS[function]).meta.config
        attempts = config.retries["total_max_attempts"]
        # Between two attempts the SDK's standard mode waits a second at most.
        assert attempts * (config.connect_timeout + config.read_timeout) + (attempts - 1) < timeout


@pytest.mark.parametrize("machine", ["ClassifyImage", "ClassifyImageExpress", "ClassifyBatch"])
def test_a_definition_and_its_substitutions_name_the_same_things_and_they_exist(machine: str) -> None:
    text, substitutions = definition(machine)
    assert set(re.findall(r"\$\{(\w+)\}", text)) == set(substitutions)
    known = set(resources(APP)) | set(transformed(APP)["Parameters"])
    assert {flat(value) for value in substitutions.values() if not isinstance(value, int)} <= known


def test_the_express_and_the_standard_machine_differ_in_how_long_they_retry_alone() -> None:
    (text, standard), (same, express) = definition("ClassifyImage"), definition("ClassifyImageExpress")
    assert text == same
    differing = {name for name in standard if standard[name] != express[name]}
    assert differing == {"MaxAttempts", "MaxDelaySeconds", "TimeoutSeconds"}


def longest_waits(retry: dict[str, Any]) -> list[float]:
    """Return the upper bound of each wait of a retrier; with full jitter a wait is half of it on average."""
    waits = (retry["IntervalSeconds"] * retry["BackoffRate"] ** number for number in range(retry["MaxAttempts"]))
    return [min(wait, retry["MaxDelaySeconds"]) for wait in waits]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_transient_error_is_retried_for_minutes_and_a_crash_is_not(function: str) -> None:
    transient, crash = tasks_of(function)[0]["Retry"]
    assert 5 * 60 < sum(longest_waits(transient)) / 2 < sum(longest_waits(transient)) < 20 * 60
    assert sum(longest_waits(crash)) < 60
    crashes = {"Runtime.ExitError", "Runtime.OutOfMemory", "Sandbox.Timedout", "States.Timeout"}
    # A model that fails on an image will fail on it again.
    failures = {"ModelFailed"} if function == "ClassifyFunction" else set()
    assert set(crash["ErrorEquals"]) == crashes | failures


def test_a_standard_execution_outlasts_the_retries_of_two_states_and_an_express_one_ends_within_5_minutes() -> None:
    machine = states_of("ClassifyImage")
    retried = [sum(longest_waits(one["Retry"][0])) for one in machine["States"].values() if "Retry" in one]
    assert 2 * max(retried) < machine["TimeoutSeconds"] < LONGEST_EXECUTION
    assert states_of("ClassifyImageExpress")["TimeoutSeconds"] < 300


def test_executions_are_traced_and_logged_without_the_image() -> None:
    for machine in of_type(APP, "AWS::StepFunctions::StateMachine").values():
        assert machine["TracingConfiguration"] == {"Enabled": True}
        assert machine["LoggingConfiguration"]["IncludeExecutionData"] is False

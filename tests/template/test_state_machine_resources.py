"""The state machines in the app stack's template: substitutions, timeouts and retries."""

import importlib
import json
import re
from typing import Any

import numpy as np
import pytest

from inference.run import LONGEST_EXECUTION
from tests.machines import MACHINES
from tests.template.app_stack import FUNCTIONS, definition, states_of, tasks_of
from tests.template.states_language.walk import states
from tests.template.transformed import APP, flat, of_type, resources, transformed, under

# A serverless endpoint's, in seconds: longer than that of a container with a model of some 20 MB.
COLD_START = 60


def patience_of(function: str, *holding: str) -> float:
    """Return for how many seconds a function may wait for AWS, one request after the other."""
    app: Any = importlib.import_module(f"functions.{FUNCTIONS[function]}.app")
    if function == "ThresholdFunction":
        return 0.0
    if function == "SerializeFunction":
        return patience(app.S3.meta.config)
    variables = under(of_type(APP, "AWS::Lambda::Function")[function]["Environment"]["Variables"], *holding)
    longer = float(variables["MODEL_TIMEOUT"]) - float(app.MODEL_TIMEOUT)
    return patience(app.RUNTIME.meta.config) + longer + patience(app.CAPTURE_PATIENCE)


def patience(config: Any) -> float:
    """Return for how many seconds a client may wait for one answer."""
    attempts = config.retries["total_max_attempts"]
    # Between two attempts the SDK's standard mode waits a second at most.
    return float(attempts * (config.connect_timeout + config.read_timeout) + (attempts - 1))


@pytest.mark.parametrize("holding", [(), ("IsServerless",)])
@pytest.mark.parametrize("function", FUNCTIONS)
def test_the_sdk_gives_up_before_lambda_and_lambda_before_the_task(function: str, holding: tuple[str, ...]) -> None:
    timeout = under(of_type(APP, "AWS::Lambda::Function")[function]["Timeout"], *holding)
    (task,) = tasks_of(function, *holding)
    assert patience_of(function, *holding) < timeout < task["TimeoutSeconds"]


@pytest.mark.parametrize("machine", ["ClassifyImage", "ClassifyImageExpress", "ClassifyBatch", "ExpireEndpoint"])
def test_a_definition_and_its_substitutions_name_the_same_things_and_they_exist(machine: str) -> None:
    text, substitutions = definition(machine)
    assert set(re.findall(r"\$\{(\w+)\}", text)) == set(substitutions)
    known = set(resources(APP)) | set(transformed(APP)["Parameters"])
    values = under(substitutions).values()
    assert {flat(value) for value in values if not isinstance(value, int)} <= known


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


@pytest.mark.parametrize("machine", ["ClassifyImage", "ClassifyImageExpress"])
def test_a_cold_start_of_a_minute_passes_with_an_answer_or_while_the_endpoint_throttles(machine: str) -> None:
    variables = of_type(APP, "AWS::Lambda::Function")["ClassifyFunction"]["Environment"]["Variables"]
    assert float(under(variables, "IsServerless")["MODEL_TIMEOUT"]) > COLD_START
    (task,) = tasks_of("ClassifyFunction", "IsServerless", machine=machine)
    transient = task["Retry"][0]
    # With full jitter each wait is anything up to its limit.
    random = np.random.default_rng(0)
    waits = [random.uniform(0, limit, 100_000) for limit in longest_waits(transient)]
    assert np.mean(np.sum(waits, axis=0) < COLD_START) < 0.001
    # The image that was throttled may meet a cold start of its own then.
    slowest = COLD_START + transient["MaxDelaySeconds"] + task["TimeoutSeconds"]
    assert slowest < states_of(machine, "IsServerless")["TimeoutSeconds"]


def test_a_batch_waits_longer_for_an_image_than_its_execution_may_take() -> None:
    (batch,) = (json.loads(machine.definition) for machine in MACHINES if machine.name == "ClassifyBatch")
    (task,) = (state for _, state in states(batch) if state["Type"] == "Task")
    assert states_of("ClassifyImageExpress", "IsServerless")["TimeoutSeconds"] < task["TimeoutSeconds"] < 300


def test_executions_are_traced_and_logged_without_the_image() -> None:
    for machine in of_type(APP, "AWS::StepFunctions::StateMachine").values():
        assert machine["TracingConfiguration"] == {"Enabled": True}
        assert machine["LoggingConfiguration"]["IncludeExecutionData"] is False

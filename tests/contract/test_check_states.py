"""The calls of `make check-aws` before a TestState that runs each state, mocked as asked, on the local stack."""

import json
import sys
from collections.abc import Iterator, Mapping
from types import SimpleNamespace
from typing import Any

import boto3
import pytest

from checks import aws, states
from checks.check import Check, Status
from checks.samples import Untestable, branches, sample
from local import stack
from local.template import StateMachineSpec, Template
from tests.conftest import ROOT

MACHINES = Template(
    ROOT / "template.yaml",
    {"DataBucketName": "workflow-data"},
    stack.REGION,
    lambda name, what: f"arn:aws:sqs:us-east-1:123456789012:{name}" if what == "Arn" else f"https://queue/{name}",
).state_machines()


class Service:
    """Step Functions' two test operations; botocore has validated a request before it comes here."""

    def __init__(self, definition: str | None = None) -> None:
        """Answer by another definition than the one that is sent, where one is given."""
        self._definition = definition
        self._states: Any = boto3.client("stepfunctions")
        self.diagnostics: list[dict[str, str]] = []
        self.requests: list[dict[str, Any]] = []
        self.client: Any = boto3.client("stepfunctions")
        # The stubs know only handlers that return nothing; one that returns a response replaces the call.
        events = self.client.meta.events
        events.register("before-call.stepfunctions.TestState", self._test_state)
        events.register("before-call.stepfunctions.ValidateStateMachineDefinition", self._validate)

    def _validate(self, **_: Any) -> Any:
        failed = any(one["severity"] == "ERROR" for one in self.diagnostics)
        return _answer({"result": "FAIL" if failed else "OK", "diagnostics": self.diagnostics})

    def _test_state(self, params: Mapping[str, Any], **_: Any) -> Any:
        asked = json.loads(params["body"])
        self.requests.append(asked)
        machine = json.loads(self._definition or asked["definition"])
        state = dict(states.walk(machine))[asked["stateName"]]
        mock = asked.get("mock", {})
        # As the service: only these take a mock, and they need one; a context goes with a mock alone.
        assert bool(mock) is (state["Type"] in {"Task", "Map", "Parallel"})
        assert mock or "context" not in asked
        if "errorOutput" in mock:
            count = asked["stateConfiguration"]["retrierRetryCount"]
            return _answer(_after_error(state, mock["errorOutput"]["error"], count))
        return _answer(self._run(asked["stateName"], state, asked))

    def _run(self, name: str, state: dict[str, Any], asked: Mapping[str, Any]) -> dict[str, Any]:
        """Run the state alone; the state after it gives back its own name."""
        if "mock" in asked:
            kept = {key: state[key] for key in ("ResultPath", "OutputPath", "Next", "End") if key in state}
            state = {"Type": "Pass", "Result": json.loads(asked["mock"]["result"])} | kept
        targets = {choice["Next"] for choice in state.get("Choices", ())} | {state.get("Next"), state.get("Default")}
        after = {target: {"Type": "Pass", "Result": {"next": target}, "End": True} for target in targets if target}
        machine = {"StartAt": name, "States": {name: state} | after}
        arn = self._states.create_state_machine(
            name=f"alone-{len(self.requests)}", definition=json.dumps(machine), roleArn=stack.ROLE_ARN
        )["stateMachineArn"]
        started = self._states.start_execution(stateMachineArn=arn, name="one", input=asked["input"])
        while (ended := self._states.describe_execution(executionArn=started["executionArn"]))["status"] == "RUNNING":
            pass
        self._states.delete_state_machine(stateMachineArn=arn)
        if not after or ended["status"] != "SUCCEEDED":
            return {"status": ended["status"], "cause": ended.get("cause", "")}
        return {"status": ended["status"], "nextState": json.loads(ended["output"])["next"]}


def _answer(parsed: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    return SimpleNamespace(status_code=200), parsed


def _after_error(state: Mapping[str, Any], error: str, count: int) -> dict[str, Any]:
    """The states language's rule for an error: the first that names it, itself or by a wildcard."""
    names = {error, "States.ALL"} | ({"States.TaskFailed"} if error != "States.Timeout" else set())
    for index, retry in enumerate(state.get("Retry", [])):
        if names & {*retry["ErrorEquals"]} and count < retry["MaxAttempts"]:
            return {"status": "RETRIABLE", "error": error, "inspectionData": {"errorDetails": {"retryIndex": index}}}
    for index, catch in enumerate(state.get("Catch", [])):
        if names & {*catch["ErrorEquals"]}:
            details = {"errorDetails": {"catchIndex": index}}
            return {"status": "CAUGHT_ERROR", "error": error, "nextState": catch["Next"], "inspectionData": details}
    return {"status": "FAILED", "error": error}


@pytest.fixture
def checked(programs: stack.Running) -> None:
    """An environment that leads to the local stack, whose interpreter runs the states."""
    assert programs.pid


def bad(checks: Iterator[Check]) -> list[Check]:
    return [check for check in checks if check.status is Status.BAD]


@pytest.mark.usefixtures("checked")
@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.name)
def test_every_state_does_as_its_definition_says_and_none_is_left_out(machine: StateMachineSpec) -> None:
    service = Service()
    made = list(states.run(service.client, machine))
    assert not bad(iter(made))
    named = {name for name, _ in states.walk(json.loads(machine.definition))}
    skipped = {check.name.partition(", ")[2] for check in made if check.status is Status.SKIPPED}
    assert {request["stateName"] for request in service.requests} == named - skipped
    assert len(made) > len(named)
    # Step Functions gives a Pass no context, and takes no mock of it; it runs no state for longer than five minutes.
    for name, state in states.walk(json.loads(machine.definition)):
        assert (name in skipped) == (
            ("$$." in json.dumps(state) and state["Type"] == "Pass") or state["Type"] == "Wait"
        )


@pytest.mark.usefixtures("checked")
def test_every_error_that_is_retried_or_caught_is_tried_before_and_after_its_retries() -> None:
    machine = next(one for one in MACHINES if one.name == "ClassifyImage")
    service = Service()
    list(states.run(service.client, machine))
    tried = {
        (request["stateName"], request["mock"]["errorOutput"]["error"])
        for request in service.requests
        if "errorOutput" in request.get("mock", {})
    }
    for name, state in states.walk(json.loads(machine.definition)):
        for handler in (*state.get("Retry", ()), *state.get("Catch", ())):
            for error in handler["ErrorEquals"]:
                assert (name, error) in tried or error.startswith("States.")


@pytest.mark.usefixtures("checked")
@pytest.mark.parametrize(
    ("handler", "change"),
    [("Catch", {"Next": "Elsewhere"}), ("Catch", {"ErrorEquals": ["Other"]}), ("Retry", {"MaxAttempts": 1})],
)
def test_an_answer_that_is_not_the_definitions_is_bad(handler: str, change: dict[str, Any]) -> None:
    machine = next(one for one in MACHINES if one.name == "ClassifyImage")
    other = json.loads(machine.definition)
    _, state = next(one for one in states.walk(other) if handler in one[1])
    state[handler][0].update(change)
    assert bad(states.run(Service(json.dumps(other)).client, machine))


@pytest.mark.usefixtures("checked")
def test_a_definition_that_the_service_refuses_is_bad_and_one_with_a_warning_is_not() -> None:
    service = Service()
    assert states.validate(service.client, MACHINES[0]).status is Status.OK
    warning = {"severity": "WARNING", "code": "LONG_TIMEOUT", "message": "too long", "location": "/States/A"}
    service.diagnostics = [warning]
    assert states.validate(service.client, MACHINES[0]).status is Status.OK
    service.diagnostics = [warning, warning | {"severity": "ERROR", "code": "DUPLICATE_STATE_NAME"}]
    check = states.validate(service.client, MACHINES[0])
    assert check.status is Status.BAD
    assert "DUPLICATE_STATE_NAME at /States/A" in check.found


@pytest.mark.usefixtures("checked")
def test_what_cannot_be_tested_is_bad_with_its_name() -> None:
    state = {"Type": "Task", "Resource": "arn:aws:states:::dynamodb:putItem", "End": True}
    machine = StateMachineSpec("New", "STANDARD", json.dumps({"StartAt": "Put", "States": {"Put": state}}))
    (check,) = states.run(Service().client, machine)
    assert check.status is Status.BAD
    assert "dynamodb:putItem" in check.found


def test_a_sample_has_every_path_that_a_state_reads() -> None:
    state = {
        "Type": "Pass",
        "InputPath": "$.a",
        "Parameters": {"b.$": "$.c.d", "e.$": "States.StringToJson($.f)", "g.$": "$$.Execution.Input", "h": "$.text"},
        "OutputPath": "$.result",
    }
    assert sample(state) == {"a": "text", "c": {"d": "text"}, "f": "{}"}
    assert sample({"Type": "Pass", "Parameters": {"x.$": "$[*].y", "z.$": "$[0].w"}}) == [{"y": "text", "w": "text"}]
    assert sample({"Type": "Map", "ItemsPath": "$.i", "MaxConcurrencyPath": "$.m"}) == {"i": ["text"], "m": 1}


def test_a_choice_has_an_input_for_each_rule_and_one_for_its_default() -> None:
    rules = [{"Variable": "$.a", "StringEquals": "x", "Next": "X"}, {"Variable": "$.b", "IsPresent": True, "Next": "Y"}]
    made = {branch.next: branch.input for branch in branches({"Choices": rules, "Default": "Z"})}
    assert made == {"X": {"a": "x"}, "Y": {"a": "not x", "b": "text"}, "Z": {"a": "not x"}}
    with pytest.raises(Untestable, match="IsNull"):
        branches({"Choices": [{"Variable": "$.a", "IsNull": True, "Next": "X"}]})


@pytest.mark.usefixtures("checked")
def test_the_command_says_what_it_could_not_judge_and_fails(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["check-aws"])
    assert aws.main() == 1
    output = capsys.readouterr().out
    assert "ValidateStateMachineDefinition has no answer here" in output
    assert output.splitlines()[-1] == "1 skipped"


@pytest.mark.usefixtures("checked")
def test_the_command_succeeds_where_every_definition_and_every_state_is_as_it_should_be(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    service = Service()
    monkeypatch.setattr(boto3, "client", lambda _name: service.client)
    monkeypatch.setattr(sys, "argv", ["check-aws"])
    assert aws.main() == 0
    assert sum(line.endswith("is valid: no diagnostics") for line in capsys.readouterr().out.splitlines()) == len(
        MACHINES
    )

"""Check the state machines' definitions by Step Functions itself, without any of their resources.

`ValidateStateMachineDefinition` reads each definition; `TestState` runs every state of it, nested ones too, alone: a
mocked result, each error that it retries or catches, retries that are used up, an error that nothing handles. See
https://docs.aws.amazon.com/step-functions/latest/dg/test-state-isolation.html.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from checks.check import Check, Status
from checks.samples import Untestable, branches, sample
from local.template import StateMachineSpec

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

UNFORESEEN = "Unforeseen"
NO_CONTEXT = "reads the execution's context, which TestState gives only to a state with a mock"
TOO_LONG = "waits for longer than the five minutes for which TestState runs"
DEFAULT_ATTEMPTS = 3
WHEN = "2026-01-01T00:00:00.000Z"
ARN = "arn:aws:states:us-east-1:123456789012"
# What a service answers, by the integration that a task names: TestState holds them against the service's model.
RESULTS: dict[str, Any] = {
    "lambda:invoke": {"StatusCode": 200, "Payload": {"s3_bucket": "bucket", "s3_key": "key"}},
    "sqs:sendMessage": {"MessageId": "00000000-0000-0000-0000-000000000000", "MD5OfMessageBody": "0" * 32},
    "aws-sdk:sfn:startSyncExecution": {
        "ExecutionArn": f"{ARN}:express:machine:name:00000000-0000-0000-0000-000000000000",
        "StartDate": WHEN,
        "StopDate": WHEN,
        "Status": "SUCCEEDED",
        "Output": "{}",
    },
    "aws-sdk:sfn:listExecutions": {"Executions": []},
    "aws-sdk:sagemaker:deleteEndpoint": {},
    "aws-sdk:scheduler:getSchedule": {"ScheduleExpression": "at(2026-01-01T00:00:00)"},
    "aws-sdk:scheduler:deleteSchedule": {},
}
WRITTEN = {"MapRunArn": f"{ARN}:mapRun:machine/map:run", "ResultWriterDetails": {"Bucket": "bucket", "Key": "key"}}
CONTEXT = {
    "Execution": {
        "Id": f"{ARN}:execution:machine:name",
        "Name": "name",
        "RoleArn": "arn:aws:iam::123456789012:role/role",
        "StartTime": WHEN,
        "Input": {},
    }
}


@dataclass(frozen=True)
class Expected:
    """What TestState must say: the status, the next state (None: the end), and which Retry or Catch takes the error."""

    status: str
    next: str | None = None
    retry: int | None = None
    catch: int | None = None


@dataclass(frozen=True)
class Case:
    """One call of TestState: the state, what is tried, the rest of the request, and what must come of it."""

    state: str
    what: str
    request: Mapping[str, Any]
    expected: Expected


def validate(client: "SFNClient", machine: StateMachineSpec) -> Check:
    """Let Step Functions validate a definition; an error is bad, a warning is only shown."""
    answer = client.validate_state_machine_definition(
        definition=machine.definition, type=machine.type, severity="WARNING"
    )
    said = "; ".join(
        f"{one['severity']} {one['code']} at {one.get('location', '/')}: {one['message']}"
        for one in answer["diagnostics"]
    )
    bad = answer["result"] != "OK" or any(one["severity"] == "ERROR" for one in answer["diagnostics"])
    status = Status.BAD if bad else Status.OK
    return Check(f"{machine.name} is valid", status, said or "no diagnostics", "Correct the definition." if bad else "")


def run(client: "SFNClient", machine: StateMachineSpec, role_arn: str | None = None) -> Iterator[Check]:
    """Test every state of a machine; the role is for the states that take no mock, if Step Functions wants one."""
    for name, state in walk(json.loads(machine.definition)):
        try:
            cases = list(cases_of(name, state))
        except Untestable as error:
            yield Check(f"{machine.name}, {name}", Status.BAD, str(error), "Teach checks/ how to test it.")
            continue
        if not cases:
            yield Check(f"{machine.name}, {name}", Status.SKIPPED, NO_CONTEXT if state["Type"] != "Wait" else TOO_LONG)
        for case in cases:
            request = {"definition": machine.definition, "stateName": name, "inspectionLevel": "DEBUG", **case.request}
            if role_arn and "mock" not in request:
                request["roleArn"] = role_arn
            yield _judge(f"{machine.name}, {name}: {case.what}", case.expected, dict(client.test_state(**request)))


def walk(machine: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every state of a machine by its name, also those within others."""
    for name, state in machine["States"].items():
        yield name, state
        for inner in (*state.get("Branches", ()), state.get("ItemProcessor"), state.get("Iterator")):
            if inner:
                yield from walk(inner)


def cases_of(name: str, state: Mapping[str, Any]) -> Iterator[Case]:
    """Yield what is tried of a state.

    Raises:
        Untestable: nothing is known to try it with.
    """
    match state["Type"]:
        case "Task" | "Map" | "Parallel":
            yield from _mocked(name, state)
        case "Choice":
            for number, branch in enumerate(branches(state)):
                request = {"input": json.dumps(branch.input)}
                yield Case(name, f"branch {number}", request, Expected("SUCCEEDED", branch.next))
        case "Fail":
            yield Case(name, "fails", {"input": json.dumps(sample(state))}, Expected("FAILED"))
        case "Wait":
            pass
        case _ if "$$." not in json.dumps(state):
            request = {"input": json.dumps(sample(state))}
            yield Case(name, "passes", request, Expected("SUCCEEDED", state.get("Next")))


def _mocked(name: str, state: Mapping[str, Any]) -> Iterator[Case]:
    common: dict[str, Any] = {"input": json.dumps(sample(state))}
    if "$$.Execution" in json.dumps(_own(state)):
        common["context"] = json.dumps(CONTEXT | {"State": {"Name": name, "EnteredTime": WHEN}})
    configuration: dict[str, Any] = {}
    if "ItemReader" in state:
        configuration["mapItemReaderData"] = "s3_bucket,s3_key\nbucket,key\n"
    request = common | {"mock": {"result": json.dumps(_result(state))}}
    if configuration:
        request["stateConfiguration"] = configuration
    yield Case(name, "a result", request, Expected("SUCCEEDED", state.get("Next")))
    if state["Type"] == "Map":
        configuration = configuration | {"errorCausedByState": state["ItemProcessor"]["StartAt"]}
    handlers = [*state.get("Retry", ()), *state.get("Catch", ())]
    errors = dict.fromkeys(_error(one) for handler in handlers for one in handler["ErrorEquals"])
    for error in [*errors, *([] if UNFORESEEN in errors else [UNFORESEEN])]:
        attempts = _attempts(state, error)
        # The last retry, and the error after it.
        for count in (attempts - 1, attempts) if attempts else (0,):
            request = common | {"mock": {"errorOutput": {"error": error, "cause": "mocked"}}}
            request["stateConfiguration"] = configuration | {"retrierRetryCount": count}
            yield Case(name, f"{error} after {count} retries", request, handled(state, error, count))


def handled(state: Mapping[str, Any], error: str, retries: int) -> Expected:
    """Return what becomes of an error that was retried so often already: the first Retry and Catch that match count."""
    for index, retry in enumerate(state.get("Retry", ())):
        if _matches(retry, error):
            if retries < retry.get("MaxAttempts", DEFAULT_ATTEMPTS):
                return Expected("RETRIABLE", retry=index)
            break
    for index, catch in enumerate(state.get("Catch", ())):
        if _matches(catch, error):
            return Expected("CAUGHT_ERROR", catch["Next"], catch=index)
    return Expected("FAILED")


def _judge(name: str, expected: Expected, answer: Mapping[str, Any]) -> Check:
    details = answer.get("inspectionData", {}).get("errorDetails", {})
    # The handlers' numbers come with the errors that they take.
    found = Expected(
        answer["status"],
        answer.get("nextState"),
        details.get("retryIndex") if answer["status"] == "RETRIABLE" else None,
        details.get("catchIndex") if answer["status"] == "CAUGHT_ERROR" else None,
    )
    if found == expected:
        return Check(name, Status.OK, f"{found.status}{f', then {found.next}' if found.next else ''}")
    said = " ".join(filter(None, (answer.get("error"), answer.get("cause"))))
    return Check(
        name, Status.BAD, f"{found}, not {expected} {said}".strip(), "Correct the state, or what checks/ expects."
    )


def _result(state: Mapping[str, Any]) -> Any:
    if state["Type"] != "Task":
        return WRITTEN if "ResultWriter" in state else [{"outcome": "ACCEPTED"} for _ in state.get("Branches", [None])]
    integration = state["Resource"].partition(":::")[2]
    if integration not in RESULTS:
        raise Untestable(f"there is no mocked result for {state['Resource']}")
    return RESULTS[integration]


def _own(state: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in state.items() if key not in {"ItemProcessor", "Iterator", "Branches"}}


def _attempts(state: Mapping[str, Any], error: str) -> int:
    return next((one.get("MaxAttempts", DEFAULT_ATTEMPTS) for one in state.get("Retry", ()) if _matches(one, error)), 0)


def _matches(handler: Mapping[str, Any], error: str) -> bool:
    names = handler["ErrorEquals"]
    return error in names or "States.ALL" in names or ("States.TaskFailed" in names and error != "States.Timeout")


def _error(name: str) -> str:
    """A handler of all errors is tried with one that no other names."""
    return UNFORESEEN if name in {"States.ALL", "States.TaskFailed"} else name

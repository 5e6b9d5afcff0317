import json
from collections.abc import Callable
from concurrent.futures import Future
from datetime import timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from contracts.outcomes import CLASSIFIED
from inference.cases import Case
from inference.executions import Execution, ExecutionsError, read_executions, write_executions
from inference.run import RunError, run_cases
from tests.unit.samples import START, execution

Machine = Callable[..., str]

# Ends as its input says: by what it carries under "output", or by failing with "error".
BY_INPUT: dict[str, Any] = {
    "Which": {
        "Type": "Choice",
        "Choices": [
            {"Variable": "$.error", "IsPresent": True, "Next": "Broken"},
            {"Variable": "$.wait", "IsPresent": True, "Next": "Wait"},
        ],
        "Default": "End",
    },
    "Wait": {"Type": "Wait", "SecondsPath": "$.wait", "Next": "End"},
    "End": {"Type": "Pass", "OutputPath": "$.output", "End": True},
    "Broken": {"Type": "Fail", "ErrorPath": "$.error", "Cause": "On purpose."},
}


def case(name: str, event: dict[str, Any]) -> Case:
    return Case(name, event, "bicycle", CLASSIFIED)


def ending(name: str, outcome: str = "ACCEPTED") -> Case:
    return case(name, {"output": {"outcome": outcome, "label": "bicycle", "confidence": 0.75, "inference_id": name}})


def test_every_case_has_one_record_in_the_order_of_the_cases(machine: Machine, tmp_path: Path) -> None:
    cases = [ending(f"c{i}", outcome) for i, outcome in enumerate(["ACCEPTED", "REVIEW", "REJECTED"] * 3)]
    executions = run_cases(machine(BY_INPUT), cases, tmp_path, concurrency=3)
    assert [(e.case, e.outcome) for e in executions] == [(c.name, c.event["output"]["outcome"]) for c in cases]
    assert sorted(e.case for e in read_executions(tmp_path / "executions.jsonl")) == [c.name for c in cases]
    assert {e.confidence for e in executions} == {0.75}
    assert all(
        e.truth == "bicycle" and e.seconds is not None and 0 <= e.seconds < 60 and e.started.endswith("+00:00")
        for e in executions
    )


def test_a_failed_execution_is_recorded_with_its_error_and_cause(machine: Machine, tmp_path: Path) -> None:
    [failed] = run_cases(machine(BY_INPUT), [case("broken", {"error": "ModelFailed"})], tmp_path)
    assert (failed.outcome, failed.error, failed.cause) == ("FAILED", "ModelFailed", "On purpose.")


def test_a_success_that_names_no_outcome_is_recorded_as_failed(machine: Machine, tmp_path: Path) -> None:
    cases = [case("other", {"output": {"outcome": "FINE"}}), case("list", {"output": [1]})]
    assert [(e.outcome, e.error) for e in run_cases(machine(BY_INPUT), cases, tmp_path)] == [
        ("FAILED", "UnknownOutcome")
    ] * 2


@pytest.mark.usefixtures("aws")
def test_a_case_that_can_not_be_started_is_recorded_and_the_others_run(tmp_path: Path) -> None:
    client = boto3.client("stepfunctions")
    arn = "arn:aws:states:us-east-1:123456789012:execution:m:x"
    with Stubber(client) as stub:
        described = {"stateMachineArn": "m", "name": "m", "definition": "{}", "roleArn": "r", "creationDate": START}
        stub.add_response("describe_state_machine", {**described, "type": "STANDARD"})
        stub.add_client_error("start_execution", "ExecutionLimitExceeded", "Too many.")
        stub.add_response("start_execution", {"executionArn": arn, "startDate": START})
        stub.add_client_error("describe_execution", "ExecutionDoesNotExist", "Not yet.")
        stub.add_response("describe_execution", {**_described(arn), "status": "RUNNING"})
        stub.add_response(
            "describe_execution", {**_described(arn), "status": "ABORTED", "stopDate": START + timedelta(seconds=1)}
        )
        refused, aborted = run_cases("m", [ending("first"), ending("second")], tmp_path, concurrency=1, client=client)
    assert (refused.outcome, refused.error, refused.execution_arn) == ("FAILED", "ExecutionLimitExceeded", None)
    assert (aborted.outcome, aborted.error, aborted.execution_arn) == ("FAILED", "ABORTED", arn)
    assert aborted.seconds == 1


def _described(arn: str) -> dict[str, Any]:
    return {"executionArn": arn, "stateMachineArn": "m", "startDate": START}


def test_an_execution_that_never_ends_is_recorded_when_its_time_is_up(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("inference.run.LONGEST_EXECUTION", 0.2)
    [late] = run_cases(machine(BY_INPUT), [case("late", {"wait": 3, "output": {}})], tmp_path)
    assert (late.outcome, late.error) == ("FAILED", "TimeoutError")
    assert late.execution_arn is not None


@pytest.mark.drill("Interruptions")
def test_an_interrupted_run_keeps_what_ended_and_a_resumed_one_does_the_rest(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cases = [ending("first"), case("second", {"wait": 2, "output": {"outcome": "REVIEW"}}), ending("third")]
    arn = machine(BY_INPUT)

    def interrupted(futures: Any, *_: Any, **__: Any) -> Any:
        first: Future[Execution] = next(iter(futures))
        yield first
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("inference.run.track", interrupted)
        with pytest.raises(KeyboardInterrupt):
            run_cases(arn, cases, tmp_path, concurrency=1)
    path = tmp_path / "executions.jsonl"
    kept = read_executions(path)
    assert [e.case for e in kept] == ["first"]

    path.write_text(path.read_text() + '{"case": "torn')
    resumed = run_cases(arn, cases, tmp_path, concurrency=3, resume=True)
    assert [(e.case, e.outcome) for e in resumed] == [
        ("first", "ACCEPTED"),
        ("second", "REVIEW"),
        ("third", "ACCEPTED"),
    ]
    assert resumed[0] == kept[0]
    assert len(read_executions(path)) == 3


def test_resuming_runs_failed_and_changed_cases_again(machine: Machine, tmp_path: Path) -> None:
    path = tmp_path / "executions.jsonl"
    old = [
        execution(1, "FAILED", case="failed", input=ending("failed").event),
        execution(2, "REJECTED", case="changed", input={"s3_key": "elsewhere"}),
        execution(3, "REJECTED", case="same", input=ending("same").event),
    ]
    write_executions(path, old)
    executions = run_cases(
        machine(BY_INPUT), [ending("failed"), ending("changed"), ending("same")], tmp_path, resume=True
    )
    assert [e.outcome for e in executions] == ["ACCEPTED", "ACCEPTED", "REJECTED"]
    assert len(read_executions(path)) == 3


def test_a_new_run_puts_the_earlier_records_aside(machine: Machine, tmp_path: Path) -> None:
    write_executions(tmp_path / "executions.jsonl", [execution(1)])
    run_cases(machine(BY_INPUT), [ending("new")], tmp_path)
    assert [e.case for e in read_executions(tmp_path / "executions.previous.jsonl")] == ["bicycle-00001"]
    assert [e.case for e in read_executions(tmp_path / "executions.jsonl")] == ["new"]


def test_an_express_state_machine_is_refused(machine: Machine, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="give the Standard one"):
        run_cases(machine(BY_INPUT, "EXPRESS"), [ending("a")], tmp_path)


@pytest.mark.usefixtures("aws")
def test_a_missing_state_machine_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="can't be described"):
        run_cases("arn:aws:states:us-east-1:123456789012:stateMachine:none", [ending("a")], tmp_path)
    assert not list(tmp_path.iterdir())


def test_no_concurrency_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="at least 1"):
        run_cases("arn", [ending("a")], tmp_path, concurrency=0)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "line 2 is not an execution"),
        ("[]", "line 2 is not an execution"),
        ('{"case": "a"}', "line 2 is not an execution"),
    ],
)
def test_a_malformed_record_is_named_with_its_line(tmp_path: Path, line: str, message: str) -> None:
    path = tmp_path / "executions.jsonl"
    path.write_text(execution(1).to_line() + line + "\n")
    with pytest.raises(ExecutionsError, match=message):
        read_executions(path)


def test_an_outcome_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "executions.jsonl"
    row = json.loads(execution(1).to_line())
    path.write_text(json.dumps({**row, "outcome": "MAYBE"}) + "\n")
    with pytest.raises(ExecutionsError, match="MAYBE"):
        read_executions(path)


def test_a_file_that_is_not_text_holds_no_executions(tmp_path: Path) -> None:
    path = tmp_path / "executions.jsonl"
    path.write_bytes(b"\xff")
    with pytest.raises(ExecutionsError, match=r"does not hold executions \(it is not UTF-8 text\); run"):
        read_executions(path)

"""Play cases in moto, as the local stack patches it, with tasks that give a case's answers and call no service."""

import json
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import groupby
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from moto import mock_aws
from moto.core.config import default_user_config
from moto.stepfunctions.parser.api import HistoryEventType, TaskFailedEventDetails
from moto.stepfunctions.parser.asl.component.common.error_name.custom_error_name import CustomErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.error_name import ErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import FailureEvent, FailureEventException
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name import StatesErrorName
from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service import StateTaskService
from moto.stepfunctions.parser.asl.component.state.state import CommonStateField
from moto.stepfunctions.parser.asl.component.state.wait.wait_function.seconds import Seconds
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.asl.eval.event.event_detail import EventDetails

from local import stack
from local.moto_patches import patches
from tests.judges.scenarios import Case, definitions

LONGEST_SECONDS = 30


@dataclass
class Tasks:
    """The tasks of one case: each call takes an answer and is noted with what was sent, as is each state entered."""

    case: Case
    calls: list[tuple[str, Any]] = field(default_factory=list)
    entered: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._left = {name: list(answers) for name, answers in self.case.tasks.items()}
        self._lock = threading.Lock()

    def answer(self, name: str, parameters: Any) -> dict[str, Any]:
        """Return the next answer for these parameters."""
        sent = json.dumps(parameters)
        with self._lock:
            self.calls.append((name, parameters))
            left = self._left.get(name, [])
            found = next((answer for answer in left if answer.get("given", "") in sent), None)
            assert found, f"{name} was called more often than it has answers"
            left.remove(found)
            return found


@dataclass(frozen=True)
class Played:
    """What became of a case, in the form of its `calls`, `sent` and `end`, and the names of the states entered."""

    calls: list[list[Any]]
    sent: dict[str, Any]
    end: dict[str, Any]
    entered: set[str]


def play(case: Case) -> Played:
    """Run a case as an execution of its own; `moto_patched` must be in force."""
    states = boto3.client("stepfunctions")
    tasks = Tasks(case)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(StateTaskService, "_eval_execution", _task_of(tasks))
        patch.setattr(CommonStateField, "_eval_body", _noted_by(tasks))
        # A retry waits for up to a minute.
        patch.setattr(retrier_decl, "time", SimpleNamespace(sleep=lambda _: None))
        for key, text in case.objects.items():
            boto3.client("s3").put_object(Bucket=stack.BUCKET, Key=key, Body=text.encode())
        # So does a Wait, for longer.
        patch.setattr(Seconds, "_get_wait_seconds", lambda *_, **__: 0)
        machine = states.create_state_machine(
            name=str(uuid.uuid4()), definition=json.dumps(definitions()[case.machine]), roleArn=stack.ROLE_ARN
        )["stateMachineArn"]
        execution = states.start_execution(stateMachineArn=machine, name="one", input=json.dumps(case.input))[
            "executionArn"
        ]
        told = _ended(states, execution)
    end: dict[str, Any] = {key: told[key] for key in ("error", "cause") if key in told}
    if "output" in told:
        end["output"] = json.loads(told["output"])
    return Played(
        calls=[[name, len(list(calls))] for name, calls in groupby(name for name, _ in tasks.calls)],
        sent=dict(tasks.calls),
        end=end,
        entered=tasks.entered,
    )


@contextmanager
def moto_patched() -> Iterator[None]:
    """Answer boto3 by moto in this process, patched as in the local stack, with a bucket."""
    patches.apply()
    with pytest.MonkeyPatch.context() as patch, mock_aws():
        patch.setitem(default_user_config, "stepfunctions", {"execute_state_machine": True})
        boto3.client("s3").create_bucket(Bucket=stack.BUCKET)
        yield


def _task_of(tasks: Tasks) -> Any:
    def eval_execution(task: StateTaskService, env: Environment) -> None:
        answer = tasks.answer(task.name, task._eval_parameters(env))
        if "throw" not in answer:
            env.stack.append(json.loads(json.dumps(answer["return"])))
            return
        name: str = answer["throw"]
        error: ErrorName = StatesErrorName.from_name(name) if name.startswith("States.") else CustomErrorName(name)
        failed = TaskFailedEventDetails(error=name, cause=answer.get("cause", ""))
        details = EventDetails(taskFailedEventDetails=failed)  # type: ignore[typeddict-item]
        raise FailureEventException(FailureEvent(env, error, HistoryEventType.TaskFailed, details))

    return eval_execution


def _noted_by(tasks: Tasks) -> Any:
    evaluate = CommonStateField._eval_body

    def eval_body(state: CommonStateField, env: Environment) -> None:
        tasks.entered.add(state.name)
        evaluate(state, env)

    return eval_body


def _ended(states: Any, execution: str) -> dict[str, Any]:
    deadline = time.monotonic() + LONGEST_SECONDS
    while time.monotonic() < deadline:
        told: dict[str, Any] = states.describe_execution(executionArn=execution)
        if told["status"] != "RUNNING":
            return told
        time.sleep(0.005)
    raise TimeoutError(f"{execution} is still running")

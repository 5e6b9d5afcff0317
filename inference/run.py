"""Start an execution of the state machine for each case and write down how it ended."""

import json
import re
import threading
import time
import uuid
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from rich.progress import track

from contracts.files import append_whole
from contracts.outcomes import Outcome
from inference.cases import Case
from inference.errors import InferenceError
from inference.executions import (
    EXECUTIONS_FILE,
    Execution,
    once_known,
    read_executions,
    write_executions,
)

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient
    from mypy_boto3_stepfunctions.type_defs import DescribeExecutionOutputTypeDef

FIRST_POLL = 0.04
LONGEST_POLL = 1.0
# Longer than the state machine's own timeout; an execution that is older is recorded as FAILED and left alone.
LONGEST_EXECUTION = 3900.0


class RunError(InferenceError):
    """The state machine can't be run."""


class Interrupted(Exception):
    """The run is being stopped; the execution's end is not known."""


def run_cases(
    state_machine_arn: str,
    cases: Sequence[Case],
    out: Path,
    concurrency: int = 2,
    *,
    resume: bool = False,
    client: "SFNClient | None" = None,
) -> list[Execution]:
    """Run every case, at most *concurrency* at a time; the records in the order of *cases*.

    Each record is appended to `<out>/executions.jsonl` as its execution ends, so that an interrupted run keeps what it
    has. An earlier run's file becomes `executions.previous.jsonl`. With *resume*, cases that ended in anything but
    FAILED keep their records and only the others are run. A case that can't be started or followed is recorded as
    FAILED with the service's error.

    Raises RunError where the state machine is missing or not a Standard one.
    """
    if concurrency < 1:
        raise RunError(f"The concurrency must be at least 1, not {concurrency}.")
    # Adaptive mode slows this client down to what the account's quotas admit.
    config = Config(retries={"mode": "adaptive", "total_max_attempts": 10}, max_pool_connections=concurrency)
    client = client or boto3.client("stepfunctions", config=config)
    _require_standard(client, state_machine_arn)
    path = out / EXECUTIONS_FILE
    ended = {execution.case: execution for execution in _kept(path, cases, resume)}
    write_executions(path, ended.values())
    runner = _Runner(client, state_machine_arn, path)
    with ThreadPoolExecutor(concurrency) as pool:
        futures: list[Future[Execution]] = [pool.submit(runner.run, case) for case in cases if case.name not in ended]
        try:
            for future in track(as_completed(futures), "Running cases", total=len(futures), transient=True):
                execution = future.result()
                ended[execution.case] = execution
        except BaseException:
            runner.stopped.set()
            pool.shutdown(wait=True, cancel_futures=True)
            raise
    return [ended[case.name] for case in cases]


class _Runner:
    """Follows executions from several threads; every record passes through its one file."""

    def __init__(self, client: "SFNClient", state_machine_arn: str, path: Path) -> None:
        self.stopped = threading.Event()
        self._client = client
        self._state_machine_arn = state_machine_arn
        self._path = path
        self._lock = threading.Lock()
        self._usual_seconds = FIRST_POLL

    def run(self, case: Case) -> Execution:
        started = datetime.now(UTC)
        arn = None
        try:
            arn = self._client.start_execution(
                stateMachineArn=self._state_machine_arn, name=_unique_name(case), input=json.dumps(case.event)
            )["executionArn"]
            answer = self._follow(arn)
        except (ClientError, BotoCoreError, TimeoutError) as error:
            execution = _record(case, arn, started, datetime.now(UTC), _failure(error))
        else:
            execution = _record(case, arn, answer["startDate"], answer["stopDate"], _end(answer))
            # A moving average: the next first poll comes when an execution has usually ended.
            took = (answer["stopDate"] - answer["startDate"]).total_seconds()
            self._usual_seconds += 0.2 * (took - self._usual_seconds)
        with self._lock:
            append_whole(self._path, execution.to_line().encode())
        return execution

    def _follow(self, arn: str) -> "DescribeExecutionOutputTypeDef":
        """Poll until the execution has ended; TimeoutError where it does not."""
        begun = time.monotonic()
        delay = min(max(self._usual_seconds, FIRST_POLL), LONGEST_POLL)
        while time.monotonic() - begun < LONGEST_EXECUTION:
            if self.stopped.wait(delay):
                raise Interrupted
            delay = min(max((time.monotonic() - begun) / 4, FIRST_POLL / 2), LONGEST_POLL)
            answer = once_known(self._client, lambda: self._client.describe_execution(executionArn=arn))
            if answer["status"] not in ("RUNNING", "PENDING_REDRIVE"):
                return answer
        raise TimeoutError(f"The execution still ran after {LONGEST_EXECUTION:.0f} seconds.")


def _require_standard(client: "SFNClient", arn: str) -> None:
    try:
        kind = client.describe_state_machine(stateMachineArn=arn)["type"]
    except (ClientError, BotoCoreError) as error:
        raise RunError(f"The state machine {arn} can't be described: {error}.") from error
    if kind != "STANDARD":
        raise RunError(f"{arn} is an {kind} state machine, whose executions can't be followed; give the Standard one.")


def _kept(path: Path, cases: Sequence[Case], resume: bool) -> list[Execution]:
    """What an earlier run leaves to this one; with no *resume* its file steps aside."""
    if not path.exists():
        return []
    if not resume:
        path.replace(path.with_suffix(".previous.jsonl"))
        return []
    inputs = {case.name: case.event for case in cases}
    earlier = read_executions(path, torn_end=True)
    return [old for old in earlier if old.outcome != Outcome.FAILED and inputs.get(old.case) == old.input]


def _unique_name(case: Case) -> str:
    """At most 80 characters, and never used before."""
    return f"{re.sub(r'[^A-Za-z0-9_-]', '-', case.name)[:60]}-{uuid.uuid4().hex[:16]}"


def _end(answer: "DescribeExecutionOutputTypeDef") -> dict[str, Any]:
    """The end of an execution as the state machine tells it."""
    if answer["status"] != "SUCCEEDED":
        cause = answer.get("cause") or f"The execution's status is {answer['status']}."
        return {"outcome": Outcome.FAILED, "error": answer.get("error") or answer["status"], "cause": cause}
    try:
        output = json.loads(answer.get("output", ""))
        return dict(output) | {"outcome": Outcome(output["outcome"])}
    except (ValueError, TypeError, KeyError):
        pass  # The record below says so.
    cause = f"The execution succeeded, but its output names no outcome: {answer.get('output', '')[:200]}"
    return {"outcome": Outcome.FAILED, "error": "UnknownOutcome", "cause": cause}


def _failure(error: Exception) -> dict[str, Any]:
    code = error.response["Error"]["Code"] if isinstance(error, ClientError) else type(error).__name__
    return {"outcome": Outcome.FAILED, "error": code, "cause": str(error)}


def _record(case: Case, arn: str | None, started: datetime, stopped: datetime, end: dict[str, Any]) -> Execution:
    return Execution(
        case=case.name,
        input=case.event,
        truth=case.truth,
        outcome=end["outcome"],
        error=end.get("error"),
        cause=end.get("cause"),
        label=end.get("label"),
        confidence=end.get("confidence"),
        inferences=end.get("inferences"),
        inference_id=end.get("inference_id"),
        endpoint=end.get("endpoint"),
        variant=end.get("variant"),
        threshold=end.get("threshold"),
        execution_arn=arn,
        started=started.astimezone(UTC).isoformat(timespec="milliseconds"),
        seconds=round((stopped - started).total_seconds(), 6),
        labels=end.get("labels"),
        release=end.get("release"),
        familiarity=end.get("familiarity"),
        familiarity_limit=end.get("familiarity_limit"),
        review_reason=end.get("review_reason"),
    )

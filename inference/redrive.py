"""Start executions again that failed, timed out or were aborted.

The app stack keeps the input of each in a queue, as the events of Step Functions bring it:
https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html. They come on a best-effort basis, so
the executions themselves can be listed too.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

from inference.errors import InferenceError

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_stepfunctions import SFNClient

STATUSES = ("FAILED", "TIMED_OUT", "ABORTED")
AT_ONCE = 8
# What ReceiveMessage and DeleteMessageBatch take.
BATCH = 10
# Seconds in which ten executions are started for sure; a message that can't be read stays hidden as long.
HIDDEN = 120


class RedriveError(InferenceError):
    """Not all that failed could be started again."""


@dataclass(frozen=True)
class Redriven:
    """How many executions were started again, and how many already were by an earlier redrive.

    Of the messages that stay in the queue, `failed_since` tell of executions that failed after the redrive had begun,
    most of which it started itself, and `unreadable` of none.
    """

    started: int
    before: int
    failed_since: int = 0
    unreadable: int = 0


@dataclass(frozen=True)
class Failed:
    """An execution that failed; `stopped` is a time in UTC, `input` None where the event left it out for its size."""

    arn: str
    state_machine_arn: str
    stopped: datetime
    input: str | None


def redrive_queue(queue_url: str, limit: int | None = None) -> Redriven:
    """Start again what waits in the queue, at most *limit* executions; a message is deleted once its execution started.

    An execution is started again only once, whatever is interrupted and repeated: its new name is made of its ARN. What
    fails while this runs is left in the queue, as nothing would end where the fault is still there.
    """
    states, sqs = _clients()
    began = datetime.now(UTC)
    started = before = since = unreadable = 0
    staying: set[str] = set()
    while limit is None or started < limit:
        most = BATCH if limit is None else min(BATCH, limit - started)
        answer = sqs.receive_message(
            QueueUrl=queue_url, MaxNumberOfMessages=most, VisibilityTimeout=HIDDEN, WaitTimeSeconds=1
        )
        # What stays in the queue comes again once it isn't hidden any more.
        new = [message for message in answer.get("Messages", []) if message["MessageId"] not in staying]
        if not new:
            break
        older = []
        for message in new:
            failed = _failed(message["Body"])
            if failed and failed.stopped < began:
                older.append((message["ReceiptHandle"], failed))
            else:
                staying.add(message["MessageId"])
                since, unreadable = since + (failed is not None), unreadable + (failed is None)
        fresh = _start_all(states, [failed for _, failed in older], began)
        started, before = started + fresh, before + len(older) - fresh
        _delete(sqs, queue_url, [handle for handle, _ in older])
    return Redriven(started, before, since, unreadable)


def redrive_listed(state_machine_arn: str, since: datetime, limit: int | None = None) -> Redriven:
    """Start again what failed since a time and before this began, as listed; at most *limit* are looked at."""
    states, _ = _clients()
    began = datetime.now(UTC)
    failed = islice(_listed(states, state_machine_arn, since, began), limit)
    started = before = 0
    while batch := list(islice(failed, BATCH)):
        fresh = _start_all(states, batch, began)
        started, before = started + fresh, before + len(batch) - fresh
    return Redriven(started, before)


def new_name(arn: str) -> str:
    """Return the name under which a failed execution is started again: always the same, so that it happens once."""
    return f"redrive-{hashlib.sha256(arn.encode()).hexdigest()[:32]}"


def require_readable(found: Redriven) -> None:
    """Raise RedriveError where messages hold no execution."""
    if found.unreadable:
        raise RedriveError(
            f"{found.unreadable} messages hold no execution and stay in the queue; "
            "look at them with `aws sqs receive-message`, and delete what doesn't belong there."
        )


def _clients() -> "tuple[SFNClient, SQSClient]":
    config = Config(retries={"mode": "adaptive", "total_max_attempts": 10}, max_pool_connections=AT_ONCE)
    return boto3.client("stepfunctions", config=config), boto3.client("sqs", config=config)


def _failed(body: str) -> Failed | None:
    """Return the execution that a message holds, None where it holds none."""
    try:
        detail: dict[str, Any] = json.loads(body)
        stopped = datetime.fromtimestamp(detail["stopDate"] / 1000, UTC)
        return Failed(str(detail["executionArn"]), str(detail["stateMachineArn"]), stopped, detail.get("input"))
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError):
        return None


def _listed(states: "SFNClient", state_machine_arn: str, since: datetime, until: datetime) -> Iterator[Failed]:
    for status in STATUSES:
        pages = states.get_paginator("list_executions").paginate(
            stateMachineArn=state_machine_arn,
            statusFilter=status,  # type: ignore[arg-type]  # each of STATUSES is one
        )
        for one in (one for page in pages for one in page["executions"]):
            if since <= one["stopDate"] < until:
                yield Failed(one["executionArn"], state_machine_arn, one["stopDate"], None)


def _start_all(states: "SFNClient", failed: Iterable[Failed], began: datetime) -> int:
    """Start executions again; return how many of them had not been before this redrive."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return sum(pool.map(lambda one: _start(states, one) >= began, failed))


def _start(states: "SFNClient", failed: Failed) -> datetime:
    """Start an execution again, and return when its new one started: long ago where it has been done before."""
    given = failed.input
    if given is None:
        given = states.describe_execution(executionArn=failed.arn)["input"]
    try:
        # While the new execution runs, to start it once more gives the same one.
        return states.start_execution(stateMachineArn=failed.state_machine_arn, name=new_name(failed.arn), input=given)[
            "startDate"
        ]
    except states.exceptions.ExecutionAlreadyExists:
        return datetime.min.replace(tzinfo=UTC)


def _delete(sqs: "SQSClient", queue_url: str, handles: list[str]) -> None:
    if not handles:
        return
    entries = [{"Id": str(number), "ReceiptHandle": handle} for number, handle in enumerate(handles)]
    answer = sqs.delete_message_batch(QueueUrl=queue_url, Entries=entries)  # type: ignore[arg-type]
    if lost := answer.get("Failed"):
        raise RedriveError(
            f"{len(lost)} messages could not be deleted, the first because: {lost[0].get('Message', lost[0]['Code'])} "
            "Run it again: no execution is started twice."
        )

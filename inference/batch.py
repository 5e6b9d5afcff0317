"""Classify a prefix, a manifest or a folder by Distributed Map, and account for every image.

A batch has a folder `<out>/batches/<id>/`: `ledger.sqlite` with its images and runs, which is all that a command that
comes after a crash needs; then `ledger.csv`, one row per image, and `batch.json` with the account.
"""

import dataclasses
import json
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from contracts.addresses import S3Address
from contracts.files import below, write_whole
from contracts.layout import batch_prefix
from contracts.scratch import scratch_folder
from inference.errors import InferenceError
from inference.executions import once_known
from inference.ledger import LEDGER_FILE, Account, Ledger, Run
from inference.manifest import Image, SourceError, in_manifest, under_prefix, upload, write_manifest
from inference.results import rows_of

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_stepfunctions import SFNClient

BATCHES = "batches"
REQUEST_FILE = "request.json"
DATABASE_FILE = "ledger.sqlite"
ACCOUNT_FILE = "batch.json"
POLL_SECONDS = 1.0
SHOWN_KEYS = 20
# Called before an execution is started; returns what its input has beside the manifest.
Prepare = Callable[[], Mapping[str, int]]


class BatchError(InferenceError):
    """The batch can't be run, or its ledger doesn't add up."""


@dataclass(frozen=True)
class Request:
    """What is to be classified, by which state machine; one of `prefix` (in the bucket), `manifest`, `folder`."""

    bucket: str
    state_machine_arn: str
    prefix: str | None = None
    manifest: str | None = None
    folder: str | None = None

    def __post_init__(self) -> None:
        """Raise BatchError where the source isn't one."""
        if sum(source is not None for source in (self.prefix, self.manifest, self.folder)) != 1:
            raise BatchError("Say what to classify by exactly one of --prefix, --manifest and --upload.")


@dataclass(frozen=True)
class Batch:
    """A batch that has ended: its id, its folder, its account, and how often each error occurred."""

    id: str
    folder: Path
    account: Account
    errors: dict[str, int]
    executions: list[str]
    ended: str | None
    """Why the last execution didn't succeed, where it didn't."""


def run_batch(request: Request, out: Path, max_concurrency: int | None = None, prepare: Prepare = dict) -> Batch:
    """Start a batch, or resume the one that was asked for in the same words and hasn't been accounted for.

    `max_concurrency` takes precedence over what `prepare` returns.

    Raises SourceError where there is nothing to classify, BatchError where the state machine can't be started.
    """
    folder = _unfinished(request, out) or _new(request, out)
    return _finish(request, folder, max_concurrency, prepare)


def redrive_batch(batch_id: str, out: Path, max_concurrency: int | None = None, prepare: Prepare = dict) -> Batch:
    """Run again, as `run_batch` does, what failed in a batch or has no outcome; the rest stays as it is."""
    folder = below(out / BATCHES, batch_id)
    if not (folder / REQUEST_FILE).exists():
        raise BatchError(f"{folder} holds no batch; `workflow batch` prints the id of each that it runs.")
    (folder / ACCOUNT_FILE).unlink(missing_ok=True)
    return _finish(Request(**json.loads((folder / REQUEST_FILE).read_text())), folder, max_concurrency, prepare)


def require_account(batch: Batch) -> None:
    """Raise BatchError where images failed, or the account doesn't hold, with the keys that have no outcome."""
    if batch.account.holds:
        if batch.account.failed:
            raise BatchError(
                f"{batch.account.failed} of {batch.account.listed} images failed, by errors of the system; the ledger "
                f"names each. Once that is repaired, `workflow batch --redrive {batch.id}` runs them again."
            )
        return
    ledger = Ledger(batch.folder / DATABASE_FILE)
    keys = ledger.missing(SHOWN_KEYS)
    ledger.close()
    said = [f"{batch.account.missing} of {batch.account.listed} images have no outcome"] if keys else []
    said += [f"{batch.account.unexpected} results match no pending image"] if batch.account.unexpected else []
    more = ", …" if batch.account.missing > len(keys) else ""
    why = f" The execution ended: {batch.ended}." if batch.ended else ""
    raise BatchError(
        f"The account of batch {batch.id} doesn't hold: {' and '.join(said)}.{why} Run them by "
        f"`workflow batch --redrive {batch.id}`. {', '.join(keys)}{more}"
    )


def _new(request: Request, out: Path) -> Path:
    batch_id = f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{uuid.uuid4().hex[:6]}"
    folder = below(out / BATCHES, batch_id)
    write_whole(folder / REQUEST_FILE, json.dumps(dataclasses.asdict(request), indent=2) + "\n")
    return folder


def _unfinished(request: Request, out: Path) -> Path | None:
    """Return the folder of the newest batch with the same request and no account yet."""
    for path in sorted((out / BATCHES).glob(f"*/{REQUEST_FILE}"), reverse=True):
        if not (path.parent / ACCOUNT_FILE).exists() and json.loads(path.read_text()) == dataclasses.asdict(request):
            return path.parent
    return None


def _finish(request: Request, folder: Path, max_concurrency: int | None, prepare: Prepare) -> Batch:
    """Do whatever of the batch has not been done."""
    s3, states = boto3.client("s3"), boto3.client("stepfunctions")
    ledger = Ledger(folder / DATABASE_FILE)
    ended = None
    try:
        if not ledger.is_listed:
            ledger.list(_images(s3, request, folder.name))
        last = ledger.last_run()
        if last is None or last.collected:
            last = _next_run(ledger, folder.name, last)
        if last:
            driver = _Driver(s3, states, request, folder.name, ledger)
            ended = driver.drive(last, max_concurrency, prepare)
        ledger.write_csv(folder / LEDGER_FILE)
        batch = Batch(folder.name, folder, ledger.account(), ledger.errors(), list(ledger.runs()), ended)
    finally:
        ledger.close()
    account = {**dataclasses.asdict(batch.account), "holds": batch.account.holds, "errors": batch.errors}
    told = {"id": batch.id, "request": dataclasses.asdict(request), "executions": batch.executions, **account}
    write_whole(folder / ACCOUNT_FILE, json.dumps(told, indent=2) + "\n")
    return batch


def _next_run(ledger: Ledger, batch_id: str, last: Run | None) -> Run | None:
    """Begin a run of what is left; None where nothing is."""
    if not ledger.to_run():
        return None
    number = last.number + 1 if last else 0
    return ledger.begin_run(number, f"{batch_id}-{number}" if number else batch_id)


def _images(s3: "S3Client", request: Request, batch_id: str) -> Iterator[Image]:
    """List the images; SourceError where there are none."""
    if request.manifest is not None:
        where, images = request.manifest, in_manifest(s3, request.manifest)
    else:
        prefix = request.prefix
        if prefix is None:
            assert request.folder is not None
            prefix = f"{batch_prefix(batch_id)}images/"
            upload(s3, Path(request.folder), request.bucket, prefix)
        where, images = str(S3Address(request.bucket, prefix)), under_prefix(s3, request.bucket, prefix)
    first = next(images, None)
    if first is None:
        raise SourceError(f"{where} names no images; nothing was started.")
    yield first
    yield from images


class _Driver:
    """Starts a run's execution, follows it, and takes its results into the ledger."""

    def __init__(self, s3: "S3Client", states: "SFNClient", request: Request, batch_id: str, ledger: Ledger) -> None:
        self._s3 = s3
        self._states = states
        self._request = request
        self._batch_id = batch_id
        self._ledger = ledger

    def drive(self, run: Run, max_concurrency: int | None, prepare: Prepare) -> str | None:
        """Return why the execution didn't succeed, where it didn't."""
        arn = run.arn or self._start(run, max_concurrency, prepare)
        try:
            ended = self._follow(arn)
        except self._states.exceptions.ExecutionDoesNotExist as error:
            # It will never be known how it ended: the next run takes the images that have no outcome.
            self._ledger.record(run, ())
            raise BatchError(
                f"{arn} is gone: its stack was deleted, or it ended more than 90 days ago. Deploy the stack again, "
                f"then run the images that have no outcome by `workflow batch --redrive {self._batch_id}`."
            ) from error
        self._ledger.record(run, rows_of(self._s3, self._states, arn, self._request.bucket, self._batch_id))
        return ended

    def _start(self, run: Run, max_concurrency: int | None, prepare: Prepare) -> str:
        key = f"{batch_prefix(self._batch_id)}manifest-{run.number}.csv"
        with scratch_folder("workflow-batch-") as folder:
            manifest = write_manifest(self._ledger.images_to_run(), folder / "manifest.csv")
            self._s3.upload_file(str(manifest), self._request.bucket, key)
        limits = prepare()
        if max_concurrency is not None:
            limits = {"max_concurrency": max_concurrency}
        given: dict[str, Any] = {"manifest": key, **limits}
        arn = self._arn_of(run.execution)
        try:
            # The same name with the same input is the same execution: after a crash this starts no second one.
            arn = self._states.start_execution(
                stateMachineArn=self._request.state_machine_arn, name=run.execution, input=json.dumps(given)
            )["executionArn"]
        except self._states.exceptions.ExecutionAlreadyExists:
            pass  # It has ended since, or was started with another concurrency.
        except self._states.exceptions.ClientError as error:
            raise BatchError(
                f"{self._request.state_machine_arn} can't be started: {error} The images are listed; once the stack is "
                f"deployed, `workflow batch --redrive {self._batch_id}` runs them."
            ) from error
        self._ledger.started(run, arn)
        return arn

    def _arn_of(self, execution: str) -> str:
        return f"{self._request.state_machine_arn.replace(':stateMachine:', ':execution:')}:{execution}"

    def _follow(self, arn: str) -> str | None:
        """Show the Map Run's counts until the execution has ended."""
        describe = partial(self._states.describe_execution, executionArn=arn)
        list_map_runs = partial(self._states.list_map_runs, executionArn=arn)
        columns = (TextColumn("Classifying"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[failed]}"))
        with Progress(*columns, TimeElapsedColumn(), TimeRemainingColumn(), transient=True) as progress:
            task = progress.add_task("", total=None, failed="")
            while (answer := once_known(self._states, describe))["status"] == "RUNNING":
                for one in once_known(self._states, list_map_runs)["mapRuns"]:
                    counts = self._states.describe_map_run(mapRunArn=one["mapRunArn"])["itemCounts"]
                    bad = counts["failed"] + counts["timedOut"] + counts["aborted"]
                    done, failed = counts["succeeded"] + bad, f"{bad} failed" if bad else ""
                    progress.update(task, total=counts["total"] or None, completed=done, failed=failed)
                time.sleep(POLL_SECONDS)
        if answer["status"] == "SUCCEEDED":
            return None
        return f"{answer['status']}, {answer.get('error', 'without an error')}: {answer.get('cause', '')}"

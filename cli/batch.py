"""The verbs for many images: classify a batch, and start failed executions again."""

from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.labels import waiting_line
from cli.options import (
    DEFAULT_OUT,
    BatchStateMachine,
    Bucket,
    FailedQueue,
    Json,
    LedgerFormat,
    Out,
    Stack,
    StateMachine,
)
from cli.show import print_json, say, table
from cli.verbs import Verbs
from training.sagemaker.stacks import DEFAULT_STACK, Stacks

if TYPE_CHECKING:
    from inference.batch import Batch

app = Verbs()


@app.command()
def batch(
    bucket: Bucket = None,
    state_machine: BatchStateMachine = None,
    stack: Stack = DEFAULT_STACK,
    prefix: Annotated[str | None, typer.Option(help="Prefix in the bucket whose objects are classified.")] = None,
    manifest: Annotated[
        str | None,
        typer.Option(metavar="s3://…", help="CSV with a header, or JSON array, of s3_bucket, s3_key[, s3_version_id]."),
    ] = None,
    upload: Annotated[
        Path | None,
        typer.Option(help="Folder whose files are put into the bucket first.", exists=True, file_okay=False),
    ] = None,
    redrive: Annotated[
        str | None, typer.Option(metavar="ID", help="Run again what failed or is missing in this batch.")
    ] = None,
    max_concurrency: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=10_000,
            help="Children at once; by default the template's number, or what a serverless endpoint takes.",
        ),
    ] = None,
    format_: Annotated[
        LedgerFormat, typer.Option("--format", help="Also write the ledger as Parquet.")
    ] = LedgerFormat.CSV,
    as_json: Json = False,
    out: Out = DEFAULT_OUT,
) -> None:
    """Classify many images, with a ledger.

    Takes a prefix, a manifest or a folder, and accounts for every image. After an interruption the same command
    continues the batch. Before a serverless endpoint gets the first image, it is started, and without --max-concurrency
    it gets no more images at once than it takes.
    """
    from contracts.locks import exclusive
    from inference.batch import Request, redrive_batch, require_account, run_batch
    from inference.ledger import LEDGER_FILE
    from inference.ledger_parquet import write_parquet

    stacks = Stacks(stack)
    prepare = partial(_prepare, stacks)
    if redrive is not None:
        if prefix or manifest or upload:
            raise typer.BadParameter("can't be combined with --prefix, --manifest or --upload", param_hint="--redrive")
        with exclusive(out):
            ended = redrive_batch(redrive, out, max_concurrency, prepare)
    else:
        folder = str(upload.resolve()) if upload else None
        machine = state_machine or stacks.batch_state_machine_arn
        request = Request(bucket or stacks.bucket, machine, prefix, manifest, folder)
        with exclusive(out):
            ended = run_batch(request, out, max_concurrency, prepare)
    csv = ended.folder / LEDGER_FILE
    ledger = write_parquet(csv) if format_ is LedgerFormat.PARQUET else csv
    if as_json:
        print_json(asdict(ended) | {"ledger": ledger})
    else:
        _show(ended, ledger, waiting_line(stacks))
    require_account(ended)


def _show(ended: "Batch", ledger: Path, waiting: str | None) -> None:
    account = ended.account
    counts = {"listed": account.listed, "accepted": account.accepted, "review": account.review}
    counts |= {"rejected": account.rejected, "failed": account.failed}
    table((f"batch {ended.id}", "images"), list(counts.items()))
    if ended.errors:
        table(("error", "images"), list(ended.errors.items()))
    if account.duplicates:
        say(f"{account.duplicates} rows named an image again; each image was classified once.")
    say(f"Ledger: {ledger}")
    if waiting:
        say(waiting)


def _prepare(stacks: Stacks) -> dict[str, int]:
    """Start a serverless endpoint, and return the batch's limits for it; none where the endpoint isn't known."""
    from inference.serverless import start_gently
    from training.errors import StackError

    try:
        endpoint = stacks.endpoint
    except StackError as error:
        say(f"The batch doesn't wait for its endpoint, which isn't known: {error}")
        return {}
    return start_gently(endpoint, say)


@app.command()
def redrive(
    queue: FailedQueue = None,
    state_machine: StateMachine = None,
    stack: Stack = DEFAULT_STACK,
    since: Annotated[
        str | None, typer.Option(help="Also list the executions that failed in the last 90s, 30m, 2h or 7d.")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Start at most N executions.", metavar="N")] = None,
    as_json: Json = False,
) -> None:
    """Start failed executions again.

    Those that failed, timed out or were aborted; each once.
    """
    from inference.redrive import redrive_listed, redrive_queue, require_readable
    from monitoring.capture.span import parse_span

    start = parse_span(since, None, None).start if since else None
    stacks = Stacks(stack)
    found = redrive_queue(queue or stacks.failed_executions_queue_url, limit)
    listed = None
    if start is not None:
        left = None if limit is None else max(0, limit - found.started)
        listed = redrive_listed(state_machine or stacks.state_machine_arn, start, left)
    if as_json:
        print_json({"queue": found, "since": start, "listed": listed})
    else:
        rows = [("from the queue", found.started, found.before, found.failed_since)]
        if listed:
            rows.append((f"listed since {start:%Y-%m-%d %H:%M} UTC", listed.started, listed.before, 0))
        table(("executions", "started again", "already started", "failed meanwhile"), rows)
    require_readable(found)

"""The verbs that exercise the workflow, account for it, and watch the model."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.options import (
    DEFAULT_OUT,
    Bucket,
    Concurrency,
    Endpoint,
    First,
    FromFolder,
    Last,
    MaxError,
    Name,
    Out,
    Since,
    Stack,
    StateMachine,
)
from cli.show import console, table
from training.sagemaker.stacks import DEFAULT_ENDPOINT, DEFAULT_STACK, Stacks

if TYPE_CHECKING:
    from monitoring.capture.sources import CaptureSource

app = typer.Typer()


@app.command()
def evaluate(
    bucket: Bucket = None,
    endpoint: Endpoint = None,
    stack: Stack = DEFAULT_STACK,
    name: Name = "sample",
    max_error: MaxError = 0.02,
    concurrency: Concurrency = 2,
    out: Out = DEFAULT_OUT,
) -> None:
    """Evaluate the model on the test images.

    Recommends the lowest threshold that keeps the error among accepted images low.
    """
    from monitoring.quality import evaluate as room

    stacks = Stacks(stack)
    bucket, endpoint = bucket or stacks.bucket, endpoint or stacks.endpoint
    found = room.evaluate(bucket, name, endpoint, out, max_error, concurrency)
    rows = [("accuracy", f"{found.accuracy:.4f}"), ("calibration error", f"{found.expected_calibration_error:.4f}")]
    if point := found.recommended:
        rows += [("recommended threshold", f"{point.threshold:.4f}"), ("coverage there", f"{point.coverage:.1%}")]
    table(("test images", found.images), rows)
    if not found.recommended:
        console.print(f"No threshold keeps the error among accepted images at or below {max_error:.1%}.")
    console.print(f"Evaluation: {out / room.EVALUATION_FILE}")


@app.command()
def cases(
    bucket: Bucket = None,
    stack: Stack = DEFAULT_STACK,
    name: Name = "sample",
    images: Annotated[int | None, typer.Option(min=1, help="Test images to make a case of; all by default.")] = None,
    out: Out = DEFAULT_OUT,
) -> None:
    """Make events for `workflow run`.

    Takes a data set's test images, and adds broken ones.
    """
    from inference import cases as room

    made = room.generate(bucket or Stacks(stack).bucket, name, out, images)
    console.print(f"{len(made)} cases: {out / 'events'}")


@app.command()
def run(
    state_machine: StateMachine = None,
    stack: Stack = DEFAULT_STACK,
    concurrency: Concurrency = 2,
    resume: Annotated[bool, typer.Option("--resume", help="Keep what an earlier run finished.")] = False,
    out: Out = DEFAULT_OUT,
) -> None:
    """Run the state machine on each event.

    Writes the outcomes to executions.jsonl.
    """
    from collections import Counter

    from inference import cases as made
    from inference import run as room
    from inference.executions import EXECUTIONS_FILE

    listed = made.read_cases(out / made.CASES_FILE)
    machine = state_machine or Stacks(stack).state_machine_arn
    executions = room.run(machine, listed, out, concurrency, resume=resume)
    table(("outcome", "images"), sorted(Counter(one.outcome for one in executions).items()))
    console.print(f"Executions: {out / EXECUTIONS_FILE}")


@app.command()
def report(
    bucket: Bucket = None,
    endpoint: Endpoint = None,
    stack: Stack = DEFAULT_STACK,
    since: Since = None,
    first: First = None,
    last: Last = None,
    from_folder: FromFolder = None,
    threshold: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="Confidence threshold; the run's or the evaluation's by default."),
    ] = None,
    labels: Annotated[
        Path | None, typer.Option(help="Reviewed labels: CSV with the columns id (inference id or case) and label.")
    ] = None,
    review_limit: Annotated[
        float | None, typer.Option(min=0, max=1, help="Share of reviews that calls for retraining.")
    ] = None,
    out: Out = DEFAULT_OUT,
) -> None:
    """Write report.html and its pictures.

    Joins the executions with the captured data; with a window or a folder, reports on the captured data alone.
    """
    from monitoring.capture.span import parse_span
    from monitoring.report import build as pull

    if (since, first, last, from_folder) == (None, None, None, None):
        stacks = Stacks(stack)
        bucket, endpoint = bucket or stacks.bucket, endpoint or stacks.endpoint
        figures = pull.report(out, bucket, endpoint, threshold=threshold, labels=labels, limit=review_limit)
    else:
        span = parse_span(since, first, last)
        captured = _captured(bucket, endpoint, from_folder, stack)
        figures = pull.report_capture(
            out,
            captured.source,
            span,
            bucket=None if from_folder else captured.bucket,
            endpoint=captured.endpoint,
            threshold=threshold,
            labels=labels,
            limit=review_limit,
        )
    table(("outcome", "images"), sorted(figures.outcomes.items()))
    console.print(f"Report: {out / 'report.html'}")


@app.command()
def capture(
    bucket: Bucket = None,
    endpoint: Endpoint = None,
    stack: Stack = DEFAULT_STACK,
    since: Since = None,
    first: First = None,
    last: Last = None,
    from_folder: FromFolder = None,
    out: Annotated[
        Path | None, typer.Option(help="File to write the records to: .csv, .jsonl or .parquet.", dir_okay=False)
    ] = None,
    images: Annotated[Path | None, typer.Option(help="Folder to write the images to.", file_okay=False)] = None,
) -> None:
    """Read what the endpoint captured.

    Counts the records by hour beside CloudWatch's invocations, and exports them.
    """
    from monitoring.capture.export import export
    from monitoring.capture.records import read_capture
    from monitoring.capture.span import parse_span
    from monitoring.report import build as pull

    span = parse_span(since, first, last)
    captured = _captured(bucket, endpoint, from_folder, stack)
    found = export(read_capture(captured.source, span.start, span.end), out, images)
    invoked = {} if from_folder else pull.invoked_by_hour(captured.endpoint, found, span)
    hours = sorted({*found.hours, *invoked})
    table(
        ("hour (UTC)", "captured", "invoked"),
        [(f"{hour:%Y-%m-%d %H:00}", found.hours[hour], invoked.get(hour, "")) for hour in hours],
    )
    for line in found.skipped:
        console.print(f"{line.file}, line {line.line}: {line.reason}", highlight=False, markup=False, soft_wrap=True)
    for sentence in found.broken_images:
        console.print(sentence, highlight=False, markup=False, soft_wrap=True)
    console.print(f"{found.records} records of {len(found.variants)} variants, {len(found.skipped)} lines skipped.")
    if out:
        console.print(f"Records: {out}")
    if images:
        console.print(f"{found.images} images: {images}")


@app.command()
def baseline(bucket: Bucket = None, stack: Stack = DEFAULT_STACK, out: Out = DEFAULT_OUT) -> None:
    """Make the reference for drift.

    Measures the images and scores of the evaluation.
    """
    from contracts.addresses import S3Address
    from contracts.layout import baseline_key
    from monitoring.drift import baseline as room
    from monitoring.quality.evaluate import EVALUATION_FILE, read_evaluation

    evaluation = read_evaluation(out / EVALUATION_FILE)
    bucket = bucket or Stacks(stack).bucket
    made = room.make(bucket, evaluation, out)
    console.print(
        f"{len(made.sample.measures)} images and {len(made.sample.labels)} scores of {made.dataset}: "
        f"{out / room.BASELINE_FILE} and {S3Address(bucket, baseline_key(made.endpoint))}"
    )


@app.command()
def drift(
    bucket: Bucket = None,
    endpoint: Endpoint = None,
    stack: Stack = DEFAULT_STACK,
    since: Since = None,
    first: First = None,
    last: Last = None,
    from_folder: FromFolder = None,
    publish: Annotated[bool, typer.Option("--publish", help="Put the verdict to CloudWatch, for alarms.")] = False,
    out: Out = DEFAULT_OUT,
) -> None:
    """Compare captured data with the baseline."""
    from monitoring.capture.span import parse_span
    from monitoring.drift import verdict as room
    from monitoring.report import build as pull

    span = parse_span(since, first, last)
    captured = _captured(bucket, endpoint, from_folder, stack)
    reference = pull.require_baseline(out, captured.bucket, captured.endpoint)
    found = pull.check_drift(out, captured.source, captured.endpoint, reference, span)
    rows = [
        (check.name, check.verdict, f"{check.comparison.distance:.3f}", f"{check.p_value:.2g}")
        if check.comparison
        else (check.name, check.verdict, "", "")
        for check in found.checks
    ]
    table(("measure", "verdict", "distance", "p"), rows)
    console.print(f"{found.verdict}: {found.records} records against {found.dataset}. {out / room.DRIFT_FILE}")
    if publish:
        console.print(f"{room.publish(found)} metrics put to CloudWatch.")


@dataclass(frozen=True)
class _Captured:
    """Where captured data is read from, and whose it is; `bucket` may be None where a folder is read."""

    source: "CaptureSource"
    bucket: str | None
    endpoint: str


def _captured(bucket: str | None, endpoint: str | None, folder: Path | None, stack: str) -> _Captured:
    """Return what the options name, else what the stacks do; a folder is read without asking AWS anything."""
    from monitoring.capture.sources import FolderCapture, S3Capture

    if folder:
        return _Captured(FolderCapture(folder), bucket, endpoint or DEFAULT_ENDPOINT)
    stacks = Stacks(stack)
    bucket, endpoint = bucket or stacks.bucket, endpoint or stacks.endpoint
    return _Captured(S3Capture(bucket, endpoint), bucket, endpoint)

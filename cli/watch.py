"""The verbs that exercise the workflow, account for it, and watch the model."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.captured import CaptureOptions, capture_line, with_capture_options
from cli.labels import waiting_line
from cli.options import DEFAULT_OUT, Bucket, Concurrency, Endpoint, Name, Out, Stack, StateMachine
from cli.show import console, say, table
from cli.verbs import Verbs
from training.sagemaker.stacks import DEFAULT_STACK, Stacks

if TYPE_CHECKING:
    from monitoring.quality.live_quality import LiveQuality

app = Verbs()


@app.command()
def evaluate(
    bucket: Bucket = None,
    endpoint: Endpoint = None,
    stack: Stack = DEFAULT_STACK,
    name: Name = "sample",
    max_error: Annotated[
        float | None,
        typer.Option(help="Highest error rate among accepted images; by default the one that training was told."),
    ] = None,
    concurrency: Concurrency = 2,
    out: Out = DEFAULT_OUT,
) -> None:
    """Judge the model by the test images.

    Says whether it is usable and why. The images judge the threshold that came with the model; where none did, half of
    the images choose one, and the other half judge it.
    """
    from monitoring.quality.diagnosis import diagnose
    from monitoring.quality.evaluate import evaluate_endpoint
    from monitoring.quality.evaluation import EVALUATION_FILE, MAX_ERROR
    from monitoring.quality.show import view
    from monitoring.report.panels import evaluation_sketch, write_png
    from training.model import MODEL_FILE, Model

    release = Model.read(out / MODEL_FILE).release if (out / MODEL_FILE).exists() else None
    if max_error is None:
        max_error = release.threshold.max_error if release else MAX_ERROR
    stacks = Stacks(stack)
    bucket, endpoint = bucket or stacks.bucket, endpoint or stacks.endpoint
    found = evaluate_endpoint(bucket, name, endpoint, out, max_error, concurrency)
    write_png(out, evaluation_sketch(found))
    console.print(view(diagnose(found)))
    console.print(f"Evaluation: {out / EVALUATION_FILE}")


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
    from contracts.locks import exclusive
    from inference.cases import generate_cases

    bucket = bucket or Stacks(stack).bucket
    with exclusive(out):
        generated = generate_cases(bucket, name, out, images)
    console.print(f"{len(generated)} cases: {out / 'events'}")


@app.command()
def run(
    state_machine: StateMachine = None,
    stack: Stack = DEFAULT_STACK,
    concurrency: Concurrency = 2,
    resume: Annotated[bool, typer.Option("--resume", help="Keep what an earlier run finished.")] = False,
    out: Out = DEFAULT_OUT,
) -> None:
    """Run the state machine on each event.

    Writes the outcomes to executions.jsonl. The exit code is 1 if executions failed.
    """
    from collections import Counter

    from contracts.locks import exclusive
    from inference.cases import CASES_FILE, read_cases
    from inference.executions import EXECUTIONS_FILE
    from inference.failures import require_success
    from inference.run import run_cases

    listed = read_cases(out / CASES_FILE)
    machine = state_machine or Stacks(stack).state_machine_arn
    with exclusive(out):
        executions = run_cases(machine, listed, out, concurrency, resume=resume)
    table(("outcome", "images"), sorted(Counter(one.outcome for one in executions).items()))
    console.print(f"Executions: {out / EXECUTIONS_FILE}")
    require_success(executions)


@app.command()
@with_capture_options
def report(
    options: CaptureOptions,
    threshold: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="Confidence threshold; the run's or the evaluation's by default."),
    ] = None,
    labels: Annotated[
        Path | None, typer.Option(help="Reviewed labels: CSV with the columns id (inference id or case) and label.")
    ] = None,
    review_limit: Annotated[
        float | None, typer.Option(min=0, max=1, help="Share of reviews above which to advise retraining.")
    ] = None,
    out: Out = DEFAULT_OUT,
) -> None:
    """Write report.html and its charts.

    Matches the executions with the captured data; with a window or a folder, reports on the captured data alone.
    """
    from contextlib import nullcontext

    from contracts.locks import exclusive
    from monitoring.report.build import report_capture, report_run
    from monitoring.report.page import REPORT_FILE

    # A folder that isn't there yet holds nothing that another command could be writing.
    with exclusive(out) if out.is_dir() else nullcontext():
        if options.narrowed:
            captured = options.captured()
            figures = report_capture(
                out,
                captured.source,
                captured.span,
                bucket=None if options.from_folder else captured.bucket,
                endpoint=captured.endpoint,
                threshold=threshold,
                labels=labels,
                review_limit=review_limit,
                live=None if options.from_folder else _live(captured.bucket, out),
                notices=_lines(None if options.from_folder else capture_line(Stacks(options.stack))),
            )
        else:
            bucket, endpoint = options.place()
            figures = report_run(
                out,
                bucket,
                endpoint,
                threshold=threshold,
                labels=labels,
                review_limit=review_limit,
                live=_live(bucket, out),
                notices=_lines(waiting_line(Stacks(options.stack))),
            )
    table(("outcome", "images"), sorted(figures.outcomes.items()))
    console.print(f"Report: {out / REPORT_FILE}")


def _lines(line: str | None) -> list[str]:
    return [line] if line else []


def _live(bucket: str | None, out: Path) -> "LiveQuality | None":
    """What people decided in use, where the bucket is known and a model in the folder of results names its data set."""
    from checks.live_quality import live_quality
    from training.model import MODEL_FILE

    return live_quality(bucket, out) if bucket and (out / MODEL_FILE).exists() else None


@app.command()
@with_capture_options
def capture(
    options: CaptureOptions,
    out: Annotated[
        Path | None, typer.Option(help="File to write the records to: .csv, .jsonl or .parquet.", dir_okay=False)
    ] = None,
    images: Annotated[Path | None, typer.Option(help="Folder to write the images to.", file_okay=False)] = None,
) -> None:
    """Read what the endpoint captured.

    Counts the records by hour beside CloudWatch's invocations, and exports them.
    """
    from monitoring.capture.completeness import invoked_by_hour
    from monitoring.capture.export import export
    from monitoring.capture.records import read_capture

    captured = options.captured()
    found = export(read_capture(captured.source, captured.span.start, captured.span.end), out, images)
    invoked = {} if options.from_folder else invoked_by_hour(captured.endpoint, found, captured.span)
    hours = sorted({*found.hours, *invoked})
    table(
        ("hour (UTC)", "captured", "invoked"),
        [(f"{hour:%Y-%m-%d %H:00}", found.hours[hour], invoked.get(hour, "")) for hour in hours],
    )
    for line in found.skipped:
        say(f"{line.file}, line {line.line}: {line.reason}")
    for sentence in found.broken_images:
        say(sentence)
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
    from monitoring.drift.baseline import BASELINE_FILE
    from monitoring.drift.make_baseline import make_baseline
    from monitoring.quality.evaluation import EVALUATION_FILE, read_evaluation

    evaluation = read_evaluation(out / EVALUATION_FILE)
    bucket = bucket or Stacks(stack).bucket
    reference = make_baseline(bucket, evaluation, out)
    console.print(
        f"{len(reference.sample.measures)} images and {len(reference.sample.labels)} scores of {reference.dataset}: "
        f"{out / BASELINE_FILE} and {S3Address(bucket, baseline_key(reference.endpoint))}"
    )


@app.command()
@with_capture_options
def drift(
    options: CaptureOptions,
    publish: Annotated[bool, typer.Option("--publish", help="Put the verdict to CloudWatch, for alarms.")] = False,
    out: Out = DEFAULT_OUT,
) -> None:
    """Compare captured data with the baseline."""
    from monitoring.drift.baseline import require_baseline
    from monitoring.drift.check import check_drift, write_drift
    from monitoring.drift.verdict import publish_drift
    from monitoring.report.panels import drift_sketch, write_png

    captured = options.captured()
    reference = require_baseline(out, captured.bucket, captured.endpoint)
    check = check_drift(captured.endpoint, reference, captured.source, captured.span)
    path = write_drift(out, check.drift)
    if sketch := drift_sketch(check):
        write_png(out, sketch)
    rows = [
        (one.name, one.verdict, f"{one.comparison.distance:.3f}", f"{one.p_value:.2g}")
        if one.comparison
        else (one.name, one.verdict, "", "")
        for one in check.drift.checks
    ]
    table(("measure", "verdict", "distance", "p"), rows)
    console.print(f"{check.drift.verdict}: {check.drift.records} records against {check.drift.dataset}. {path}")
    if publish:
        console.print(f"{publish_drift(check.drift)} metrics put to CloudWatch.")

"""The verbs that account for what the workflow did, and watch the model."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.captured import CaptureOptions, capture_line, with_capture_options
from cli.labels import waiting_line
from cli.options import DEFAULT_OUT, Bucket, Json, Out, Stack
from cli.show import print_json, say, table
from cli.verbs import Verbs
from training.sagemaker.stacks import DEFAULT_STACK, Stacks

if TYPE_CHECKING:
    from monitoring.quality.live_quality import LiveQuality
    from monitoring.report.figures import Figures
    from monitoring.report.subject import TrainedModel

app = Verbs()


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
    as_json: Json = False,
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
                model=_model(out),
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
                model=_model(out),
                notices=_lines(waiting_line(Stacks(options.stack))),
            )
    if as_json:
        print_json(_record(figures) | {"file": out / REPORT_FILE})
        return
    table(("outcome", "images"), sorted(figures.outcomes.items()))
    say(f"Report: {out / REPORT_FILE}")


def _record(figures: "Figures") -> dict[str, object]:
    """Return the report's figures for JSON; all that it says of single images is in its files."""
    captured = figures.completeness
    return {
        "executions": figures.executions,
        "outcomes": figures.outcomes,
        "errors": figures.errors,
        "failures": figures.failures,
        "classified": figures.classified,
        "review_reasons": figures.review_reasons,
        "audited": figures.audited,
        "judged": figures.judged,
        "accuracy": figures.accuracy,
        "accepted_accuracy": figures.accepted_accuracy,
        "seconds": figures.seconds,
        "captured": {"expected": captured.expected, "joined": captured.joined, "records": captured.records},
    }


def _lines(line: str | None) -> list[str]:
    return [line] if line else []


def _model(out: Path) -> "TrainedModel | None":
    """The model that was trained last, where the folder of results has one."""
    from monitoring.report.subject import TrainedModel
    from training.model import MODEL_FILE, Model

    if not (out / MODEL_FILE).exists():
        return None
    model = Model.read(out / MODEL_FILE)
    return TrainedModel(model.training_job, model.dataset, model.release.release if model.release else None)


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
    as_json: Json = False,
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
    hours = [(hour, found.hours[hour], invoked.get(hour)) for hour in sorted({*found.hours, *invoked})]
    if as_json:
        by_hour = [dict(zip(("hour", "captured", "invoked"), row, strict=True)) for row in hours]
        variants = [{"variant": name, "records": count} for name, count in sorted(found.variants.items(), key=str)]
        print_json(asdict(found) | {"hours": by_hour, "variants": variants, "file": out, "folder": images})
        return
    table(
        ("hour (UTC)", "captured", "invoked"),
        [(f"{hour:%Y-%m-%d %H:00}", captured, "" if of is None else of) for hour, captured, of in hours],
    )
    for line in found.skipped:
        say(f"{line.file}, line {line.line}: {line.reason}")
    for sentence in found.broken_images:
        say(sentence)
    say(f"{found.records} records of {len(found.variants)} variants, {len(found.skipped)} lines skipped.")
    if out:
        say(f"Records: {out}")
    if images:
        say(f"{found.images} images: {images}")


@app.command()
def baseline(
    bucket: Bucket = None, stack: Stack = DEFAULT_STACK, as_json: Json = False, out: Out = DEFAULT_OUT
) -> None:
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
    images, scores = len(reference.sample.measures), len(reference.sample.labels)
    file, address = out / BASELINE_FILE, str(S3Address(bucket, baseline_key(reference.endpoint)))
    if as_json:
        names = {"dataset": reference.dataset, "endpoint": reference.endpoint, "created": reference.created}
        print_json({**names, "images": images, "scores": scores, "file": file, "address": address})
    else:
        say(f"{images} images and {scores} scores of {reference.dataset}: {file} and {address}")


@app.command()
@with_capture_options
def drift(
    options: CaptureOptions,
    publish: Annotated[bool, typer.Option("--publish", help="Put the verdict to CloudWatch, for alarms.")] = False,
    as_json: Json = False,
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
    put = publish_drift(check.drift) if publish else 0
    if as_json:
        print_json(asdict(check.drift) | {"file": path, "published": put})
        return
    rows = [
        (one.name, one.verdict, f"{one.comparison.distance:.3f}", f"{one.p_value:.2g}")
        if one.comparison
        else (one.name, one.verdict, "", "")
        for one in check.drift.checks
    ]
    table(("measure", "verdict", "distance", "p"), rows)
    say(f"{check.drift.verdict}: {check.drift.records} records against {check.drift.dataset}. {path}")
    if publish:
        say(f"{put} metrics put to CloudWatch.")

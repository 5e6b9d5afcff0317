"""The `workflow` command: each verb is a function of its module; modules are imported when their verb is called."""

import logging
import re
import sys
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from monitoring.capture_sources import CaptureSource

if TYPE_CHECKING:
    from training.costs import Cost

app = typer.Typer(
    help="Stage data, train and deploy a model, classify images, watch the model: on AWS or all on this machine.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Bucket = Annotated[str, typer.Option(envvar="WORKFLOW_BUCKET", help="Bucket of data sets, models and captured data.")]
Role = Annotated[str, typer.Option(envvar="WORKFLOW_ROLE_ARN", help="Role that SageMaker works under.")]
Endpoint = Annotated[str, typer.Option(envvar="WORKFLOW_ENDPOINT", help="Name of the endpoint.")]
StateMachine = Annotated[
    str, typer.Option(envvar="WORKFLOW_STATE_MACHINE_ARN", help="ARN of the ClassifyImage state machine.")
]
BatchStateMachine = Annotated[
    str, typer.Option(envvar="WORKFLOW_BATCH_STATE_MACHINE_ARN", help="ARN of the ClassifyBatch state machine.")
]
Out = Annotated[Path, typer.Option(help="Folder that results are written to.")]
Name = Annotated[str, typer.Option("--name", help="Name of the staged data set.")]
Source = Annotated[
    str, typer.Option("--dataset", help="sample (drawn), cifar100, or a folder of <class>/<image> files.")
]
Archive = Annotated[
    Path | None, typer.Option(help="Local copy of the CIFAR-100 archive, in place of the download.", dir_okay=False)
]
Verify = Annotated[bool, typer.Option("--verify/--no-verify", help="Refuse an archive that isn't the official one.")]
Classes = Annotated[str, typer.Option(help="Classes to keep, in label order, with commas.")]
MaxError = Annotated[float, typer.Option(help="Error among accepted images that the threshold must keep.")]
Concurrency = Annotated[int, typer.Option(min=1, max=1000, help="Executions at once.")]
KmsKey = Annotated[str | None, typer.Option(help="KMS key that encrypts what is written.")]
Tags = Annotated[list[str] | None, typer.Option("--tag", metavar="KEY=VALUE", help="A tag; may be repeated.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Print the request as JSON, and send nothing.")]
Yes = Annotated[bool, typer.Option("--yes", help="Don't ask.")]
OptionalBucket = Annotated[
    str | None, typer.Option(envvar="WORKFLOW_BUCKET", help="Bucket of data sets, models and captured data.")
]
Since = Annotated[str | None, typer.Option(help="Window that ends now: 90s, 30m, 2h or 7d.")]
First = Annotated[str | None, typer.Option("--from", help="Start of the window, ISO 8601, UTC.")]
Last = Annotated[str | None, typer.Option("--to", help="End of the window, ISO 8601, UTC; not part of it.")]
FromFolder = Annotated[
    Path | None, typer.Option(help="Local folder of capture files, in place of the bucket.", file_okay=False)
]
DEFAULT_ENDPOINT = "image-classification"
DEFAULT_OUT = Path("out")

console = Console()


class LedgerFormat(StrEnum):
    """Formats of a batch's ledger."""

    CSV = "csv"
    PARQUET = "parquet"


def _seconds(text: str) -> int:
    """Read a time such as 300, 90s, 5m or 2h."""
    match = re.fullmatch(r"(\d+)([smh]?)", text.strip())
    if match is None:
        raise typer.BadParameter(f"{text!r} is no time; write 300, 90s, 5m or 2h.")
    return int(match[1]) * {"": 1, "s": 1, "m": 60, "h": 3600}[match[2]]


@app.command()
def demo(
    dataset: Source = "sample",
    archive: Archive = None,
    verify: Verify = True,
    classes: Classes = "",
    images: Annotated[
        int | None, typer.Option(min=1, help="Test images to run through the workflow; all by default.")
    ] = None,
    threshold: Annotated[
        float | None, typer.Option(min=0, max=1, help="Confidence threshold; the recommended one by default.")
    ] = None,
    max_error: MaxError = 0.02,
    concurrency: Concurrency = 2,
    out: Out = Path("out/demo"),
) -> None:
    """Run the whole workflow on this machine: stage, explore, train, deploy, predict, run, capture and report."""
    from local.demo import Request, run_demo

    run_demo(
        Request(dataset, archive, verify, _names(classes), images, threshold, max_error, concurrency, out), console
    )


@app.command()
def local(
    endpoint: Endpoint = DEFAULT_ENDPOINT,
    classes: Classes = "",
    threshold: Annotated[float | None, typer.Option(min=0, max=1, help="Confidence threshold.")] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port on 127.0.0.1; 0 lets the system pick one.")] = 0,
    container_address: Annotated[
        str,
        typer.Option(
            help="Address under which Docker's containers reach this machine: host.docker.internal of Docker Desktop; "
            "on Linux the bridge's, often 172.17.0.1, where the stack then listens too. Writes env.json for sam local."
        ),
    ] = "",
    logs: Annotated[Path, typer.Option(help="Folder of the functions' and containers' logs.")] = Path("out/local"),
) -> None:
    """Run the local stack until Ctrl-C; print the variables under which every verb and SDK uses it."""
    from local.stack import Options, serve

    parameters = {"EndpointName": endpoint}
    parameters |= {"ClassLabels": classes} if classes else {}
    parameters |= {"ConfidenceThreshold": str(threshold)} if threshold is not None else {}
    options = Options(logs=str(logs), parameters=parameters, port=port, container_address=container_address)
    serve(options, console)


@app.command()
def stage(
    dataset: Source = "sample",
    archive: Archive = None,
    verify: Verify = True,
    classes: Classes = "",
    name: Annotated[str, typer.Option(help="Name of the data set; the source's by default.")] = "",
    image_size: Annotated[int, typer.Option(min=16, max=224, help="Side of the images in pixels.")] = 32,
    skip_broken: Annotated[bool, typer.Option("--skip-broken", help="Leave a folder's broken images out.")] = False,
    bucket: Annotated[
        str | None, typer.Option(envvar="WORKFLOW_BUCKET", help="Bucket to upload to; without it nothing is uploaded.")
    ] = None,
    out: Out = DEFAULT_OUT,
) -> None:
    """Get images, check them, keep the classes that matter, and put them as a data set on disk and in S3."""
    from training import stage as room

    staged = room.stage(
        dataset,
        out,
        bucket=bucket,
        archive=archive,
        verify=verify,
        classes=_names(classes),
        name=name,
        image_size=image_size,
        skip_broken=skip_broken,
    )
    where = f" and s3://{bucket}/{staged.prefix}" if bucket else ""
    _table(("split", *staged.classes), [(split, *counts.values()) for split, counts in staged.counts.items()])
    console.print(f"{staged.name}: {out / staged.prefix}{where}")


@app.command()
def explore(name: Name = "sample", out: Out = DEFAULT_OUT) -> None:
    """Count classes, measure pixels, and draw a contact sheet of a staged data set."""
    from training import explore as room

    seen = room.explore(name, out)
    statistics = seen.pixels_by_class | {"all": seen.pixels}
    _table(
        ("class", "mean of R, G, B", "standard deviation"),
        [(label, _rounded(pixels.mean), _rounded(pixels.std)) for label, pixels in statistics.items()],
    )
    console.print(f"Contact sheet: {seen.sheet}")


@app.command()
def train(
    bucket: Bucket,
    role: Role,
    name: Name = "sample",
    algorithm: Annotated[
        str, typer.Option(help="Ours, or a preset of SageMaker's: scratch-32, transfer-224.")
    ] = "scattering_ridge",
    instance_type: Annotated[str | None, typer.Option(help="Instance; the algorithm's own by default.")] = None,
    spot: Annotated[bool, typer.Option("--spot", help="Train on spot instances, with checkpoints.")] = False,
    max_run: Annotated[int, typer.Option(parser=_seconds, metavar="TIME", help="Longest run, such as 90m.")] = "1h",  # type: ignore[assignment]  # parsed
    seed: Annotated[int, typer.Option(min=0, help="Seed of the training.")] = 0,
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="A hyperparameter; may be repeated.")
    ] = None,
    kms_key: KmsKey = None,
    tag: Tags = None,
    dry_run: DryRun = False,
    resume: Annotated[bool, typer.Option("--resume", help="Follow the job that was started last.")] = False,
    yes: Yes = False,
    out: Out = DEFAULT_OUT,
) -> None:
    """Train a model on a staged data set as a SageMaker training job; write model.json."""
    from training import train as room
    from training.costs import training_cost
    from training.dataset import Dataset
    from training.request import TrainingOptions

    if resume:
        model = room.resume(out)
    else:
        options = TrainingOptions(
            instance_type=instance_type,
            spot=spot,
            max_run=max_run,
            seed=seed,
            kms_key_id=kms_key,
            tags=_pairs(tag),
            hyperparameters=_pairs(set_),
        )
        dataset = Dataset.from_s3(bucket, name)
        job, request = room.plan(dataset, bucket=bucket, role_arn=role, algorithm=algorithm, options=options)
        if dry_run:
            console.print_json(data=request)
            return
        _agree(training_cost(request, job.region), yes)
        model = room.start(job, request, out)
    _table(("metric", "value"), [(metric, f"{value:.4f}") for metric, value in model.metrics.items()])
    console.print(f"Model: {model.artifact}", soft_wrap=True)


@app.command()
def deploy(
    bucket: Bucket,
    role: Role,
    endpoint: Endpoint = DEFAULT_ENDPOINT,
    instance_type: Annotated[str, typer.Option(help="Instance that serves.")] = "ml.m5.large",
    instances: Annotated[int, typer.Option(min=1, help="How many instances serve.")] = 1,
    serverless: Annotated[int | None, typer.Option(metavar="MB", help="Serve without instances.")] = None,
    autoscale: Annotated[int | None, typer.Option(min=1, help="Scale up to so many instances.")] = None,
    target: Annotated[float, typer.Option(help="Invocations a minute and instance to scale for.")] = 600.0,
    capture: Annotated[int, typer.Option(min=0, max=100, help="Percent of requests to record.")] = 100,
    canary: Annotated[
        int | None, typer.Option(min=1, max=50, help="Percent of the capacity that an update takes first.")
    ] = None,
    bake: Annotated[
        int | None, typer.Option(parser=_seconds, metavar="TIME", help="Watch each step so long; 5m for a canary.")
    ] = None,
    alarm: Annotated[
        list[str] | None, typer.Option(help="Alarm that takes an update back; those of the endpoint by default.")
    ] = None,
    rollback: Annotated[bool, typer.Option("--rollback", help="Return to the configuration before.")] = False,
    kms_key: KmsKey = None,
    tag: Tags = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    out: Out = DEFAULT_OUT,
) -> None:
    """Serve the model of model.json by an endpoint that captures its data, or move an endpoint to it."""
    from training import deploy as room
    from training.costs import variant_cost
    from training.endpoint import EndpointOptions
    from training.model import MODEL_FILE, Model
    from training.scaling import Scaling
    from training.update import canary_of

    if rollback:
        config = room.rollback(endpoint, canary_of(endpoint, None, bake, alarm or ()))
        console.print(f"{endpoint} is in service with {config}, as before.")
        return
    options = EndpointOptions(
        instance_type=instance_type,
        instances=instances,
        serverless_memory=serverless,
        capture_percentage=capture,
        kms_key_id=kms_key,
        tags=_pairs(tag),
    )
    scaling = Scaling(autoscale, min(instances, autoscale), target) if autoscale else None
    model = Model.read(out / MODEL_FILE)
    requests = room.plan(model, endpoint, bucket, role, options)
    if dry_run:
        console.print_json(data=dict(zip(("CreateModel", "CreateEndpointConfig"), requests, strict=True)))
        return
    _agree(variant_cost(requests[1]["ProductionVariants"][0], model.region), yes)
    deployment = room.deploy(
        model,
        endpoint_name=endpoint,
        bucket=bucket,
        role_arn=role,
        options=options,
        canary=canary_of(endpoint, canary, bake, alarm or ()),
        scaling=scaling,
    )
    what = "is in service" if deployment.changed else "was in service so already"
    console.print(f"{deployment.endpoint} {what} and answers for {', '.join(deployment.labels)}.")


@app.command()
def predict(
    sources: Annotated[list[str], typer.Argument(help="Image files, folders, or s3:// objects and prefixes.")],
    endpoint: Endpoint = DEFAULT_ENDPOINT,
    as_json: Annotated[bool, typer.Option("--json", help="Print a line of JSON an image instead of a table.")] = False,
    out: Out = DEFAULT_OUT,
) -> None:
    """Ask the endpoint what is in images; exit code 1 where it has no answer for one."""
    from training import predict as room
    from training.model import MODEL_FILE, Model

    labels = Model.read(out / MODEL_FILE).labels
    answers = []
    for answer in room.predict(endpoint, labels, sources):
        answers.append(answer)
        if as_json:
            print(answer.to_json())  # noqa: T201 - for another program to read, so never wrapped
    if not as_json:
        said = [(one.source, one.error or one.label, f"{one.confidence:.4f}") for one in answers]
        _table(("image", "label", "confidence"), said)
    if any(one.error for one in answers):
        raise typer.Exit(1)


@app.command()
def teardown(
    endpoint: Endpoint = DEFAULT_ENDPOINT,
    data: Annotated[
        bool, typer.Option("--data", help="Delete data sets, models and captured requests in the bucket, too.")
    ] = False,
    bucket: Annotated[
        str | None, typer.Option(envvar="WORKFLOW_BUCKET", help="Bucket whose data --data means.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="List what stands, and delete nothing.")] = False,
    yes: Yes = False,
) -> None:
    """List what was deployed and what it costs an hour; then delete it."""
    from training import teardown as room
    from training.errors import DeployError

    if data and not bucket:
        raise DeployError("To delete data, name the bucket that holds it, with --bucket or WORKFLOW_BUCKET.")
    found = room.standing(endpoint, bucket if data else None)
    if not found:
        console.print(f"Nothing stands that was deployed for {endpoint}.")
        return
    rows = [
        (thing.kind, thing.name, f"{thing.objects} objects" if thing.objects else _price(thing.hourly))
        for thing in found
    ]
    _table(("what", "name", "USD an hour"), rows)
    if dry_run or not (yes or typer.confirm("Delete all of this?")):
        return
    room.teardown(found, bucket)
    console.print(f"{len(found)} deleted.")


@app.command("build-image")
def build_image(
    algorithm: Annotated[str, typer.Argument(help="One of our algorithms.")] = "scattering_ridge",
    push: Annotated[bool, typer.Option("--push/--no-push", help="Push it to the account's registry.")] = True,
) -> None:
    """Build the container of our algorithm with Docker, and push it to ECR."""
    from training import build_image as room

    console.print(f"Image: {room.build_image(algorithm, push=push)}")


@app.command()
def evaluate(
    bucket: Bucket,
    endpoint: Endpoint = DEFAULT_ENDPOINT,
    name: Name = "sample",
    max_error: MaxError = 0.02,
    concurrency: Concurrency = 2,
    out: Out = DEFAULT_OUT,
) -> None:
    """Ask the endpoint about all test images, and recommend the threshold that keeps the error low."""
    from monitoring import evaluate as room

    found = room.evaluate(bucket, name, endpoint, out, max_error, concurrency)
    rows = [("accuracy", f"{found.accuracy:.4f}"), ("calibration error", f"{found.expected_calibration_error:.4f}")]
    if point := found.recommended:
        rows += [("recommended threshold", f"{point.threshold:.4f}"), ("coverage there", f"{point.coverage:.1%}")]
    _table(("test images", found.images), rows)
    if not found.recommended:
        console.print(f"No threshold keeps the error among accepted images at or below {max_error:.1%}.")
    console.print(f"Evaluation: {out / room.EVALUATION_FILE}")


@app.command()
def cases(
    bucket: Bucket,
    name: Name = "sample",
    images: Annotated[int | None, typer.Option(min=1, help="Test images to make a case of; all by default.")] = None,
    out: Out = DEFAULT_OUT,
) -> None:
    """Make test events from a data set's test images and from broken ones."""
    from monitoring import cases as room

    made = room.generate(bucket, name, out, images)
    console.print(f"{len(made)} cases: {out / 'events'}")


@app.command()
def run(
    state_machine: StateMachine,
    concurrency: Concurrency = 2,
    resume: Annotated[bool, typer.Option("--resume", help="Keep what an earlier run finished.")] = False,
    out: Out = DEFAULT_OUT,
) -> None:
    """Start an execution of the state machine for each case, and write down how it ended."""
    from collections import Counter

    from monitoring import cases as made
    from monitoring import run as room
    from monitoring.executions import EXECUTIONS_FILE

    executions = room.run(state_machine, made.read_cases(out / made.CASES_FILE), out, concurrency, resume=resume)
    _table(("outcome", "images"), sorted(Counter(one.outcome for one in executions).items()))
    console.print(f"Executions: {out / EXECUTIONS_FILE}")


@app.command()
def batch(
    bucket: Bucket,
    state_machine: BatchStateMachine,
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
        int | None, typer.Option(min=1, max=10_000, help="Children at once; the template's number by default.")
    ] = None,
    format_: Annotated[
        LedgerFormat, typer.Option("--format", help="Also write the ledger as Parquet.")
    ] = LedgerFormat.CSV,
    out: Out = DEFAULT_OUT,
) -> None:
    """Classify a prefix, a manifest or a folder; account for every image. The same command resumes what was killed."""
    from monitoring import batch as room
    from monitoring.ledger import LEDGER_FILE

    if redrive is not None:
        if prefix or manifest or upload:
            raise typer.BadParameter("a batch that is run again has its images", param_hint="--redrive")
        ended = room.redrive(redrive, out, max_concurrency)
    else:
        folder = str(upload.resolve()) if upload else None
        ended = room.run(room.Request(bucket, state_machine, prefix, manifest, folder), out, max_concurrency)
    account = ended.account
    counts = {"listed": account.listed, "accepted": account.accepted, "review": account.review}
    counts |= {"rejected": account.rejected, "failed": account.failed}
    _table((f"batch {ended.id}", "images"), list(counts.items()))
    if ended.errors:
        _table(("error", "images"), list(ended.errors.items()))
    if account.duplicates:
        console.print(f"{account.duplicates} rows named an image again; each image was classified once.")
    ledger = room.write_parquet(ended) if format_ is LedgerFormat.PARQUET else ended.folder / LEDGER_FILE
    console.print(f"Ledger: {ledger}")
    room.require_account(ended)


@app.command()
def report(
    bucket: OptionalBucket = None,
    endpoint: Endpoint = DEFAULT_ENDPOINT,
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
    """Join the executions with the captured data, and write report.html with its pictures.

    With a window or a folder, report on the captured data alone.
    """
    from monitoring import pull
    from monitoring.span import parse_span

    if (since, first, last, from_folder) == (None, None, None, None):
        figures = pull.report(out, _required(bucket), endpoint, threshold=threshold, labels=labels, limit=review_limit)
    else:
        figures = pull.report_capture(
            out,
            _source(bucket, endpoint, from_folder),
            parse_span(since, first, last),
            bucket=None if from_folder else bucket,
            endpoint=endpoint,
            threshold=threshold,
            labels=labels,
            limit=review_limit,
        )
    _table(("outcome", "images"), sorted(figures.outcomes.items()))
    console.print(f"Report: {out / 'report.html'}")


@app.command()
def capture(
    bucket: OptionalBucket = None,
    endpoint: Endpoint = DEFAULT_ENDPOINT,
    since: Since = None,
    first: First = None,
    last: Last = None,
    from_folder: FromFolder = None,
    out: Annotated[
        Path | None, typer.Option(help="File to write the records to: .csv, .jsonl or .parquet.", dir_okay=False)
    ] = None,
    images: Annotated[Path | None, typer.Option(help="Folder to write the images to.", file_okay=False)] = None,
) -> None:
    """Read what the endpoint captured, count it by hour against CloudWatch's invocations, and write it down."""
    from monitoring import pull
    from monitoring.capture import read_capture
    from monitoring.export import export
    from monitoring.span import parse_span

    span = parse_span(since, first, last)
    source = _source(bucket, endpoint, from_folder)
    found = export(read_capture(source, span.start, span.end), out, images)
    invoked = {} if from_folder else pull.invoked_by_hour(endpoint, found, span)
    hours = sorted({*found.hours, *invoked})
    _table(
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
def baseline(bucket: Bucket, out: Out = DEFAULT_OUT) -> None:
    """Measure the images and scores of what was evaluated, as the reference for drift."""
    from monitoring import baseline as room
    from monitoring.evaluate import EVALUATION_FILE, read_evaluation

    made = room.make(bucket, read_evaluation(out / EVALUATION_FILE), out)
    console.print(
        f"{len(made.sample.measures)} images and {len(made.sample.labels)} scores of {made.dataset}: "
        f"{out / room.BASELINE_FILE} and s3://{bucket}/{room.baseline_key(made.endpoint)}"
    )


@app.command()
def drift(
    bucket: OptionalBucket = None,
    endpoint: Endpoint = DEFAULT_ENDPOINT,
    since: Since = None,
    first: First = None,
    last: Last = None,
    from_folder: FromFolder = None,
    publish: Annotated[bool, typer.Option("--publish", help="Put the verdict to CloudWatch, for alarms.")] = False,
    out: Out = DEFAULT_OUT,
) -> None:
    """Compare what the endpoint captured with the baseline."""
    from monitoring import drift as room
    from monitoring import pull
    from monitoring.span import parse_span

    source = _source(bucket, endpoint, from_folder)
    reference = pull.require_baseline(out, bucket, endpoint)
    found = pull.check_drift(out, source, endpoint, reference, parse_span(since, first, last))
    rows = [
        (check.name, check.verdict, f"{check.comparison.distance:.3f}", f"{check.p_value:.2g}")
        if check.comparison
        else (check.name, check.verdict, "", "")
        for check in found.checks
    ]
    _table(("measure", "verdict", "distance", "p"), rows)
    console.print(f"{found.verdict}: {found.records} records against {found.dataset}. {out / room.DRIFT_FILE}")
    if publish:
        console.print(f"{room.publish(found)} metrics put to CloudWatch.")


def main() -> None:
    """Run the command; what goes wrong is one line on standard error and exit code 1."""
    logging.basicConfig(level=logging.WARNING, format="%(name)s: %(message)s")
    try:
        app()
    except KeyboardInterrupt:
        sys.exit("Interrupted.")
    except Exception as error:
        if (sentence := _sentence(error)) is None:
            raise
        print(f"workflow: {sentence}", file=sys.stderr)  # noqa: T201
        sys.exit(1)


def _sentence(error: Exception) -> str | None:
    """Return what to tell the user of an error that was foreseen; None for a fault of ours."""
    from botocore.exceptions import BotoCoreError, ClientError

    from local.errors import LocalError
    from monitoring.errors import MonitoringError
    from training import aws_errors
    from training.errors import TrainingError

    if isinstance(error, BotoCoreError | ClientError):
        return aws_errors.sentence(error)
    if isinstance(error, LocalError | MonitoringError | TrainingError):
        return " ".join(str(error).split())
    return None


def _source(bucket: str | None, endpoint: str, folder: Path | None) -> "CaptureSource":
    from monitoring.capture_sources import FolderCapture, S3Capture

    return FolderCapture(folder) if folder else S3Capture(_required(bucket), endpoint)


def _required(bucket: str | None) -> str:
    if bucket is None:
        raise typer.BadParameter("give --bucket or --from-folder, or set WORKFLOW_BUCKET", param_hint="--bucket")
    return bucket


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _pairs(texts: Sequence[str] | None) -> dict[str, str]:
    pairs = {}
    for text in texts or ():
        name, sign, value = text.partition("=")
        if not name or not sign:
            raise typer.BadParameter(f"{text!r} is not of the form NAME=VALUE.")
        pairs[name] = value
    return pairs


def _agree(cost: "Cost", yes: bool) -> None:
    """Say what starts to cost money, and go on only if that is wanted; on this machine nothing does."""
    from local.stack import in_use

    if in_use():
        return
    console.print(cost.sentence, highlight=False)
    if not yes:
        typer.confirm("Go on?", abort=True)


def _price(hourly: float | None) -> str:
    return "unknown" if hourly is None else f"{hourly:.3f}"


def _rounded(values: tuple[float, ...]) -> str:
    return " ".join(f"{value:.1f}" for value in values)


def _table(header: tuple[object, ...], rows: Sequence[tuple[object, ...]]) -> None:
    table = Table(box=None, pad_edge=False)
    for number, title in enumerate(header):
        table.add_column(str(title), justify="right" if number else "left")
    for row in rows:
        table.add_row(*map(str, row))
    console.print(table)


if __name__ == "__main__":
    main()

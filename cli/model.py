"""The verbs from images to an endpoint."""

from typing import TYPE_CHECKING, Annotated

import typer

from cli.options import (
    DEFAULT_OUT,
    Archive,
    Bucket,
    Classes,
    DryRun,
    Endpoint,
    KmsKey,
    Name,
    Out,
    Role,
    Source,
    Stack,
    Tags,
    Verify,
    Yes,
    names,
    pairs,
    seconds,
)
from cli.show import agree, console, price, rounded, table
from training.sagemaker.stacks import DEFAULT_STACK, Stacks

if TYPE_CHECKING:
    from training.sagemaker.update import Canary

app = typer.Typer()


@app.command()
def stage(
    dataset: Source = "sample",
    archive: Archive = None,
    verify: Verify = True,
    classes: Classes = "",
    name: Annotated[str, typer.Option(help="Name of the data set; the source's by default.")] = "",
    image_size: Annotated[int, typer.Option(min=16, max=224, help="Side of the images in pixels.")] = 32,
    skip_broken: Annotated[bool, typer.Option("--skip-broken", help="Leave a folder's broken images out.")] = False,
    bucket: Bucket = None,
    stack: Stack = DEFAULT_STACK,
    no_upload: Annotated[bool, typer.Option("--no-upload", help="Keep the data set on disk only.")] = False,
    out: Out = DEFAULT_OUT,
) -> None:
    """Get images, check them, keep the classes that matter, and put them as a data set on disk and in S3."""
    from training import stage as room

    staged = room.stage(
        dataset,
        out,
        archive=archive,
        verify=verify,
        classes=names(classes),
        name=name,
        image_size=image_size,
        skip_broken=skip_broken,
    )
    table(("split", *staged.classes), [(split, *counts.values()) for split, counts in staged.counts.items()])
    console.print(f"{staged.name}: {out / staged.prefix}")
    if not no_upload:
        bucket = bucket or Stacks(stack).bucket
        room.upload(staged, out, bucket)
        console.print(f"{staged.name}: s3://{bucket}/{staged.prefix}")


@app.command()
def explore(name: Name = "sample", out: Out = DEFAULT_OUT) -> None:
    """Count classes, measure pixels, and draw a contact sheet of a staged data set."""
    from training import explore as room

    seen = room.explore(name, out)
    statistics = seen.pixels_by_class | {"all": seen.pixels}
    table(
        ("class", "mean of R, G, B", "standard deviation"),
        [(label, rounded(pixels.mean), rounded(pixels.std)) for label, pixels in statistics.items()],
    )
    console.print(f"Contact sheet: {seen.sheet}")


@app.command()
def train(
    bucket: Bucket = None,
    role: Role = None,
    stack: Stack = DEFAULT_STACK,
    name: Name = "sample",
    algorithm: Annotated[
        str, typer.Option(help="Ours, or a preset of SageMaker's: scratch-32, transfer-224.")
    ] = "scattering_ridge",
    instance_type: Annotated[str | None, typer.Option(help="Instance; the algorithm's own by default.")] = None,
    spot: Annotated[bool, typer.Option("--spot", help="Train on spot instances, with checkpoints.")] = False,
    max_run: Annotated[int, typer.Option(parser=seconds, metavar="TIME", help="Longest run, such as 90m.")] = "1h",  # type: ignore[assignment]  # parsed
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
    from training.dataset import Dataset
    from training.sagemaker.costs import training_cost
    from training.sagemaker.request import TrainingOptions

    if resume:
        model = room.resume(out)
    else:
        options = TrainingOptions(
            instance_type=instance_type,
            spot=spot,
            max_run=max_run,
            seed=seed,
            kms_key_id=kms_key,
            tags=pairs(tag),
            hyperparameters=pairs(set_),
        )
        stacks = Stacks(stack)
        bucket, role = bucket or stacks.bucket, role or stacks.role_arn
        dataset = Dataset.from_s3(bucket, name)
        job, request = room.plan(dataset, bucket=bucket, role_arn=role, algorithm=algorithm, options=options)
        if dry_run:
            console.print_json(data=request)
            return
        agree(training_cost(request, job.region), yes)
        model = room.start(job, request, out)
    table(("metric", "value"), [(metric, f"{value:.4f}") for metric, value in model.metrics.items()])
    console.print(f"Model: {model.artifact}", soft_wrap=True)


@app.command()
def deploy(
    bucket: Bucket = None,
    role: Role = None,
    endpoint: Endpoint = None,
    stack: Stack = DEFAULT_STACK,
    instance_type: Annotated[str, typer.Option(help="Instance that serves.")] = "ml.m5.large",
    instances: Annotated[int, typer.Option(min=1, help="How many instances serve.")] = 1,
    serverless: Annotated[
        int | None, typer.Option(metavar="MB", help="Serve without instances, capture and network isolation.")
    ] = None,
    autoscale: Annotated[int | None, typer.Option(min=1, help="Scale up to so many instances.")] = None,
    target: Annotated[float, typer.Option(help="Invocations a minute and instance to scale for.")] = 600.0,
    capture: Annotated[int, typer.Option(min=0, max=100, help="Percent of requests to record.")] = 100,
    canary: Annotated[
        int | None, typer.Option(min=1, max=50, help="Percent of the capacity that an update takes first.")
    ] = None,
    bake: Annotated[
        int | None, typer.Option(parser=seconds, metavar="TIME", help="Watch each step so long; 5m for a canary.")
    ] = None,
    alarm: Annotated[
        list[str] | None,
        typer.Option(help="Alarm that rolls the update back; for a canary those of the endpoint by default."),
    ] = None,
    ignore_alarms: Annotated[
        bool, typer.Option("--ignore-alarms", help="Leave out alarms that are in ALARM now.")
    ] = False,
    rollback: Annotated[bool, typer.Option("--rollback", help="Return to the configuration before.")] = False,
    kms_key: KmsKey = None,
    tag: Tags = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    out: Out = DEFAULT_OUT,
) -> None:
    """Serve the model of model.json by an endpoint that captures its data, or move an endpoint to it."""
    from training import deploy as room
    from training.model import MODEL_FILE, Model
    from training.sagemaker.costs import variant_cost
    from training.sagemaker.endpoint import EndpointOptions
    from training.sagemaker.scaling import Scaling

    stacks = Stacks(stack)
    endpoint = endpoint or stacks.endpoint
    if rollback:
        config = room.rollback(endpoint, _watched(endpoint, None, bake, alarm, ignore_alarms))
        console.print(f"{endpoint} is in service with {config}, as before.")
        return
    options = EndpointOptions(
        instance_type=instance_type,
        instances=instances,
        serverless_memory=serverless,
        capture_percentage=capture,
        kms_key_id=kms_key,
        tags=pairs(tag),
    )
    scaling = Scaling(autoscale, min(instances, autoscale), target) if autoscale else None
    model = Model.read(out / MODEL_FILE)
    bucket, role = bucket or stacks.bucket, role or stacks.role_arn
    requests = room.plan(model, endpoint, bucket, role, options)
    if dry_run:
        console.print_json(data=dict(zip(("CreateModel", "CreateEndpointConfig"), requests, strict=True)))
        return
    update = _watched(endpoint, canary, bake, alarm, ignore_alarms)
    agree(variant_cost(requests[1]["ProductionVariants"][0], model.region), yes)
    deployment = room.deploy(
        model,
        endpoint_name=endpoint,
        bucket=bucket,
        role_arn=role,
        options=options,
        canary=update,
        scaling=scaling,
    )
    what = "is in service" if deployment.changed else "was in service so already"
    console.print(f"{deployment.endpoint} {what} and answers for {', '.join(deployment.labels)}.")


def _watched(
    endpoint: str, percent: int | None, bake: int | None, alarms: list[str] | None, ignore_alarms: bool
) -> "Canary":
    """Return how an update goes, and say which alarms do not watch it."""
    from training.sagemaker.update import canary_of

    canary = canary_of(endpoint, percent, bake, alarms or (), ignore_alarms=ignore_alarms)
    if canary.ignored:
        watching = ", ".join(canary.alarms) or "no alarm"
        left_out = f"Left out, in ALARM now: {', '.join(canary.ignored)}. Watching the update: {watching}."
        console.print(left_out, highlight=False, soft_wrap=True)
    return canary


@app.command()
def predict(
    sources: Annotated[list[str], typer.Argument(help="Image files, folders, or s3:// objects and prefixes.")],
    endpoint: Endpoint = None,
    stack: Stack = DEFAULT_STACK,
    as_json: Annotated[bool, typer.Option("--json", help="Print a line of JSON an image instead of a table.")] = False,
    out: Out = DEFAULT_OUT,
) -> None:
    """Ask the endpoint what is in images; exit code 1 where it has no answer for one."""
    from training import predict as room
    from training.model import MODEL_FILE, Model

    labels = Model.read(out / MODEL_FILE).labels
    answers = []
    for answer in room.predict(endpoint or Stacks(stack).endpoint, labels, sources):
        answers.append(answer)
        if as_json:
            print(answer.to_json())  # noqa: T201 - for another program to read, so never wrapped
    if not as_json:
        said = [(one.source, one.error or one.label, f"{one.confidence:.4f}") for one in answers]
        table(("image", "label", "confidence"), said)
    if any(one.error for one in answers):
        raise typer.Exit(1)


@app.command()
def teardown(
    endpoint: Endpoint = None,
    data: Annotated[
        bool, typer.Option("--data", help="Empty the bucket of all that the workflow wrote and of incoming/, too.")
    ] = False,
    bucket: Bucket = None,
    stack: Stack = DEFAULT_STACK,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="List what stands, and delete nothing.")] = False,
    yes: Yes = False,
) -> None:
    """List what was deployed and what it costs an hour; then delete it."""
    from training import teardown as room

    stacks = Stacks(stack)
    endpoint = endpoint or stacks.endpoint
    bucket = bucket or stacks.bucket if data else None
    found = room.standing(endpoint, bucket)
    if not found:
        console.print(f"Nothing stands that was deployed for {endpoint}.")
        return
    rows = [
        (thing.kind, thing.name, f"{thing.objects} objects" if thing.objects else price(thing.hourly))
        for thing in found
    ]
    table(("what", "name", "USD an hour"), rows)
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
    from training.sagemaker import build_image as room

    console.print(f"Image: {room.build_image(algorithm, push=push)}")

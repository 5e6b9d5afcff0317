"""The verbs that train a model."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.options import (
    COST,
    DEFAULT_OUT,
    REGISTRY,
    Bucket,
    DryRun,
    Group,
    Json,
    KmsKey,
    Name,
    Out,
    Role,
    Stack,
    Tags,
    Yes,
    error_rate,
    pairs,
    seconds,
)
from cli.registry import show_registered
from cli.show import agree, print_json, say, show, table
from cli.verbs import Verbs
from training.sagemaker.recipes import Features
from training.sagemaker.stacks import DEFAULT_STACK, Stacks

if TYPE_CHECKING:
    from monitoring.quality.diagnosis import Diagnosis
    from training.model import Model

app = Verbs()
TRAINING = "Training"


@app.command()
def train(
    bucket: Bucket = None,
    role: Role = None,
    stack: Stack = DEFAULT_STACK,
    name: Name = "sample",
    algorithm: Annotated[
        str,
        typer.Option(
            help="mirror_ridge, or SageMaker's built-in ResNet: scratch-32, transfer-224.", rich_help_panel=TRAINING
        ),
    ] = "mirror_ridge",
    features: Annotated[
        Features | None,
        typer.Option(
            help="Features of mirror_ridge: backbone (default) is pretrained on ImageNet, scattering isn't.",
            rich_help_panel=TRAINING,
        ),
    ] = None,
    max_error: Annotated[
        float | None,
        typer.Option(
            parser=error_rate,
            metavar="SHARE",
            help="Highest error rate among accepted images that mirror_ridge's threshold keeps; 0.02.",
            rich_help_panel=TRAINING,
        ),
    ] = None,
    instance_type: Annotated[
        str | None, typer.Option(help="Instance type; by default the algorithm's own.", rich_help_panel=COST)
    ] = None,
    spot: Annotated[
        bool, typer.Option("--spot", help="Train on spot instances, with checkpoints.", rich_help_panel=COST)
    ] = False,
    max_run: Annotated[
        int, typer.Option(parser=seconds, metavar="TIME", help="Maximum run time, such as 90m.", rich_help_panel=COST)
    ] = "1h",  # type: ignore[assignment]  # parsed
    seed: Annotated[int, typer.Option(min=0, help="Random seed of the training.", rich_help_panel=TRAINING)] = 0,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="NAME=VALUE", help="A hyperparameter; may be repeated.", rich_help_panel=TRAINING
        ),
    ] = None,
    kms_key: KmsKey = None,
    tag: Tags = None,
    dry_run: DryRun = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Wait for the job that was started last, rather than start one.")
    ] = False,
    register: Annotated[
        bool,
        typer.Option(
            "--register",
            help="Put the model into the model registry, where it waits for approval.",
            rich_help_panel=REGISTRY,
        ),
    ] = False,
    group: Group = None,
    yes: Yes = False,
    as_json: Json = False,
    out: Out = DEFAULT_OUT,
) -> None:
    """Train a model by a SageMaker training job.

    Reads a staged data set, and writes model.json.
    """
    from contracts.locks import exclusive
    from training import registry, train
    from training.dataset import read_uploaded
    from training.model import MODEL_FILE
    from training.sagemaker.costs import training_cost
    from training.sagemaker.request import TrainingOptions

    if resume:
        with exclusive(out):
            model = train.resume(out)
    else:
        options = TrainingOptions(
            instance_type=instance_type,
            spot=spot,
            max_run=max_run,
            seed=seed,
            features=features,
            max_error=max_error,
            kms_key_id=kms_key,
            tags=pairs(tag),
            hyperparameters=pairs(set_),
        )
        stacks = Stacks(stack)
        bucket, role = bucket or stacks.bucket, role or stacks.role_arn
        dataset = read_uploaded(bucket, name)
        job, request = train.plan(dataset, bucket=bucket, role_arn=role, algorithm=algorithm, options=options)
        if dry_run:
            print_json(request)
            return
        agree(training_cost(request, job.region), yes)
        with exclusive(out):
            model = train.start(job, request, out)
    found = _judge(model, out)
    if not as_json:
        _show(model, found)
    version = registry.register(model, out, group) if register else None
    if as_json:
        verdict = None if isinstance(found, str) else found.verdict
        print_json({"model": model, "file": out / MODEL_FILE, "verdict": verdict, "registered": version})
    elif version:
        show_registered(version)


def _show(model: "Model", found: "Diagnosis | str") -> None:
    from monitoring.quality.show import view

    table(("metric", "value"), [(metric, f"{value:.4f}") for metric, value in model.metrics.items()])
    say(f"Model: {model.artifact}")
    if model.release:
        say(model.release.sentence)
    if isinstance(found, str):
        say(found)
    else:
        show(view(found, "training images, each answered from the others"))


def _judge(model: "Model", out: Path) -> "Diagnosis | str":
    """Return the diagnosis of a model by its out-of-fold predictions, or in a sentence why there is none."""
    from monitoring.quality.diagnosis import diagnose
    from monitoring.quality.out_of_fold import MOST_BYTES, PREDICTIONS, judge_training
    from training.archives import read_file
    from training.errors import ArchiveError

    later = "No verdict on the model before it is deployed; then `workflow evaluate` gives one."
    if model.release is None:
        return later
    try:
        content = read_file(model.output, PREDICTIONS, MOST_BYTES)
    except ArchiveError as error:
        return f"No verdict on the model: {error}."
    if content is None:
        return later
    return diagnose(judge_training(content, model.dataset, model.training_job, model.release, out))


@app.command("build-image")
def build_image(
    algorithm: Annotated[str, typer.Argument(help="Folder of training/algorithms.")] = "mirror_ridge",
    push: Annotated[bool, typer.Option("--push/--no-push", help="Push it to the account's ECR registry.")] = True,
    as_json: Json = False,
) -> None:
    """Build an algorithm's image for SageMaker.

    Needs Docker; pushes the image to ECR.
    """
    from training.sagemaker import build_image

    image = build_image.build_image(algorithm, push=push)
    if as_json:
        print_json({"image": image, "pushed": push})
    else:
        say(f"Image: {image}")

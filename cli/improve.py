"""The verb that makes the next model from what people decided."""

import re
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.data import show_lineage
from cli.options import DEFAULT_OUT, Bucket, Endpoint, Json, Out, Role, Stack, Yes
from cli.registry import show_comparison
from cli.show import agree, confirmed, print_json, say, table
from cli.verbs import Verbs
from training.sagemaker.stacks import DEFAULT_STACK, Stacks

if TYPE_CHECKING:
    from monitoring.quality.comparison import Comparison
    from training.model import Model

app = Verbs()


@app.command()
def improve(
    name: Annotated[str, typer.Option(help="Name of the next data set; by default NAME-2, then NAME-3.")] = "",
    bucket: Bucket = None,
    role: Role = None,
    endpoint: Endpoint = None,
    stack: Stack = DEFAULT_STACK,
    yes: Yes = False,
    as_json: Json = False,
    out: Out = DEFAULT_OUT,
) -> None:
    """Make the next model from what people decided.

    Stages the next data set, trains on it, compares the new model with that of model.json, and asks before it is
    deployed. A model that is worse is kept and not deployed.
    """
    from contracts.locks import exclusive
    from training.model import MODEL_FILE, Model
    from training.stage import stage_labels

    stacks = Stacks(stack)
    bucket, role, endpoint = bucket or stacks.bucket, role or stacks.role_arn, endpoint or stacks.endpoint
    with exclusive(out):
        present = _served(Model.read(out / MODEL_FILE), endpoint, out)
        name = name or next_name(present.dataset)
        dataset = stage_labels(present.dataset, out, bucket, name)
        show_lineage(dataset)
        following = _train(present, name, bucket, role, yes, out)
        compared = _compare(present, following)
        show_comparison(compared)
        deployed = not compared.faults and (yes or confirmed(f"Deploy it to {endpoint}?"))
        if deployed:
            _approve(present, following, out / name)
            _deploy(following, endpoint, bucket, role)
            following = Model.read(out / name / MODEL_FILE)
            following.write(out / MODEL_FILE)
    if as_json:
        comparison = asdict(compared) | {"faults": compared.faults}
        record = {"before": present, "model": following, "file": out / name / MODEL_FILE, "deployed": deployed}
        print_json({"dataset": dataset, "comparison": comparison, **record})
    if deployed:
        _show_changes(present, following)
    elif compared.faults:
        say(f"Not deployed; the new model's record is {out / name / MODEL_FILE}.")
        raise typer.Exit(1)
    else:
        say(f"Not deployed; `workflow deploy --out {out / name}` does it later.")


def _served(present: "Model", endpoint: str, out: Path) -> "Model":
    """Return the model if it can be improved: it says how it was trained, and it is what the endpoint serves.

    Raises:
        DeployError: it doesn't, or isn't.
    """
    from contracts.addresses import S3Address
    from training.artifacts import served_by
    from training.errors import DeployError

    if present.release is None:
        raise DeployError(
            f"A model of {present.algorithm} doesn't describe itself; train it on the data set that `workflow stage "
            f"--dataset {present.dataset} --with-labels` makes."
        )
    if served_by(endpoint) != S3Address.parse(present.artifact):
        raise DeployError(
            f"{endpoint} doesn't serve the model of {out}; name another folder by --out, or deploy it first by "
            "`workflow deploy`."
        )
    return present


def next_name(name: str) -> str:
    """Return the name of the data set after `name`: pets, pets-2, pets-3."""
    numbered = re.fullmatch(r"(.+)-(\d{1,6})", name)
    return f"{numbered[1]}-{int(numbered[2]) + 1}" if numbered else f"{name}-2"


def _train(present: "Model", name: str, bucket: str, role: str, yes: bool, out: Path) -> "Model":
    """Train as the present model was, and write the new one's record to `out/name`."""
    from training import train
    from training.dataset import read_uploaded
    from training.sagemaker.costs import training_cost
    from training.sagemaker.recipes import Features
    from training.sagemaker.request import TrainingOptions

    assert present.release is not None
    release = present.release
    options = TrainingOptions(features=Features(release.features), max_error=release.threshold.max_error)
    dataset = read_uploaded(bucket, name)
    job, request = train.plan(dataset, bucket=bucket, role_arn=role, algorithm=present.algorithm, options=options)
    agree(training_cost(request, job.region), yes)
    return train.start(job, request, out / name)


def _compare(present: "Model", following: "Model") -> "Comparison":
    """Compare the models on the test images that both share."""
    from contracts.addresses import S3Address
    from monitoring.quality.comparison import compare
    from training.job_output import read_judged

    return compare(*(read_judged(S3Address.parse(one.artifact)) for one in (present, following)))


def _deploy(model: "Model", endpoint: str, bucket: str, role: str) -> None:
    """Put the model behind the endpoint, which keeps its instances, its capture and its scaling."""
    from training import deploy
    from training.sagemaker.present import serving_of
    from training.sagemaker.update import canary_of

    serving = serving_of(endpoint)
    deploy.deploy(
        model,
        endpoint_name=endpoint,
        bucket=bucket,
        role_arn=role,
        options=serving.options,
        canary=canary_of(endpoint, None, None, (), ignore_alarms=False),
        scaling=serving.scaling,
    )


def _approve(present: "Model", following: "Model", folder: Path) -> None:
    """Register and approve the new model where the present one is registered, in the same group."""
    from training import registry

    if version := registry.version_of(present):
        registered = registry.register(following, folder, version.group)
        approved = registry.decide(
            version.group, registered.number, approved=True, reason="Agreed by workflow improve."
        )
        say(f"{approved.name} is approved.")


def _show_changes(present: "Model", following: "Model") -> None:
    rows = [
        ("data set", present.dataset, following.dataset),
        ("release", _release(present), _release(following)),
        ("threshold", _threshold(present), _threshold(following)),
    ]
    table(("what changed", "before", "now"), rows)


def _release(model: "Model") -> str:
    return model.release.release if model.release else "-"


def _threshold(model: "Model") -> str:
    if model.release is None:
        return "-"
    return "accepts nothing" if model.release.threshold.value is None else f"{model.release.threshold.value:g}"

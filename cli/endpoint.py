"""The verb that deploys a model."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from cli.options import (
    COST,
    DEFAULT_OUT,
    Bucket,
    DryRun,
    Endpoint,
    Group,
    Json,
    KmsKey,
    Out,
    Role,
    Stack,
    Tags,
    Yes,
    expiry,
    pairs,
    seconds,
)
from cli.registry import group_or_default
from cli.show import agree, print_json, say
from cli.verbs import Verbs
from contracts.durations import spelled
from training.sagemaker.stacks import DEFAULT_STACK, Stacks

if TYPE_CHECKING:
    from training.deploy import Deployment
    from training.lifetime import SetExpiry
    from training.model import Model
    from training.sagemaker.update import Canary

app = Verbs()
# Headings of the help of `deploy`.
CAPACITY, UPDATES, CHOICE = "Capacity and capture", "Updates", "Which model"


@app.command()
def deploy(
    bucket: Bucket = None,
    role: Role = None,
    endpoint: Endpoint = None,
    stack: Stack = DEFAULT_STACK,
    instance_type: Annotated[
        str, typer.Option(help="Instance type of the endpoint.", rich_help_panel=CAPACITY)
    ] = "ml.m5.large",
    instances: Annotated[int, typer.Option(min=1, help="Number of instances.", rich_help_panel=CAPACITY)] = 1,
    serverless: Annotated[
        int | None,
        typer.Option(
            metavar="MB",
            help="Deploy a serverless endpoint with this much memory; Classify captures its requests, and it has no "
            "network isolation.",
            rich_help_panel=CAPACITY,
        ),
    ] = None,
    autoscale: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Scale automatically to at most N instances.", rich_help_panel=CAPACITY),
    ] = None,
    target: Annotated[
        float, typer.Option(help="Invocations per minute and instance that scaling aims at.", rich_help_panel=CAPACITY)
    ] = 600.0,
    capture: Annotated[
        int, typer.Option(min=0, max=100, help="Percentage of requests that are captured.", rich_help_panel=CAPACITY)
    ] = 100,
    canary: Annotated[
        int | None,
        typer.Option(
            min=1, max=50, help="Update this percentage of the capacity first, then the rest.", rich_help_panel=UPDATES
        ),
    ] = None,
    bake: Annotated[
        int | None,
        typer.Option(
            parser=seconds,
            metavar="TIME",
            help="Bake time for each step of an update; 5m for a canary.",
            rich_help_panel=UPDATES,
        ),
    ] = None,
    alarm: Annotated[
        list[str] | None,
        typer.Option(
            help="Alarm that rolls the update back; may be repeated. By default a canary has those of the endpoint.",
            rich_help_panel=UPDATES,
        ),
    ] = None,
    ignore_alarms: Annotated[
        bool, typer.Option("--ignore-alarms", help="Don't watch alarms that are in ALARM now.", rich_help_panel=UPDATES)
    ] = False,
    rollback: Annotated[
        bool, typer.Option("--rollback", help="Return to the previous endpoint configuration.", rich_help_panel=UPDATES)
    ] = False,
    approved: Annotated[
        bool,
        typer.Option(
            "--approved",
            help="Take the last approved model of the registry, not that of model.json.",
            rich_help_panel=CHOICE,
        ),
    ] = False,
    expires: Annotated[
        int | None,
        typer.Option(
            parser=expiry,
            metavar="TIME",
            help="Delete the endpoint after this time, such as 8h, but never during a batch; never: keep it.",
            rich_help_panel=COST,
        ),
    ] = None,
    group: Group = None,
    force: Annotated[
        bool,
        typer.Option(
            "--force",
            help="Deploy also a model that is worse than the endpoint's, or not approved.",
            rich_help_panel=CHOICE,
        ),
    ] = False,
    kms_key: KmsKey = None,
    tag: Tags = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: Json = False,
    out: Out = DEFAULT_OUT,
) -> None:
    """Deploy a model, or update its endpoint.

    Reads model.json. The endpoint captures its requests and answers; for a serverless one Classify does, and the app
    stack is updated. Refuses a model that is worse than what the endpoint serves, or registered and not approved. An
    endpoint that expires keeps its configuration and its model, so that the next `deploy` brings it back; without
    --expires, `deploy` leaves an expiry as it is.
    """
    from training import deploy
    from training.lifetime import deploy_until
    from training.model import MODEL_FILE, Model
    from training.sagemaker.app_stack import follow_endpoint
    from training.sagemaker.costs import variant_cost
    from training.sagemaker.endpoint import EndpointOptions
    from training.sagemaker.scaling import Scaling

    stacks = Stacks(stack)
    endpoint = endpoint or stacks.endpoint
    if rollback and expires is not None:
        raise typer.BadParameter("--rollback changes nothing about when the endpoint expires; leave --expires out.")
    if rollback:
        config = deploy.rollback(endpoint, _watched(endpoint, None, bake, alarm, ignore_alarms))
        followed = follow_endpoint(stack, endpoint)
        if as_json:
            print_json(_record(endpoint, config))
            return
        for line in filter(None, (f"{endpoint} is in service with its previous configuration, {config}.", followed)):
            say(line)
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
    model = _last_approved(group_or_default(group, out)) if approved else Model.read(out / MODEL_FILE)
    bucket, role = bucket or stacks.bucket, role or stacks.role_arn
    requests = deploy.plan(model, endpoint, bucket, role, options, by_package=approved)
    if dry_run:
        print_json(dict(zip(("CreateModel", "CreateEndpointConfig"), requests, strict=True)))
        return
    update = _watched(endpoint, canary, bake, alarm, ignore_alarms)
    agree(variant_cost(requests[1]["ProductionVariants"][0], model.region), yes)
    set_expiry = _set_expiry(expires, endpoint, stacks)
    _check(model, endpoint, force)
    deployment, expires_at = deploy_until(
        set_expiry,
        endpoint,
        lambda before_change: deploy.deploy(
            model,
            endpoint_name=endpoint,
            bucket=bucket,
            role_arn=role,
            options=options,
            canary=update,
            scaling=scaling,
            by_package=approved,
            before_change=before_change,
        ),
    )
    if not as_json:
        _show(deployment, expires_at, model)
    followed = follow_endpoint(stack, endpoint, capture)
    if as_json:
        print_json(_record(endpoint, deployment.config, deployment, model, expires_at))
    elif followed:
        say(followed)


def _show(deployment: "Deployment", expires_at: datetime | None, model: "Model") -> None:
    state = "is in service" if deployment.changed else "was already in service with this configuration"
    say(f"{deployment.endpoint} {state}; its labels are {', '.join(deployment.labels)}.")
    if expires_at:
        say(f"It expires at {expires_at:%Y-%m-%d %H:%M} UTC, in {spelled(expires_at - datetime.now(UTC))}.")
    if model.release:
        say(model.release.sentence)


def _record(
    endpoint: str,
    config: str,
    deployment: "Deployment | None" = None,
    model: "Model | None" = None,
    expires_at: datetime | None = None,
) -> dict[str, object]:
    """Return what is in service, for JSON; after a rollback the model isn't looked up."""
    return {
        "endpoint": endpoint,
        "config": config,
        "changed": deployment is None or deployment.changed,
        "model": deployment and deployment.model,
        "labels": deployment and deployment.labels,
        "release": model and model.release and model.release.release,
        "expires": expires_at,
    }


def _set_expiry(seconds: int | None, endpoint: str, stacks: Stacks) -> "SetExpiry":
    """Return what makes the endpoint expire as `--expires` says: None as before, 0 never."""
    from training import lifetime

    if seconds is None:
        return lifetime.as_before(endpoint)
    return lifetime.after(seconds, endpoint, stacks) if seconds else lifetime.never(endpoint)


def _last_approved(group: str) -> "Model":
    """Return the last approved model of a group, and print which that is."""
    from training import registry

    version = registry.last_approved(group)
    say(f"The last approved version is {version.name}.")
    return registry.model_of(version)


def _check(model: "Model", endpoint: str, force: bool) -> None:
    """Refuse a model that should not replace what the endpoint serves; with `force` only print why."""
    from checks.release import rule
    from training.errors import DeployError

    ruling = rule(model, endpoint)
    objections = " ".join(ruling.objections)
    if objections and not force:
        raise DeployError(f"{objections} Give --force to deploy it all the same.")
    for line in filter(None, (objections, ruling.unknown)):
        say(line)


def _watched(
    endpoint: str, percent: int | None, bake: int | None, alarms: list[str] | None, ignore_alarms: bool
) -> "Canary":
    """Return how an update is made, and print which alarms don't watch it."""
    from training.sagemaker.update import canary_of

    canary = canary_of(endpoint, percent, bake, alarms or (), ignore_alarms=ignore_alarms)
    if canary.ignored:
        watching = ", ".join(canary.alarms) or "no alarm"
        say(f"Not watched, as in ALARM now: {', '.join(canary.ignored)}. Watching the update: {watching}.")
    return canary

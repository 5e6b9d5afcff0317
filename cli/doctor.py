"""The verb that checks an account and what is deployed in it."""

from typing import Annotated

import typer

from cli.options import DEFAULT_OUT, Bucket, Endpoint, Json, Out, Role, Stack
from cli.show import print_json, say
from cli.verbs import Verbs
from training.sagemaker.stacks import DEFAULT_STACK

app = Verbs()


@app.command()
def doctor(
    stack: Stack = DEFAULT_STACK,
    bucket: Bucket = None,
    role: Role = None,
    endpoint: Endpoint = None,
    algorithm: Annotated[str, typer.Option(help="Algorithm to train.")] = "mirror_ridge",
    training_instance: Annotated[
        str | None, typer.Option(metavar="TYPE", help="Instance type for training; by default the algorithm's own.")
    ] = None,
    endpoint_instance: Annotated[str, typer.Option(metavar="TYPE", help="Endpoint's instance type.")] = "ml.m5.large",
    as_json: Json = False,
    out: Out = DEFAULT_OUT,
) -> None:
    """Check the account and what is deployed.

    The exit code is 1 if a check is bad.
    """
    from checks.check import Check, Status
    from checks.doctor import examine
    from checks.scope import Scope

    made: list[Check] = []
    scope = Scope(stack, out, bucket, role, endpoint, algorithm, training_instance, endpoint_instance)
    for check in examine(scope):
        made.append(check)
        if not as_json:
            say(check.line)
    if as_json:
        print_json({"checks": made})
    if any(check.status is Status.BAD for check in made):
        raise typer.Exit(1)

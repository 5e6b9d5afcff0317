"""The verb that deletes what was deployed."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from cli.options import COST, Bucket, Endpoint, Json, Stack, Yes
from cli.show import confirmed, price, print_json, say, table
from cli.verbs import Verbs
from training.sagemaker.stacks import DEFAULT_STACK, Stacks

if TYPE_CHECKING:
    from training.teardown import Resource

app = Verbs()


@app.command()
def teardown(
    endpoint: Endpoint = None,
    data: Annotated[
        bool,
        typer.Option(
            "--data",
            help="Also delete what the workflow wrote to the bucket, what is under incoming/, and registered models.",
        ),
    ] = False,
    bucket: Bucket = None,
    stack: Stack = DEFAULT_STACK,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="List what is deployed, and delete nothing.", rich_help_panel=COST)
    ] = False,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Delete what was deployed.

    First lists it with its cost per hour, and asks.
    """
    from training import teardown

    stacks = Stacks(stack)
    endpoint = endpoint or stacks.endpoint
    bucket = bucket or stacks.bucket if data else None
    found = teardown.list_resources(endpoint, bucket)
    if found and not (as_json and (yes or dry_run)):
        _list(found)
    deleting = bool(found) and not dry_run and (yes or confirmed("Delete all of this?"))
    if deleting:
        teardown.teardown(found, bucket)
    if as_json:
        print_json({"endpoint": endpoint, "resources": found, "deleted": deleting})
    elif deleting:
        say(f"{len(found)} deleted.")
    elif not found:
        say(f"Nothing is deployed for {endpoint}.")


def _list(found: "Sequence[Resource]") -> None:
    rows = [
        (thing.kind, thing.name, f"{thing.objects} objects" if thing.objects else price(thing.hourly))
        for thing in found
    ]
    table(("what", "name", "USD per hour"), rows)

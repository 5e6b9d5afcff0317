"""The verb for people: decide about the images that wait."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.options import DEFAULT_OUT, Bucket, Out, Stack
from cli.show import print_json, say
from cli.verbs import Verbs
from training.sagemaker.stacks import DEFAULT_STACK, Stacks

if TYPE_CHECKING:
    from review.export import Exported
    from review.imports import Imported
    from review.labels import Labels
    from review.session import Session

# The page loads pictures, writes decisions and fetches the next images at the same time.
CONNECTIONS = 40

app = Verbs()


@app.command()
def review(
    export_to: Annotated[
        Path | None,
        typer.Option("--export", metavar="FOLDER", help="Write the images to a folder, to label them by other tools."),
    ] = None,
    import_from: Annotated[
        Path | None,
        typer.Option(
            "--import",
            metavar="FILE",
            exists=True,
            dir_okay=False,
            help="Labels that were filled in: labels.csv, or Label Studio's JSON, in the exported folder.",
        ),
    ] = None,
    reviewer: Annotated[str | None, typer.Option(help="Who decides; by default your login.")] = None,
    name: Annotated[
        str | None,
        typer.Option("--name", help="Data set that the labels are for; by default that of the model in --out."),
    ] = None,
    order: Annotated[
        bool, typer.Option("--order", help="First the images that teach most: uncertain ones, and different ones.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, max=20_000, help="Export at most N images.", metavar="N")] = 1000,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port of the page on 127.0.0.1; 0 is any free port.")] = 0,
    browser: Annotated[bool, typer.Option("--open/--no-open", help="Open the page in your browser.")] = True,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print what --export or --import did as one JSON object.")
    ] = False,
    bucket: Bucket = None,
    stack: Stack = DEFAULT_STACK,
    out: Out = DEFAULT_OUT,
) -> None:
    """Decide about the images that wait for a person.

    Opens a page that only this machine's browser can reach, until Ctrl-C. Or writes the images to a folder, and reads
    the labels that were filled in there. Other people get other images.
    """
    import getpass

    import boto3
    from botocore.config import Config

    from checks.live_quality import dataset_of
    from review.export import export
    from review.imports import import_labels
    from review.labels import Labels
    from review.order import teaching_most
    from review.queue import ReviewQueue
    from review.session import Session

    if as_json and not (export_to or import_from):
        raise typer.BadParameter("needs --export or --import", param_hint="--json")
    if export_to and import_from:
        raise typer.BadParameter("can't be combined with --import", param_hint="--export")
    stacks = Stacks(stack)
    config = Config(max_pool_connections=CONNECTIONS)
    s3, sqs = boto3.client("s3", config=config), boto3.client("sqs", config=config)
    labels = Labels(s3, bucket or stacks.bucket, name or dataset_of(out))
    queue = ReviewQueue(sqs, stacks.review_queue_urls)
    chosen = teaching_most(s3) if order else list
    if export_to:
        exported = export(queue, labels, export_to, limit, chosen)
        if as_json:
            print_json(exported)
        else:
            _show_export(exported, export_to)
    elif import_from:
        imported = import_labels(queue, labels, import_from, getpass.getuser(), reviewer)
        if as_json:
            print_json(imported)
        else:
            _show_import(imported)
    else:
        _show(Session(queue, labels, reviewer or getpass.getuser(), order=chosen), labels, port, browser=browser)


def _show_export(ended: "Exported", folder: Path) -> None:
    from review.export import LABELS_FILE

    if ended.images:
        say(f"{ended.images} images: fill in {folder / LABELS_FILE}, or use Label Studio.")
        say(f"They are held until {ended.until:%Y-%m-%d %H:%M} UTC, then others get them too.")
    else:
        say("No image waits for a person that nobody else holds.")
    if ended.unavailable or ended.unreadable:
        say(f"Left in the queue: {ended.unavailable} whose image is gone, {ended.unreadable} unreadable.")


def _show_import(done: "Imported") -> None:
    say(f"{done.written} labels written, {done.before} were there, {done.open} images have none yet.")
    if done.disputed:
        say(f"People disagree about {done.disputed} images; another person's decision settles them.")
    if done.kept:
        say(f"{done.kept} messages were no longer held; they are deleted when somebody gets them.")


def _show(session: "Session", labels: "Labels", port: int, *, browser: bool) -> None:
    """Serve the page until Ctrl-C."""
    import boto3

    from review.page.explaining import Explainer
    from review.page.server import review_in_browser
    from training.sagemaker.aws_errors import sentence

    def ready(address: str) -> None:
        say(f"Review as {session.reviewer}: {address}")
        say("End with Ctrl-C: what you decided is kept, and the other images go back to the queue.")

    explainer = Explainer(labels.s3, boto3.client("sagemaker-runtime"))
    review_in_browser(session, labels, explainer, sentence, port, ready, browser=browser)
    say("The review has ended.")

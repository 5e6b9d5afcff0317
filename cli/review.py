"""The verb for people: decide about the images that wait."""

from pathlib import Path
from typing import Annotated

import typer

from cli.labels import dataset_of
from cli.options import DEFAULT_OUT, Bucket, Out, Stack
from cli.show import console
from training.sagemaker.stacks import DEFAULT_STACK, Stacks

app = typer.Typer()


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
    bucket: Bucket = None,
    stack: Stack = DEFAULT_STACK,
    out: Out = DEFAULT_OUT,
) -> None:
    """Decide about the images that wait for a person.

    Writes them to a folder and reads the labels that were filled in there. Other people get other images.
    """
    import getpass

    import boto3

    from review.export import LABELS_FILE, export
    from review.imports import import_labels
    from review.labels import Labels
    from review.order import teaching_most
    from review.queue import ReviewQueue

    if (export_to is None) is (import_from is None):
        raise typer.BadParameter("give either --export FOLDER or --import FILE", param_hint="--export")
    stacks = Stacks(stack)
    s3 = boto3.client("s3")
    labels = Labels(s3, bucket or stacks.bucket, name or dataset_of(out))
    queue = ReviewQueue(boto3.client("sqs"), stacks.review_queue_urls)
    if export_to is not None:
        ended = export(queue, labels, export_to, limit, teaching_most(s3) if order else list)
        if ended.images:
            console.print(f"{ended.images} images: fill in {export_to / LABELS_FILE}, or use Label Studio.")
            console.print(f"They are held until {ended.until:%Y-%m-%d %H:%M} UTC, then others get them too.")
        else:
            console.print("No image waits for a person that nobody else holds.")
        if ended.unavailable or ended.unreadable:
            console.print(f"Left in the queue: {ended.unavailable} whose image is gone, {ended.unreadable} unreadable.")
    elif import_from is not None:
        done = import_labels(queue, labels, import_from, getpass.getuser(), reviewer)
        console.print(f"{done.written} labels written, {done.before} were there, {done.open} images have none yet.")
        if done.disputed:
            console.print(f"People disagree about {done.disputed} images; another person's decision settles them.")
        if done.kept:
            console.print(f"{done.kept} messages were no longer held; they are deleted when somebody gets them.")

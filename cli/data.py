"""The verbs for data sets."""

from typing import TYPE_CHECKING, Annotated

import typer

from cli.options import DEFAULT_OUT, Archive, Bucket, Classes, Json, Name, Out, Source, Stack, Verify, names
from cli.show import UNKNOWN, print_json, say, table
from cli.verbs import Verbs
from training.sagemaker.stacks import DEFAULT_STACK, Stacks

if TYPE_CHECKING:
    from contracts.dataset import DatasetRecord
    from training.explore import ClassFigures

app = Verbs()
# Of many files the first are named.
NAMED = 5


@app.command()
def stage(
    dataset: Source = "sample",
    archive: Archive = None,
    verify: Verify = True,
    classes: Classes = "",
    name: Annotated[str, typer.Option(help="Name of the data set; by default that of its source.")] = "",
    max_side: Annotated[
        int, typer.Option(min=16, max=224, help="Longest side of the images in pixels; smaller ones are kept.")
    ] = 224,
    exact: Annotated[
        bool, typer.Option("--exact", help="Squash images to squares of --max-side, for SageMaker's own algorithm.")
    ] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Refuse a folder with broken images; otherwise they are left out.")
    ] = False,
    with_labels: Annotated[
        bool,
        typer.Option(
            "--with-labels",
            help="Continue the staged data set --dataset with what people decided in `workflow review`.",
        ),
    ] = False,
    bucket: Bucket = None,
    stack: Stack = DEFAULT_STACK,
    no_upload: Annotated[bool, typer.Option("--no-upload", help="Write the data set to disk only.")] = False,
    as_json: Json = False,
    out: Out = DEFAULT_OUT,
) -> None:
    """Make a data set, on disk and in S3.

    Downloads, draws or reads the images, checks them and selects the classes.
    """
    from contracts.addresses import S3Address
    from contracts.locks import exclusive
    from training import stage
    from training.dataset import require_bucket

    if with_labels or not no_upload:
        # A bucket that is missing is said before the images are made.
        bucket = bucket or Stacks(stack).bucket
        require_bucket(bucket)
    with exclusive(out):
        if with_labels:
            assert bucket is not None
            staged = stage.stage_labels(dataset, out, bucket, name)
        else:
            staged = stage.stage(
                dataset,
                out,
                bucket=None if no_upload else bucket,
                archive=archive,
                verify=verify,
                classes=names(classes),
                name=name,
                max_side=max_side,
                exact=exact,
                strict=strict,
            )
    address = S3Address(bucket, staged.folder) if bucket and (with_labels or not no_upload) else None
    if as_json:
        print_json({"dataset": staged, "folder": out / staged.folder, "address": address and str(address)})
        return
    if with_labels:
        show_lineage(staged)
    else:
        table(("split", *staged.classes), [(split, *counts.values()) for split, counts in staged.counts.items()])
    for place in filter(None, (out / staged.folder, address)):
        say(f"{staged.name}: {place}")


def show_lineage(dataset: "DatasetRecord") -> None:
    """Print what a data set has beyond the one that it continues."""
    assert dataset.lineage is not None
    lineage = dataset.lineage
    rows = [(f"new images of {label}", count) for label, count in lineage.added.items()]
    rows += [("new labels for old images", lineage.relabelled)] if lineage.relabelled else []
    rows += [(f"left out: {reason}", count) for reason, count in lineage.left_out.items() if count]
    table((f"labels for {lineage.base}", "images"), rows)


@app.command()
def explore(name: Name = "sample", as_json: Json = False, out: Out = DEFAULT_OUT) -> None:
    """Describe a staged data set.

    Prints the images of each class, their sizes, brightness, contrast and copies, and draws a contact sheet.
    """
    from training import explore

    explored = explore.explore(name, out)
    if as_json:
        print_json(explored)
        return
    table(
        ("class", "to train", "to test", "smallest", "median", "largest", "brightness", "contrast", "copies", "broken"),
        [_row(figures) for figures in (*explored.classes, explored.total)],
    )
    say(
        "Sizes are in pixels. Brightness goes from 0% (black) to 100% (white), contrast from 0% (one even grey) to 100%"
    )
    say("(half black, half white): means over the images. Copies have the same pixels as another image of the class.")
    for files, what in (
        (explored.in_both_splits, "test images are training images too, and make the model look better than it is"),
        (explored.in_several_classes, "images have more than one class; decide for one of them"),
        (explored.unreadable, "files can't be read as an image; stage the data set again"),
    ):
        if files:
            say(f"{len(files)} {what}: {', '.join(files[:NAMED])}{' …' if len(files) > NAMED else ''}")
    say(f"Contact sheet: {explored.sheet}")


def _row(figures: "ClassFigures") -> tuple[object, ...]:
    sizes = (figures.smallest, figures.median, figures.largest)
    return (
        figures.label,
        figures.train,
        figures.test,
        *(f"{size.width}x{size.height}" if size else UNKNOWN for size in sizes),
        *(UNKNOWN if share is None else f"{share:.0%}" for share in (figures.brightness, figures.contrast)),
        figures.copies,
        figures.unreadable,
    )

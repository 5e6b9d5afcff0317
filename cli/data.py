"""The verbs for data sets."""

from typing import TYPE_CHECKING, Annotated

import typer

from cli.options import DEFAULT_OUT, Archive, Bucket, Classes, Json, Name, Out, Source, Stack, Verify, names
from cli.show import print_json, rounded, say, table
from cli.verbs import Verbs
from training.sagemaker.stacks import DEFAULT_STACK, Stacks

if TYPE_CHECKING:
    from contracts.dataset import DatasetRecord

app = Verbs()


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

    if with_labels or not no_upload:
        # A bucket that is missing is said before the images are made.
        bucket = bucket or Stacks(stack).bucket
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

    Prints class counts and pixel statistics, and draws a contact sheet.
    """
    from training import explore

    explored = explore.explore(name, out)
    if as_json:
        print_json(explored)
        return
    statistics = explored.pixels_by_class | {"all": explored.pixels}
    table(
        ("class", "mean of R, G, B", "standard deviation"),
        [(label, rounded(pixels.mean), rounded(pixels.std)) for label, pixels in statistics.items()],
    )
    say(f"Contact sheet: {explored.sheet}")

"""The verb that begins with one's own images."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.defaults import DEFAULTS_FILE, KEYS, Value, as_toml, read_defaults
from cli.options import Json, MaxError
from cli.show import print_json, say, table
from cli.verbs import Verbs
from contracts.errors import WorkflowError

if TYPE_CHECKING:
    from monitoring.quality.verdict import Finding
    from training.datasets.inspection import Inspection, SeenImage

app = Verbs()
DEFAULT_MAX_ERROR = 0.02
HEAD = """\
# Defaults of `workflow` in this folder. The command line and the environment go before them.
# Without the line `classes`, every folder of the data set is a class.
"""


class DefaultsExist(WorkflowError):
    """There is a file of defaults already."""


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder of <class>/<image> files.")],
    name: Annotated[str, typer.Option(help="Name of the data set; by default the folder's.")] = "",
    max_error: MaxError = DEFAULT_MAX_ERROR,
    force: Annotated[
        bool, typer.Option("--force", help=f"Replace what {DEFAULTS_FILE} says of the data set; other keys stay.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Look at your own images, and make them the default.

    Prints what is in the folder and whether it is enough for a model, and writes workflow.toml for the other verbs. The
    exit code is 1, and nothing is written, if the folder can't be staged as it is.
    """
    from checks.images import examine
    from contracts.dataset import dataset_folder
    from contracts.files import write_whole
    from monitoring.quality.verdict import Level
    from training.datasets.inspection import inspect
    from training.stage import MAX_SIDES, NAMED_SOURCES, default_name

    file = Path(DEFAULTS_FILE)
    if file.exists() and not force:
        raise DefaultsExist(f"{file} is there already; --force replaces what it says of the data set.")
    name = name or default_name(str(folder))
    dataset_folder(name)
    found = inspect(folder, max(MAX_SIDES))
    findings = examine(found, max_error)
    can_be_staged = findings[0].level is not Level.BAD
    if can_be_staged:
        dataset = f"./{folder}" if str(folder) in NAMED_SOURCES else str(folder)
        given: dict[str, Value] = {"dataset": dataset, "name": name, "classes": found.labels}
        if max_error != DEFAULT_MAX_ERROR:
            given["max-error"] = max_error
        kept = {key: value for key, value in read_defaults(file).items() if key not in given}
        more = ", ".join(key for key in KEYS if key not in given | kept)
        write_whole(file, f"{HEAD}{as_toml(given | kept)}# More keys: {more}\n")
    if as_json:
        print_json(_record(found, findings, name, str(file) if can_be_staged else None))
    else:
        _show(found, findings)
        say(
            f"Wrote {file}. Next: `workflow demo`, which runs everything on this machine, or `workflow stage`."
            if can_be_staged
            else f"{file} was not written: change what is bad, then run the same command again."
        )
    if not can_be_staged:
        raise typer.Exit(1)


def _show(found: "Inspection", findings: "list[Finding]") -> None:
    counts = [(one.label, one.images, one.copies, one.train, one.test) for one in found.counts()]
    total = ("all", *(sum(column) for column in zip(*(row[1:] for row in counts), strict=True)))
    table(("class", "images", "copies", "to train", "to test"), [*counts, total])
    smallest, median, largest = _sizes(found).values()
    say(f"Pixels: {_size(smallest)} to {_size(largest)}, median {_size(median)}.")
    say(f"Formats: {', '.join(f'{count} {kind}' for kind, count in found.kinds.items())}.")
    for finding in findings:
        say(f"{finding.level}: {finding.text}")


def _size(image: "SeenImage") -> str:
    return f"{image.width}x{image.height}"


def _sizes(found: "Inspection") -> "dict[str, SeenImage]":
    ordered = found.by_size
    return {"smallest": ordered[0], "median": ordered[len(ordered) // 2], "largest": ordered[-1]}


def _record(found: "Inspection", findings: "list[Finding]", name: str, written: str | None) -> dict[str, Any]:
    """Return what cli/schemas/init.json describes."""
    return {
        "folder": found.root,
        "name": name,
        "classes": found.counts(),
        "sizes": {
            which: {"width": image.width, "height": image.height, "file": image.file}
            for which, image in _sizes(found).items()
        },
        "formats": found.kinds,
        "copies": [[image.file for image in group] for group in found.copies()],
        "conflicts": [[image.file for image in group] for group in found.conflicts()],
        "broken": found.broken,
        "others": found.others,
        "empty": found.empty,
        "findings": findings,
        "written": written,
    }

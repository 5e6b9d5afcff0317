"""The options that verbs share, and how their texts are read."""

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from contracts.durations import DurationError, parse_duration

Stack = Annotated[
    str,
    typer.Option(
        envvar="WORKFLOW_STACK", help="App stack; its outputs and those of NAME-data give what no option does."
    ),
]
Bucket = Annotated[
    str | None,
    typer.Option(
        envvar="WORKFLOW_BUCKET", help="Bucket of data sets, models and captured data; the data stack's by default."
    ),
]
Role = Annotated[
    str | None,
    typer.Option(envvar="WORKFLOW_ROLE_ARN", help="Role that SageMaker works under; the data stack's by default."),
]
Endpoint = Annotated[
    str | None, typer.Option(envvar="WORKFLOW_ENDPOINT", help="Name of the endpoint; the app stack's by default.")
]
StateMachine = Annotated[
    str | None,
    typer.Option(
        envvar="WORKFLOW_STATE_MACHINE_ARN", help="ARN of the ClassifyImage state machine; the app stack's by default."
    ),
]
BatchStateMachine = Annotated[
    str | None,
    typer.Option(
        envvar="WORKFLOW_BATCH_STATE_MACHINE_ARN",
        help="ARN of the ClassifyBatch state machine; the app stack's by default.",
    ),
]
FailedQueue = Annotated[
    str | None,
    typer.Option(
        "--queue",
        envvar="WORKFLOW_FAILED_EXECUTIONS_QUEUE_URL",
        help="URL of the queue of failed executions; the app stack's by default.",
    ),
]
Out = Annotated[Path, typer.Option(help="Folder that results are written to.")]
Name = Annotated[str, typer.Option("--name", help="Name of the staged data set.")]
Source = Annotated[
    str, typer.Option("--dataset", help="sample (drawn), cifar100, or a folder of <class>/<image> files.")
]
Archive = Annotated[
    Path | None, typer.Option(help="Local copy of the CIFAR-100 archive, in place of the download.", dir_okay=False)
]
Verify = Annotated[bool, typer.Option("--verify/--no-verify", help="Refuse an archive that isn't the official one.")]
Classes = Annotated[str, typer.Option(help="Classes to keep, in label order, with commas.")]
MaxError = Annotated[float, typer.Option(help="Error among accepted images that the threshold must keep.")]
Concurrency = Annotated[int, typer.Option(min=1, max=1000, help="Executions at once.")]
KmsKey = Annotated[str | None, typer.Option(help="KMS key that encrypts what is written.")]
Tags = Annotated[list[str] | None, typer.Option("--tag", metavar="KEY=VALUE", help="A tag; may be repeated.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Print the request as JSON, and send nothing.")]
Yes = Annotated[bool, typer.Option("--yes", help="Don't ask.")]
Since = Annotated[str | None, typer.Option(help="Window that ends now: 90s, 30m, 2h or 7d.")]
First = Annotated[str | None, typer.Option("--from", help="Start of the window, ISO 8601, UTC.")]
Last = Annotated[str | None, typer.Option("--to", help="End of the window, ISO 8601, UTC; not part of it.")]
FromFolder = Annotated[
    Path | None, typer.Option(help="Local folder of capture files, in place of the bucket.", file_okay=False)
]
DEFAULT_OUT = Path("out")


class LedgerFormat(StrEnum):
    """Formats of a batch's ledger."""

    CSV = "csv"
    PARQUET = "parquet"


def seconds(text: str) -> int:
    """Read a duration such as 300, 90s, 5m, 2h or 1d."""
    try:
        return int(parse_duration(text).total_seconds())
    except DurationError as error:
        raise typer.BadParameter(str(error)) from error


def names(text: str) -> tuple[str, ...]:
    """Read a comma list."""
    return tuple(name.strip() for name in text.split(",") if name.strip())


def pairs(texts: Sequence[str] | None) -> dict[str, str]:
    """Read texts of the form NAME=VALUE."""
    found = {}
    for text in texts or ():
        name, sign, value = text.partition("=")
        if not name or not sign:
            raise typer.BadParameter(f"{text!r} is not of the form NAME=VALUE.")
        found[name] = value
    return found

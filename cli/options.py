"""The options that verbs share, and the parsers of their values."""

import math
import re
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from contracts.durations import DurationError, parse_duration

# Of what `deploy --expires` takes, in seconds: an endpoint takes minutes to be in service.
SHORTEST_EXPIRY, LONGEST_EXPIRY = 5 * 60, 365 * 86400
# Headings of the help.
PLACES, COST, OUTPUT = "Where things are", "Cost and safety", "Output"
WINDOW, REGISTRY = "Time window", "Model registry"
ENDPOINT_NAME = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}")
HIGHEST_ERROR = 0.5


def endpoint_name(text: str) -> str:
    """Check that a name can be an endpoint's.

    Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateEndpoint.html
    """
    if not ENDPOINT_NAME.fullmatch(text):
        raise typer.BadParameter(f"{text!r} can't name an endpoint: use letters, digits and -, 63 at most.")
    return text


def error_rate(text: str) -> float:
    """Read an error rate that may be tolerated: above 0, and at most that of a coin."""
    try:
        found = float(text)
    except ValueError:
        found = math.nan
    if not 0 < found <= HIGHEST_ERROR:
        raise typer.BadParameter(f"{text} is not a share above 0 and at most {HIGHEST_ERROR}, such as 0.02.")
    return found


def seconds(text: str) -> int:
    """Read a duration such as 300, 90s, 5m, 2h or 1d."""
    try:
        return int(parse_duration(text).total_seconds())
    except DurationError as error:
        raise typer.BadParameter(str(error)) from error


def expiry(text: str) -> int:
    """Read after how many seconds an endpoint expires; 0 is `never`."""
    if text.strip() == "never":
        return 0
    found = seconds(text)
    if not SHORTEST_EXPIRY <= found <= LONGEST_EXPIRY:
        raise typer.BadParameter("An endpoint expires after 5 minutes at least and 365 days at most, or never.")
    return found


def names(text: str) -> tuple[str, ...]:
    """Parse names separated by commas."""
    return tuple(name.strip() for name in text.split(",") if name.strip())


def pairs(texts: Sequence[str] | None) -> dict[str, str]:
    """Parse texts of the form NAME=VALUE."""
    found = {}
    for text in texts or ():
        name, sign, value = text.partition("=")
        if not name or not sign:
            raise typer.BadParameter(f"{text!r} is not of the form NAME=VALUE.")
        found[name] = value
    return found


Stack = Annotated[
    str,
    typer.Option(
        envvar="WORKFLOW_STACK",
        help="App stack; its outputs and those of NAME-data are the defaults of other options.",
        rich_help_panel=PLACES,
    ),
]
Bucket = Annotated[
    str | None,
    typer.Option(
        envvar="WORKFLOW_BUCKET",
        help="Bucket for data sets, models and captured data; by default the data stack's.",
        rich_help_panel=PLACES,
    ),
]
Role = Annotated[
    str | None,
    typer.Option(
        envvar="WORKFLOW_ROLE_ARN",
        help="ARN of SageMaker's execution role; by default the data stack's.",
        rich_help_panel=PLACES,
    ),
]
Endpoint = Annotated[
    str | None,
    typer.Option(
        envvar="WORKFLOW_ENDPOINT",
        parser=endpoint_name,
        metavar="NAME",
        help="Name of the endpoint; by default the app stack's.",
        rich_help_panel=PLACES,
    ),
]
StateMachine = Annotated[
    str | None,
    typer.Option(
        envvar="WORKFLOW_STATE_MACHINE_ARN",
        help="ARN of the ClassifyImage state machine; by default the app stack's.",
        rich_help_panel=PLACES,
    ),
]
BatchStateMachine = Annotated[
    str | None,
    typer.Option(
        envvar="WORKFLOW_BATCH_STATE_MACHINE_ARN",
        help="ARN of the ClassifyBatch state machine; by default the app stack's.",
        rich_help_panel=PLACES,
    ),
]
FailedQueue = Annotated[
    str | None,
    typer.Option(
        "--queue",
        envvar="WORKFLOW_FAILED_EXECUTIONS_QUEUE_URL",
        help="URL of the queue of failed executions; by default the app stack's.",
        rich_help_panel=PLACES,
    ),
]
Out = Annotated[Path, typer.Option(help="Folder for results.", rich_help_panel=PLACES)]
Name = Annotated[str, typer.Option("--name", help="Name of the staged data set.")]
Source = Annotated[
    str, typer.Option("--dataset", help="sample (drawn), cifar100, or a folder of <class>/<image> files.")
]
Archive = Annotated[
    Path | None, typer.Option(help="Local copy of the CIFAR-100 archive, instead of a download.", dir_okay=False)
]
Verify = Annotated[bool, typer.Option("--verify/--no-verify", help="Check that the archive is the official one.")]
Classes = Annotated[str, typer.Option(help="Classes to use, separated by commas, in the order of the labels.")]
MaxError = Annotated[
    float, typer.Option(parser=error_rate, metavar="SHARE", help="Highest error rate among accepted images.")
]
Concurrency = Annotated[int, typer.Option(min=1, max=1000, help="Number of parallel executions.")]
Group = Annotated[
    str | None,
    typer.Option(
        help="Model package group of the model registry; by default named for the data set of model.json.",
        rich_help_panel=REGISTRY,
    ),
]
KmsKey = Annotated[str | None, typer.Option(help="KMS key to encrypt with.", rich_help_panel=COST)]
Tags = Annotated[
    list[str] | None,
    typer.Option("--tag", metavar="KEY=VALUE", help="Tag of new resources; may be repeated.", rich_help_panel=COST),
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Print the requests as JSON, and send nothing.", rich_help_panel=COST)
]
Yes = Annotated[bool, typer.Option("--yes", help="Don't ask for confirmation.", rich_help_panel=COST)]
Since = Annotated[
    str | None, typer.Option(help="Length of the window, which ends now: 90s, 30m, 2h or 7d.", rich_help_panel=WINDOW)
]
First = Annotated[
    str | None, typer.Option("--from", help="Start of the window: ISO 8601, UTC.", rich_help_panel=WINDOW)
]
Last = Annotated[
    str | None, typer.Option("--to", help="End of the window, exclusive: ISO 8601, UTC.", rich_help_panel=WINDOW)
]
FromFolder = Annotated[
    Path | None,
    typer.Option(
        help="Local folder with captured files, instead of the bucket.", file_okay=False, rich_help_panel=PLACES
    ),
]
Json = Annotated[
    bool,
    typer.Option("--json", help="Print the result as one JSON object, and all else to stderr.", rich_help_panel=OUTPUT),
]
Quiet = Annotated[
    bool,
    typer.Option(
        "--quiet",
        help="Print errors alone, and JSON where --json asks for it; before or after a verb.",
        rich_help_panel=OUTPUT,
    ),
]
DEFAULT_OUT = Path("out")


class LedgerFormat(StrEnum):
    """File formats of a batch's ledger."""

    CSV = "csv"
    PARQUET = "parquet"

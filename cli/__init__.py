"""The `workflow` command.

A verb is a function in one of this package's modules. What it needs is imported when it is called, so that
`workflow --help` doesn't wait for the SageMaker SDK.
"""

import errno
import importlib.metadata
import logging
import sys
from typing import Annotated

import rich
import typer

from cli import (
    batch,
    costs,
    data,
    doctor,
    endpoint,
    improve,
    predictions,
    quality,
    registry,
    review,
    stack,
    status,
    train,
    watch,
)
from cli.show import INTERRUPTED

FULL_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}

app = typer.Typer(
    help="Stage data, train and deploy a model, classify images and monitor the model, on AWS or on this machine.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for verbs in (
    stack,
    data,
    train,
    registry,
    endpoint,
    predictions,
    watch,
    batch,
    costs,
    review,
    quality,
    improve,
    status,
    doctor,
):
    app.add_typer(verbs.app)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"workflow {importlib.metadata.version('image-classification-workflow')}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_print_version, help="Show the version and exit.")
    ] = False,
) -> None:
    """Take the options of the command itself."""


def main() -> None:
    """Run the command; an expected error is one line on standard error and exit code 1."""
    logging.basicConfig(level=logging.WARNING, format="%(name)s: %(message)s")
    # Progress bars go there, and nowhere where nobody sees them move.
    rich.reconfigure(stderr=True, quiet=not sys.stderr.isatty())
    try:
        app()
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)  # noqa: T201
        sys.exit(INTERRUPTED)
    except Exception as error:
        if (sentence := _sentence(error)) is None:
            raise
        print(f"workflow: {sentence}", file=sys.stderr)  # noqa: T201
        sys.exit(1)


def _sentence(error: Exception) -> str | None:
    """Return one sentence for the user about an expected error, or None for a bug."""
    from botocore.exceptions import BotoCoreError, ClientError

    from contracts.errors import WorkflowError
    from training.sagemaker import aws_errors

    if isinstance(error, BotoCoreError | ClientError):
        return aws_errors.sentence(error)
    if isinstance(error, OSError) and error.strerror:
        what = f"{error.filename}: {error.strerror}" if error.filename else error.strerror
        if error.errno in FULL_DISK:
            what += ". Free some space, then run the same command again; what was written whole is kept."
        return what
    if isinstance(error, WorkflowError | OSError):
        return " ".join(str(error).split())
    return None

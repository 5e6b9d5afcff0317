"""The `workflow` command.

A verb is a function in one of this package's modules. What it needs is imported when it is called, so that
`workflow --help` doesn't wait for the SageMaker SDK.
"""

import errno
import logging
import sys
from pathlib import Path
from typing import Annotated

import typer
import typer.core

from cli import (
    batch,
    costs,
    data,
    doctor,
    endpoint,
    improve,
    init,
    predictions,
    quality,
    registry,
    review,
    stack,
    status,
    teardown,
    train,
    trial,
    watch,
)
from cli.defaults import DEFAULTS_FILE, default_map, read_defaults
from cli.options import Quiet
from cli.show import INTERRUPTED

USAGE = 2
FULL_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}

app = typer.Typer(
    help="Stage data, train and deploy a model, classify images and monitor the model, on AWS or on this machine.",
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for verbs in (
    stack,
    init,
    data,
    train,
    registry,
    endpoint,
    teardown,
    predictions,
    trial,
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
        import importlib.metadata

        typer.echo(f"workflow {importlib.metadata.version('image-classification-workflow')}")
        raise typer.Exit


@app.callback()
def options(
    context: typer.Context,
    version: Annotated[  # noqa: ARG001 - its callback prints it
        bool, typer.Option("--version", is_eager=True, callback=_print_version, help="Show the version and exit.")
    ] = False,
    quiet: Quiet = False,  # noqa: ARG001 - every verb looks at it
) -> None:
    """Take the options of the command itself, and the defaults that the current folder has for those of the verbs."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help(), err=True)
        raise typer.Exit(USAGE)
    assert isinstance(context.command, typer.core.TyperGroup)
    verbs = {name: verb.params for name, verb in context.command.commands.items()}
    context.default_map = {**default_map(read_defaults(Path(DEFAULTS_FILE)), verbs)}


def main() -> None:
    """Run the command; what is expected to go wrong is one line on standard error, and never a traceback.

    The exit code is then 1, or 2 where the command line itself is wrong.
    """
    logging.basicConfig(level=logging.WARNING, format="%(name)s: %(message)s")
    try:
        code = app(prog_name="workflow", standalone_mode=False)
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)  # noqa: T201
        code = INTERRUPTED
    except typer.TyperException as error:
        code = _said(_usage(error), USAGE)
    except Exception as error:
        if (sentence := _sentence(error)) is None:
            raise
        code = _said(sentence)
    sys.exit(code or 0)


def _said(sentence: str, code: int = 1) -> int:
    print(f"workflow: {sentence}", file=sys.stderr)  # noqa: T201
    return code


def _usage(error: typer.TyperException) -> str:
    """Return what is wrong with the command line, on one line, and where its options are explained."""
    sentence = " ".join(error.format_message().replace("Value error, ", "").split()).rstrip(".?")
    context: typer.Context | None = getattr(error, "ctx", None)
    if context is None:
        return f"{sentence}."
    name = getattr(getattr(error, "param", None), "name", None)
    source = context.get_parameter_source(name) if name else None
    given = f" This is from {DEFAULTS_FILE}." if source and source.name == "DEFAULT_MAP" else ""
    return f"{sentence}.{given} See `{context.command_path} --help`."


def _sentence(error: Exception) -> str | None:
    """Return one sentence for the user about an expected error, or None for a bug."""
    from botocore.exceptions import BotoCoreError, ClientError

    from contracts.errors import WorkflowError
    from training.sagemaker import aws_errors

    if isinstance(error, BotoCoreError | ClientError):
        return aws_errors.sentence(error)
    if isinstance(error, FileExistsError | NotADirectoryError):
        return f"{error.filename}: a folder is needed, and a file is in its place."
    if isinstance(error, OSError) and error.strerror:
        what = f"{error.filename}: {error.strerror}" if error.filename else error.strerror
        if error.errno in FULL_DISK:
            what += ". Free some space, then run the same command again; what was written whole is kept."
        return what
    if isinstance(error, WorkflowError | OSError):
        return " ".join(str(error).split())
    return None

"""The `workflow` command: each verb is a function of its module; modules are imported when their verb is called."""

import logging
import sys

import typer

from cli import batch, doctor, model, stack, watch

app = typer.Typer(
    help="Stage data, train and deploy a model, classify images, watch the model: on AWS or all on this machine.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for verbs in (stack, model, watch, batch, doctor):
    app.add_typer(verbs.app)


def main() -> None:
    """Run the command; what goes wrong is one line on standard error and exit code 1."""
    logging.basicConfig(level=logging.WARNING, format="%(name)s: %(message)s")
    try:
        app()
    except KeyboardInterrupt:
        sys.exit("Interrupted.")
    except Exception as error:
        if (sentence := _sentence(error)) is None:
            raise
        print(f"workflow: {sentence}", file=sys.stderr)  # noqa: T201
        sys.exit(1)


def _sentence(error: Exception) -> str | None:
    """Return what to tell the user of an error that was foreseen; None for a fault of ours."""
    from botocore.exceptions import BotoCoreError, ClientError

    from contracts.errors import WorkflowError
    from training.sagemaker import aws_errors

    if isinstance(error, BotoCoreError | ClientError):
        return aws_errors.sentence(error)
    if isinstance(error, WorkflowError | OSError):
        return " ".join(str(error).split())
    return None

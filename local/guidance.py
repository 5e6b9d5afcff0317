"""What the local stack tells somebody who sees the workflow for the first time."""

import shutil
import sys
from pathlib import Path
from shlex import quote

from rich.console import Console

from contracts.answer import Answer
from contracts.outcomes import ReviewReason, review_reason
from local.state.folder import ACTIVATE


def say(console: Console, *lines: str) -> None:
    """Print lines that can be copied: as they are, and never folded."""
    for line in lines:
        console.print(line, highlight=False, markup=False, soft_wrap=True)


def explain(file: str, truth: str, answer: Answer, threshold: float | None) -> list[str]:
    """Say what a model answers of a test image of the class `truth`, and what the workflow does with that.

    `threshold` is the confidence from which the workflow accepts; None where it accepts nothing.
    """
    right = "which is right" if answer.label == truth else "which is wrong"
    familiarity = "" if answer.familiarity is None else f" and a familiarity of {answer.familiarity:.2f}"
    return [
        f"  {file} shows {truth}. The model answers {answer.label}, {right}, with a confidence of "
        f"{answer.confidence:.3f}{familiarity}.",
        f"  {_decision(answer, threshold)}",
    ]


def _decision(answer: Answer, threshold: float | None) -> str:
    limit = answer.familiarity_limit
    match review_reason(answer, threshold):
        case None:
            familiar = "" if limit is None else f" and a familiarity of {limit:g}"
            return (
                f"The workflow accepts answers from a confidence of {threshold:g}{familiar}: nobody has to look at it."
            )
        case ReviewReason.UNFAMILIAR:
            why = f"its familiarity is below {limit:g}: the image is unlike those that the model learned from"
        case _ if threshold is None:
            why = "no confidence of this model is high enough to keep the error that is tolerated"
        case _:
            why = f"its confidence is below {threshold:g}"
    return f"The workflow sends it to a person, as {why}."


def next_steps(state: Path) -> list[str]:
    """Say how to go on with what is kept in a state, with commands to copy."""
    return [
        "To go on with its bucket, model and endpoint, leave this running in a terminal:",
        f"  {workflow_command()} local --state {quote(str(state))}",
        "and in another one, which then finds the `workflow` command and the local stack:",
        f"  source {quote(str(state / ACTIVATE))}",
        "  workflow status",
    ]


def workflow_command() -> str:
    """Return how a shell in the current folder finds the `workflow` command."""
    command = Path(sys.executable).parent / "workflow"
    if shutil.which("workflow") == str(command):
        return "workflow"
    here = Path.cwd()
    return quote(str(command.relative_to(here) if command.is_relative_to(here) else command))

"""The verb that asks the endpoint, and how its answers are printed."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.options import DEFAULT_OUT, Endpoint, Out, Stack
from cli.show import UNKNOWN, print_json, say, space, table
from cli.verbs import Verbs
from training.sagemaker.stacks import DEFAULT_STACK, Stacks

if TYPE_CHECKING:
    from contracts.answer import Explanation
    from training.predict import Prediction

SHADES = " ░▒▓█"

app = Verbs()


@app.command()
def predict(
    sources: Annotated[list[str], typer.Argument(help="Image files, folders, or s3:// objects and prefixes.")],
    endpoint: Endpoint = None,
    stack: Stack = DEFAULT_STACK,
    explain: Annotated[
        bool, typer.Option("--explain", help="Show where the model looked, and draw it into OUT/explained/.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object per image, a line each.")] = False,
    out: Out = DEFAULT_OUT,
) -> None:
    """Classify images by the endpoint.

    Tells which of them the workflow would accept. The exit code is 1 if one of them can't be classified.
    """
    from training import predict
    from training.model import MODEL_FILE, Model

    # An endpoint that describes itself needs no record of its model.
    model = Model.read(out / MODEL_FILE) if (out / MODEL_FILE).exists() else None
    answers = []
    for answer in predict.predict(
        endpoint or Stacks(stack).endpoint,
        sources,
        labels=model.labels if model else (),
        takes=predict.Input(model.max_side, model.exact) if model else None,
        explained=out / "explained" if explain else None,
    ):
        answers.append(answer)
        if as_json:
            print_json(answer.to_record(), indent=None)
    if not as_json:
        show_predictions(answers, explained=out / "explained" if explain else None)
    if any(one.error for one in answers):
        raise typer.Exit(1)


def show_predictions(predictions: "Sequence[Prediction]", explained: Path | None = None) -> None:
    """Print a table of the answers, and below it who gave them; with `explained` also where the model looked."""
    table(
        ("image", "label", "confidence", "familiarity", "decision"),
        [(one.source, *_cells(one)) for one in predictions],
    )
    for one in predictions:
        if one.error:
            say(f"{one.source}: {one.error}")
    answers = [one.answer for one in predictions if one.answer]
    for release, threshold, limit in dict.fromkeys((a.release, a.threshold, a.familiarity_limit) for a in answers):
        if release is None:
            said = "The endpoint names no threshold: the workflow takes that of its stack."
        elif threshold is None:
            said = f"Release {release} accepts nothing: no threshold keeps the error that training was told to keep."
        else:
            familiar = "" if limit is None else f" and a familiarity of {limit:g}"
            said = f"Release {release} accepts from a confidence of {threshold:g}{familiar}."
        say(said)
    if explained:
        _show_explanations(predictions, explained)


def _cells(prediction: "Prediction") -> tuple[str, ...]:
    answer = prediction.answer
    if answer is None:
        return ("not classified", UNKNOWN, UNKNOWN, UNKNOWN)
    familiarity = UNKNOWN if answer.familiarity is None else f"{answer.familiarity:.2f}"
    return answer.label, f"{answer.confidence:.4f}", familiarity, prediction.decision or UNKNOWN


def _show_explanations(predictions: "Sequence[Prediction]", folder: Path) -> None:
    for one in predictions:
        if one.answer and one.answer.explanation:
            space()
            say(f"{one.source}: where {one.answer.label} was seen")
            say(shaded(one.answer.explanation))
    if any(one.answer and one.answer.explanation for one in predictions):
        space()
        say(f"Pictures: {folder}")
    else:
        say("The endpoint doesn't tell where its model looked.")


def shaded(explanation: "Explanation") -> str:
    """Draw a grid of shares by shades, the largest as a full block; two characters a cell are about square."""
    most = max(map(max, explanation)) or 1.0
    rows = ("".join(2 * SHADES[round(share / most * (len(SHADES) - 1))] for share in row) for row in explanation)
    return "\n".join(f"  {row}" for row in rows)

"""Print what an endpoint answers of images."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cli.show import console, table

if TYPE_CHECKING:
    from contracts.answer import Explanation
    from training.predict import Prediction

SHADES = " ░▒▓█"
UNKNOWN = "-"


def show_predictions(predictions: "Sequence[Prediction]", explained: Path | None = None) -> None:
    """Print a table of the answers, and below it who gave them; with `explained` also where the model looked."""
    table(
        ("image", "label", "confidence", "familiarity", "decision"),
        [(one.source, *_cells(one)) for one in predictions],
    )
    for one in predictions:
        if one.error:
            console.print(f"{one.source}: {one.error}", highlight=False, markup=False, soft_wrap=True)
    answers = [one.answer for one in predictions if one.answer]
    for release, threshold, limit in dict.fromkeys((a.release, a.threshold, a.familiarity_limit) for a in answers):
        if release is None:
            said = "The endpoint names no threshold: the workflow takes that of its stack."
        elif threshold is None:
            said = f"Release {release} accepts nothing: no threshold keeps the error that training was told to keep."
        else:
            familiar = "" if limit is None else f" and a familiarity of {limit:g}"
            said = f"Release {release} accepts from a confidence of {threshold:g}{familiar}."
        console.print(said, highlight=False)
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
            console.print(
                f"\n{one.source}: where {one.answer.label} was seen", highlight=False, markup=False, soft_wrap=True
            )
            console.print(shaded(one.answer.explanation), highlight=False, markup=False)
    if any(one.answer and one.answer.explanation for one in predictions):
        console.print(f"\nPictures: {folder}", soft_wrap=True)
    else:
        console.print("The endpoint doesn't tell where its model looked.")


def shaded(explanation: "Explanation") -> str:
    """Draw a grid of shares by shades, the largest as a full block; two characters a cell are about square."""
    most = max(map(max, explanation)) or 1.0
    rows = ("".join(2 * SHADES[round(share / most * (len(SHADES) - 1))] for share in row) for row in explanation)
    return "\n".join(f"  {row}" for row in rows)

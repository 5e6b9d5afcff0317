"""The verbs that compare models, and register and approve them."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.options import DEFAULT_OUT, Group, Json, Out
from cli.show import print_json, say, table
from cli.verbs import Verbs

if TYPE_CHECKING:
    from monitoring.quality.calibration import Interval
    from monitoring.quality.comparison import Comparison, Figures, Verdict
    from training.registry import Version

COMPARISON_FILE = "comparison.json"
SHOWN_DIFFERENCES = 10
MODEL_HELP = "Model: a folder with model.json, the s3:// address of a model.tar.gz, GROUP/NUMBER, or an endpoint"

app = Verbs()


@app.command()
def compare(
    first: Annotated[str, typer.Argument(metavar="A", help=f"{MODEL_HELP}.")],
    second: Annotated[str, typer.Argument(metavar="B", help="Model to judge by A, named in the same ways.")],
    as_json: Json = False,
    out: Out = DEFAULT_OUT,
) -> None:
    """Compare two models on the same test images.

    Reads what each answered in its training job, so that neither needs an endpoint. Writes comparison.json.
    """
    import json

    from contracts.files import write_whole
    from monitoring.quality.comparison import compare
    from training.artifacts import artifact_of
    from training.job_output import read_judged

    found = compare(*(read_judged(artifact_of(model)) for model in (first, second)))
    out.mkdir(parents=True, exist_ok=True)
    write_whole(out / COMPARISON_FILE, json.dumps(asdict(found), indent=1) + "\n")
    if as_json:
        print_json(asdict(found) | {"faults": found.faults, "file": out / COMPARISON_FILE})
        return
    show_comparison(found)
    say(f"All images that differ: {out / COMPARISON_FILE}.")


def show_comparison(found: "Comparison") -> None:
    """Print how two models do on the same test images, and whether the second is worse."""
    rows = [(name, one, other) for (name, one), (_, other) in zip(_rows(found.first), _rows(found.second), strict=True)]
    table((f"{found.images} test images", "A", "B"), rows)
    for what, pairs in (("Right in A alone", found.right), ("Accepted by A alone", found.accepted)):
        say(f"{what}: {pairs.first_only} images; B alone: {pairs.second_only} (exact test, p = {pairs.p_value:.2g}).")
    verdict = (
        f"B is worse: {'; '.join(found.faults)}." if found.faults else "B is not worse than A by more than chance."
    )
    say(verdict)
    shown = found.differences[:SHOWN_DIFFERENCES]
    if shown:
        table(
            ("image", "class", "A", "B"), [(one.file, one.truth, _said(one.first), _said(one.second)) for one in shown]
        )
    say(f"Images that differ: {len(found.differences)}.")


@app.command()
def register(group: Group = None, as_json: Json = False, out: Out = DEFAULT_OUT) -> None:
    """Put a trained model into the model registry.

    Reads model.json. The model waits for `workflow approve`.
    """
    from training import registry
    from training.model import MODEL_FILE, Model

    found = registry.register(Model.read(out / MODEL_FILE), out, group)
    if as_json:
        print_json(found)
    else:
        show_registered(found)


@app.command()
def approve(
    version: Annotated[int | None, typer.Argument(min=1, help="Number of the version; by default the newest.")] = None,
    group: Group = None,
    reject: Annotated[bool, typer.Option("--reject", help="Reject the version instead.")] = False,
    reason: Annotated[str, typer.Option(help="Why, for the registry to keep.")] = "",
    as_json: Json = False,
    out: Out = DEFAULT_OUT,
) -> None:
    """Approve a registered model.

    Lets `workflow deploy --approved` take it.
    """
    from training import registry
    from training.sagemaker.package import RECORD_KEY

    found = registry.decide(group_or_default(group, out), version, approved=not reject, reason=reason)
    if as_json:
        print_json(found)
        return
    table((found.name, found.status), [(key, value) for key, value in found.metadata.items() if key != RECORD_KEY])


def group_or_default(group: str | None, out: Path) -> str:
    """Return the group that is named, or that of the data set of model.json."""
    from training.model import MODEL_FILE, Model
    from training.sagemaker.package import group_of

    return group or group_of(Model.read(out / MODEL_FILE).dataset)


def show_registered(version: "Version") -> None:
    """Print what a model is called in the registry."""
    say(f"Registered as {version.name}, status {version.status}.")


def _rows(figures: "Figures") -> list[tuple[str, str]]:
    return [
        ("release", figures.release),
        ("accuracy", _share(figures.accuracy, figures.accuracy_interval)),
        ("threshold", "accepts nothing" if figures.threshold is None else f"{figures.threshold:.4g}"),
        ("accepted", _share(figures.coverage, figures.coverage_interval)),
        ("wrong among accepted", "-" if figures.error is None else _share(figures.error, figures.error_interval)),
        ("calibration error", f"{figures.expected_calibration_error:.4f}"),
    ]


def _share(value: float, interval: "Interval") -> str:
    return f"{value:.1%} ({interval.low:.1%} to {interval.high:.1%})"


def _said(verdict: "Verdict") -> str:
    return f"{verdict.label} {verdict.confidence:.2f}{'' if verdict.accepted else ' (review)'}"

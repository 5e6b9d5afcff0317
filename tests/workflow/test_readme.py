"""README's commands run as printed, one after the other, in an empty folder; and what it names exists."""

import re
import signal
import subprocess
import sys
from fnmatch import fnmatch

import typer.main

from cli import app
from tests.conftest import ROOT
from tests.newcomer import blocks
from tests.workflow.conftest import Demonstrated

# The README shows these with placeholders; teardown comes last.
OTHERS = """
workflow batch --prefix datasets/sample/test/
workflow redrive --since 1h
workflow review --export waiting --order --name sample
test ! -e waiting || workflow review --import waiting/labels.csv --name sample
workflow quality --name sample
workflow improve --yes 2> refusal || grep -q "workflow review" refusal
workflow costs --images-a-day 10000
workflow status --json > status.json || test -s status.json
workflow doctor --json > doctor.json || test -s doctor.json
workflow capture --since 1h
workflow baseline
workflow drift --since 1h
workflow compare image-classification out
workflow register
workflow approve --reason "good on the test images"
workflow deploy --approved --yes
workflow deploy --instances 2 --yes --expires 1d
workflow deploy --rollback
"""


def verbs_of_a_stack() -> set[str]:
    """Name the verbs that read a stack's outputs."""
    verbs = typer.main.get_group(app).commands
    return {name for name, verb in verbs.items() if any(option.name == "stack" for option in verb.params)}


def test_a_newcomer_gets_from_the_demo_to_a_model_of_their_own(demonstrated: Demonstrated) -> None:
    newcomer = demonstrated.newcomer
    _, local, first, own, *_ = blocks((newcomer.project / "README.md").read_text())
    with newcomer.starting(local, until="# Logs: ") as terminal:
        before, teardown, after = own.partition("workflow teardown")
        commands = first + before + OTHERS + teardown + after
        printed = newcomer.types(commands, 570)
        terminal.send_signal(signal.SIGINT)
        assert terminal.wait(60) == 0
    assert (newcomer.project / "out/report.html").exists()
    # Once by `train`, and once by `evaluate`.
    assert printed.count("The model is ") == 2
    assert verbs_of_a_stack() <= set(re.findall(r"^workflow ([a-z-]+)", commands, re.MULTILINE))


def folders_of_the_project() -> set[str]:
    """Return the names of the top-level folders that Git keeps, but for hidden ones."""
    ignored = [line.rstrip("/") for line in (ROOT / ".gitignore").read_text().splitlines()]
    folders = {path.name for path in ROOT.iterdir() if path.is_dir() and not path.name.startswith(".")}
    return {name for name in folders if not any(fnmatch(name, pattern) for pattern in ignored)}


def test_the_readme_names_every_function() -> None:
    text = (ROOT / "README.md").read_text()
    assert all(f"`{path.parent.name}`" in text for path in (ROOT / "functions").glob("*/app.py"))


def test_every_verb_that_the_readme_names_exists() -> None:
    named = set(re.findall(r"(?:^|`)workflow ([a-z-]+)", (ROOT / "README.md").read_text(), re.MULTILINE))
    listed = subprocess.run(
        [sys.executable, "-m", "cli", "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert named <= set(re.findall(r"^  ([a-z-]+) ", listed, re.MULTILINE))


def test_every_folder_and_file_that_the_readme_names_exists() -> None:
    text = (ROOT / "README.md").read_text()
    folders = re.findall(r"^\| `(\w+/)` \|", text, re.MULTILINE)
    assert set(folders) == {f"{name}/" for name in folders_of_the_project()}
    for name in re.findall(rf"`((?:{'|'.join(folders)})[\w./-]*)`", text):
        assert (ROOT / name).exists(), name
    for name in re.findall(r"\]\(([^)#:]+)\)", text):
        assert (ROOT / name).exists(), name

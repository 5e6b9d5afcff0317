"""The README's commands, run as they stand there."""

import os
import re
import subprocess
import sys
from pathlib import Path

from local import stack
from tests.conftest import ROOT

MARKED = re.compile(r"<!-- run by tests/workflow/test_readme.py -->\n```sh\n(.*?)```", re.DOTALL)


def test_the_readmes_verbs_run_one_after_the_other(running: stack.Running, tmp_path: Path) -> None:
    (commands,) = MARKED.findall((ROOT / "README.md").read_text())
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = {"PATH": path, "HOME": str(tmp_path), "PYTHONPATH": str(ROOT)} | dict(running.environment)
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", commands],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=280,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "out/report.html").exists()


def test_every_verb_that_the_readme_names_exists() -> None:
    named = set(re.findall(r"(?:^|`)workflow ([a-z-]+)", (ROOT / "README.md").read_text(), re.MULTILINE))
    listed = subprocess.run(
        [sys.executable, "-m", "cli", "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert named <= set(re.findall(r"^  ([a-z-]+) ", listed, re.MULTILINE))


def test_every_folder_and_file_that_the_readme_names_exists() -> None:
    text = (ROOT / "README.md").read_text()
    for name in re.findall(r"`((?:functions|statemachine|training|monitoring|local|events|docs)/[\w./-]*)`", text):
        assert (ROOT / name).exists(), name
    for name in re.findall(r"\]\(([^)#:]+)\)", text):
        assert (ROOT / name).exists(), name

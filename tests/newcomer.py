"""A newcomer: a copy of the project in a folder of its own, and what README tells to type there."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import ROOT
from tests.processes import bare_environment

BLOCK = re.compile(r"^```sh\n(.*?)^```", re.DOTALL | re.MULTILINE)
# What a checkout doesn't have, or what has its own way of getting there.
LEFT_OUT = (".*", "__pycache__", "out", "mutants", "*.egg-info")


@dataclass(frozen=True)
class Newcomer:
    """Somebody in a folder with the project and nothing else; `home` is another, empty one."""

    project: Path
    home: Path

    def environment(self) -> dict[str, str]:
        """Return the variables of a login: nothing of the project is on the paths."""
        kept = ("PATH", "LANG", "TMPDIR")
        return {name: value for name, value in bare_environment().items() if name in kept} | {"HOME": str(self.home)}

    def types(self, commands: str, seconds: float = 300) -> str:
        """Run lines in a shell that stops at the first one that fails, and return what they print."""
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", commands],
            cwd=self.project,
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=seconds,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    @contextmanager
    def starting(self, command: str, until: str) -> "Iterator[subprocess.Popen[str]]":
        """Run a command in a terminal of its own, once it has printed a line that begins so, until the block ends."""
        with subprocess.Popen(
            ["bash", "-c", f"exec {command}"],
            cwd=self.project,
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            assert process.stdout is not None
            printed = []
            for line in process.stdout:
                printed.append(line)
                if line.startswith(until):
                    break
            else:
                raise AssertionError("".join(printed))
            try:
                yield process
            finally:
                process.terminate()


def arrive(folder: Path) -> Newcomer:
    """Copy the project to a folder, where `make` finds the environment that it made and installs nothing again."""
    project, home = folder / "project", folder / "home"
    shutil.copytree(ROOT, project, symlinks=True, ignore=shutil.ignore_patterns(*LEFT_OUT))
    home.mkdir()
    (project / ".venv").symlink_to(sys.prefix)
    for name in ("requirements.txt", "pyproject.toml"):
        os.utime(project / name, (0, 0))
    return Newcomer(project, home)


def blocks(text: str) -> list[str]:
    """Return the blocks of commands of a document, in order."""
    return BLOCK.findall(text)

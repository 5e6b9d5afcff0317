"""Run mutmut over the modules that `[tool.mutmut]` names, and judge each by its mutants.

Usage: python -m tests.mutants ["functions.classify.*" ...]. `accepted.toml` lists the survivors that may live. mutmut
changes neither decorated functions nor what is outside of functions.
"""

import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path

from mutmut.mutation.data import SourceFileMutationData
from mutmut.mutation.diff_apply import get_diff_for_mutant
from mutmut.utils.file_utils import walk_mutatable_files

from tests.conftest import ROOT
from tests.mutants.judge import Accepted, Result, Survivor, judge

ACCEPTED = Path(__file__).parent / "accepted.toml"
# mutmut's exit codes of a mutant that no test noticed, and that no test ran.
SURVIVED = (0, 33)


def main(names: Sequence[str]) -> int:
    """Run the mutants of those names, or all; 1 if a module falls short or a survivor isn't accepted."""
    shutil.rmtree(ROOT / "mutants", ignore_errors=True)
    subprocess.run([sys.executable, "-m", "mutmut", "run", "--max-children", "2", *names], cwd=ROOT, check=True)
    accepted = [Accepted(**entry) for entry in tomllib.loads(ACCEPTED.read_text())["accepted"]]
    table, faults = judge(list(results()), accepted, whole=not names)
    sys.stdout.write("\n".join([*table, *faults, ""]))
    return int(bool(faults))


def results() -> Iterator[Result]:
    """Give every module of which mutants ran."""
    for path in sorted(walk_mutatable_files()):
        data = SourceFileMutationData(path=path)
        data.load()
        ran = {name: code for name, code in data.exit_code_by_key.items() if code is not None}
        if ran:
            survivors = [survivor(name, path) for name, code in ran.items() if code in SURVIVED]
            yield Result(str(path), len(ran), survivors)


def survivor(name: str, path: Path) -> Survivor:
    """Return the mutant with its lines, without indentation."""
    diff = get_diff_for_mutant(name, path=path).splitlines()[3:]
    before, after = ("\n".join(line[1:].strip() for line in diff if line.startswith(sign)) for sign in "-+")
    return Survivor(name, str(path), before, after)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Run mutmut over the modules that `[tool.mutmut]` names, and judge each by the share of its mutants that are killed.

Usage: python -m tests.mutants ["functions.classify.*" ...]. `accepted.toml` lists the survivors that may live. mutmut
changes neither decorated functions nor what is outside of functions.
"""

import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from mutmut.mutation.data import SourceFileMutationData
from mutmut.mutation.diff_apply import get_diff_for_mutant
from mutmut.utils.file_utils import walk_mutatable_files

from tests.conftest import ROOT

ACCEPTED = Path(__file__).parent / "accepted.toml"
FEWEST_KILLED = 0.9
# mutmut's exit codes of a mutant that no test noticed, and that no test ran.
SURVIVED = (0, 33)


@dataclass(frozen=True)
class Survivor:
    """A mutant that no test noticed: its name, module, and the line before and after the change."""

    name: str
    module: str
    before: str
    after: str


@dataclass(frozen=True)
class Result:
    """How many mutants of a module ran, and which of them survived."""

    module: str
    mutants: int
    survivors: Sequence[Survivor]


@dataclass(frozen=True)
class Accepted:
    """Survivors that may live, and why.

    `before` is a part of the line, `after` the whole line as changed, or "" for all changes of case alone.
    """

    module: str
    before: str
    after: str
    reason: str

    def covers(self, survivor: Survivor) -> bool:
        """Whether the entry speaks of the survivor."""
        if survivor.module != self.module or self.before not in survivor.before:
            return False
        return survivor.after == self.after if self.after else survivor.after.lower() == survivor.before.lower()


def main(names: Sequence[str]) -> int:
    """Run the mutants of those names, or all; 1 if a module falls short or a survivor isn't accepted."""
    shutil.rmtree(ROOT / "mutants", ignore_errors=True)
    subprocess.run([sys.executable, "-m", "mutmut", "run", "--max-children", "2", *names], cwd=ROOT, check=True)
    accepted = [Accepted(**entry) for entry in tomllib.loads(ACCEPTED.read_text())["accepted"]]
    table, faults = judge(list(results()), accepted, whole=not names)
    sys.stdout.write("\n".join([*table, *faults, ""]))
    return int(bool(faults))


def judge(found: Sequence[Result], accepted: Sequence[Accepted], *, whole: bool) -> tuple[list[str], list[str]]:
    """Return a table of the modules, and what is wrong; entries that accept nothing are, where all mutants ran."""
    table = [f"{'module':36}{'mutants':>8}{'killed':>8}{'accepted':>10}{'unlisted':>10}{'share killed':>14}"]
    faults, used = list[str](), set[Accepted]()
    for one in found:
        covering = {survivor: [entry for entry in accepted if entry.covers(survivor)] for survivor in one.survivors}
        used.update(entry for entries in covering.values() for entry in entries)
        unlisted = [survivor for survivor, entries in covering.items() if not entries]
        killed = one.mutants - len(one.survivors)
        counts = f"{one.mutants:8}{killed:8}{len(one.survivors) - len(unlisted):10}{len(unlisted):10}"
        table.append(f"{one.module:36}{counts}{killed / one.mutants:14.1%}")
        faults += [f"\n{survivor.name}\n  - {survivor.before}\n  + {survivor.after}" for survivor in unlisted]
        if killed / one.mutants < FEWEST_KILLED:
            faults.append(f"\n{one.module}: fewer than {FEWEST_KILLED:.0%} of the mutants are killed")
    if whole:
        unused = [entry for entry in accepted if entry not in used]
        faults += [f"\n{ACCEPTED.name}: {one.module} has no such survivor: {one.after or one.before}" for one in unused]
    return table, faults


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

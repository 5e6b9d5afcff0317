"""Judge modules by their mutants: which share is killed, and which survivors nobody has accepted."""

from collections.abc import Sequence
from dataclasses import dataclass

FEWEST_KILLED = 0.9


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

    `before` is a part of the line, `after` the whole line as it may be changed; without any, its case may be changed.
    """

    module: str
    before: str
    reason: str
    after: Sequence[str] = ()

    def covers(self, survivor: Survivor) -> bool:
        """Whether the entry speaks of the survivor."""
        if survivor.module != self.module or self.before not in survivor.before:
            return False
        return survivor.after in self.after if self.after else survivor.after.lower() == survivor.before.lower()


def judge(found: Sequence[Result], accepted: Sequence[Accepted], *, whole: bool) -> tuple[list[str], list[str]]:
    """Return a table of the modules, and what is wrong; entries that accept nothing are, where all mutants ran."""
    table = [f"{'module':36}{'mutants':>8}{'killed':>8}{'accepted':>10}{'unlisted':>10}{'share killed':>14}"]
    faults, used = list[str](), list[Accepted]()
    for one in found:
        covering = {survivor: [entry for entry in accepted if entry.covers(survivor)] for survivor in one.survivors}
        used += [entry for entries in covering.values() for entry in entries]
        unlisted = [survivor for survivor, entries in covering.items() if not entries]
        killed = one.mutants - len(one.survivors)
        counts = f"{one.mutants:8}{killed:8}{len(one.survivors) - len(unlisted):10}{len(unlisted):10}"
        table.append(f"{one.module:36}{counts}{killed / one.mutants:14.1%}")
        faults += [f"\n{survivor.name}\n  - {survivor.before}\n  + {survivor.after}" for survivor in unlisted]
        if killed / one.mutants < FEWEST_KILLED:
            faults.append(f"\n{one.module}: fewer than {FEWEST_KILLED:.0%} of the mutants are killed")
    if whole:
        unused = [entry for entry in accepted if entry not in used]
        faults += [f"\naccepted.toml: {one.module} has no such survivor: {one.before}" for one in unused]
    return table, faults

"""Repeat the tests in which something goes wrong on purpose, and write docs/reliability.md: python -m tests.drills 5.

A drill is a test that is marked by `@pytest.mark.drill(KIND)`; its name says what is tried and what must happen. All
run as often as asked for, those of single parts, which take no time, QUICK_ROUNDS times as often.
"""

import ast
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

from tests.conftest import ROOT

DOCUMENT = ROOT / "docs" / "reliability.md"
QUICK = "tests/unit"
QUICK_ROUNDS = 3
ROW = "| {sentence} | {runs} | {passed} |"
INTRODUCTION = """\
# Reliability

What is tried against the workflow, how often, and what happened. Each row is a test that breaks something on purpose;
its sentence says what must happen. A test with several cases, such as one for each process that is killed, counts one
run for each. `make drills` repeats them, in new processes each time, and writes this page.

Rounds of all drills: {rounds}; of those that need no local stack: {quick}. In all {runs} runs of {drills} drills,
{passed} of which passed.
"""


@dataclass(frozen=True)
class Drill:
    """A test function that is marked as a drill."""

    kind: str
    module: str
    function: str

    @property
    def sentence(self) -> str:
        """What is tried and what must happen."""
        return self.function.removeprefix("test_").replace("_", " ").capitalize()


def marked() -> Iterator[Drill]:
    """Find the drills among the tests."""
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.FunctionDef):
                for mark in node.decorator_list:
                    if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.drill":
                        yield Drill(ast.literal_eval(mark.args[0]), module, node.name)


def run(folder: str) -> dict[tuple[str, str], Counter[str]]:
    """Run the drills below a folder once; for each module and function, how many of its cases ended how."""
    with tempfile.TemporaryDirectory() as beside:
        results = Path(beside) / "results.xml"
        command = [sys.executable, "-m", "pytest", "-n", "2", "-m", "drill", f"--junit-xml={results}", folder]
        subprocess.run(command, cwd=ROOT, check=False)
        cases = ET.parse(results).iter("testcase")  # noqa: S314
        counts: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
        for case in cases:
            ends = {child.tag for child in case} & {"failure", "error", "skipped"}
            counts[case.attrib["classname"], case.attrib["name"].partition("[")[0]][min(ends, default="passed")] += 1
    return counts


def page(drills: Sequence[Drill], counts: dict[tuple[str, str], Counter[str]], rounds: int) -> str:
    """Write the results as Markdown."""
    lines = []
    runs = passed = 0
    for kind in sorted({drill.kind for drill in drills}):
        lines += ["", f"## {kind}", "", "| drill | runs | passed |", "|---|---:|---:|"]
        for drill in sorted((one for one in drills if one.kind == kind), key=lambda one: one.sentence):
            ended = counts[drill.module, drill.function]
            ran = ended.total() - ended["skipped"]
            lines.append(ROW.format(sentence=drill.sentence, runs=ran, passed=ended["passed"]))
            runs, passed = runs + ran, passed + ended["passed"]
    head = INTRODUCTION.format(rounds=rounds, quick=rounds * QUICK_ROUNDS, runs=runs, drills=len(drills), passed=passed)
    return head + "\n".join(lines) + "\n"


def main(rounds: int) -> int:
    """Run all drills and write the page; 1 if any failed."""
    counts: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for _ in range(rounds):
        for folder in ("tests", *[QUICK] * (QUICK_ROUNDS - 1)):
            for drill, ended in run(folder).items():
                counts[drill] += ended
    DOCUMENT.write_text(page(list(marked()), counts, rounds))
    return int(any(ended["failure"] or ended["error"] for ended in counts.values()))


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))

"""The notebook runs from its first cell to its last in a kernel of Jupyter, and is kept as such a run left it."""

import copy
import re
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient.exceptions import CellExecutionError

from tests.notebooks.kernel import NOTEBOOK, read, run
from tests.processes import command
from tests.waiting import wait_until

MOST_BYTES = 100_000
PARTS = ["1. Data staging", "2. Training", "3. Deployment", "4. Lambda functions", "5. Testing and evaluation"]
# Of this machine or another, such as /home/somebody or C:\Users.
PLACES = re.compile(r"(?<![\w.])/(home|root|tmp|Users|work|private|opt)/|[A-Z]:\\\\")


def code_of(notebook: Any) -> list[Any]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def kinds(cell: Any) -> set[str]:
    """The kinds of what a cell gave: its streams, and the formats of its result."""
    return {kind for one in cell.outputs for kind in ([one.name] if one.output_type == "stream" else one.data)}


def test_the_notebook_is_valid_small_and_kept_as_a_run_from_first_to_last_left_it() -> None:
    notebook = read()
    nbformat.validate(notebook)
    assert NOTEBOOK.stat().st_size <= MOST_BYTES
    assert not PLACES.findall(NOTEBOOK.read_text())
    cells = code_of(notebook)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert {one.output_type for cell in cells for one in cell.outputs} == {"execute_result", "stream"}
    headings = re.findall(r"^## (\d\..*)$", "\n".join(cell.source for cell in notebook.cells), re.MULTILINE)
    assert len(headings) == len(PARTS)
    assert all(heading.startswith(part) for heading, part in zip(headings, PARTS, strict=True))


def test_every_cell_runs_and_gives_what_is_kept(tmp_path: Path) -> None:
    kept, notebook = read(), read()
    for cell in code_of(notebook):
        cell.outputs, cell.execution_count = [], None
    done = run(notebook, tmp_path)
    assert [kinds(cell) for cell in code_of(done)] == [kinds(cell) for cell in code_of(kept)]
    said = "".join(one.text for cell in code_of(done) for one in cell.outputs if one.output_type == "stream")
    assert "Unexpected: nothing" in said
    assert "- left: []" in said
    assert (tmp_path / "out/notebook/report.html").exists()


def test_the_stack_ends_when_a_cell_fails(tmp_path: Path) -> None:
    notebook = read()
    setup, start = code_of(notebook)[:2]
    idle, fails = copy.deepcopy(setup), copy.deepcopy(setup)
    idle.source = (
        "import functools; from local import launch\n"
        "launch.running = functools.partial(launch.running, module='tests.notebooks.idle_stack')"
    )
    fails.source = "Path('pid').write_text(str(stack.pid)); raise RuntimeError('a cell failed')"
    notebook.cells = [setup, idle, start, fails]
    with pytest.raises(CellExecutionError, match="a cell failed"):
        run(notebook, tmp_path)
    pid = int((tmp_path / "pid").read_text())
    wait_until(lambda: not command(pid))

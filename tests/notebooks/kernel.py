"""Run the notebook in a kernel: `python -m tests.notebooks.kernel` keeps its output and pictures in the file."""

import tempfile
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

from contracts.files import write_whole
from tests.conftest import ROOT

NOTEBOOK = ROOT / "notebooks/walkthrough.ipynb"
# Only a broken cell comes near it, also where other work keeps every processor busy.
CELL_SECONDS = 300


def read() -> Any:
    """Return the notebook as it is kept."""
    return nbformat.reads(NOTEBOOK.read_text(), nbformat.NO_CONVERT)  # type: ignore[no-untyped-call]


def run(notebook: Any, folder: Path) -> Any:
    """Run all cells of a notebook from a folder, and return it with what they gave; the kernel ends in any case.

    Raises:
        CellExecutionError: a cell failed.
    """
    client = NotebookClient(
        notebook,
        timeout=CELL_SECONDS,
        # The times of each run would be a change in Git.
        record_timing=False,
        resources={"metadata": {"path": str(folder)}},
    )
    return client.execute()


def main() -> None:
    """Run the notebook in a folder that is then removed, and write it."""
    with tempfile.TemporaryDirectory() as folder:
        write_whole(NOTEBOOK, nbformat.writes(run(read(), Path(folder))) + "\n")  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    main()

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from contracts.scratch import scratch_folder

OWNER = """
import sys
from pathlib import Path
from contracts.scratch import scratch_folder
with scratch_folder("work-", Path(sys.argv[1])) as folder:
    (folder / "large").mkdir()
    (folder / "large/file").write_text("content")
    print(folder, flush=True)
    sys.stdin.read()
"""


@contextmanager
def owner(parent: Path) -> Iterator[tuple["subprocess.Popen[str]", Path]]:
    """A process that has a folder, until its standard input ends."""
    command = [sys.executable, "-c", OWNER, str(parent)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield process, Path(process.stdout.readline().strip())
        process.stdin.close()


def test_the_folder_ends_with_its_block_also_by_an_error(tmp_path: Path) -> None:
    def torn() -> None:
        with scratch_folder("work-", tmp_path) as folder:
            assert folder.parent == tmp_path
            assert folder.name.startswith(f"work-{os.getpid()}-")
            assert folder.stat().st_mode & 0o777 == 0o700
            (folder / "file").touch()
            raise ConnectionError

    with pytest.raises(ConnectionError):
        torn()
    assert not list(tmp_path.iterdir())


@pytest.mark.drill("Processes that are killed")
def test_what_a_killed_process_leaves_goes_with_the_next_start_and_what_lives_stays(tmp_path: Path) -> None:
    with owner(tmp_path) as (killed, abandoned), owner(tmp_path) as (_, kept):
        os.kill(killed.pid, signal.SIGKILL)
        killed.wait()
        assert (abandoned / "large/file").exists()
        with scratch_folder("work-", tmp_path) as new:
            assert {*tmp_path.iterdir()} == {kept, new}
        assert (kept / "large/file").exists()
    assert not list(tmp_path.iterdir())


def test_a_process_id_that_is_used_again_keeps_nothing(tmp_path: Path) -> None:
    (tmp_path / f"work-{os.getpid()}-abandoned").mkdir()
    with scratch_folder("work-", tmp_path) as new:
        assert [*tmp_path.iterdir()] == [new]


@pytest.mark.parametrize("name", ["work-abandoned", "work-x-abandoned", "other-1-abandoned", "a-work-1-abandoned"])
def test_what_has_another_name_is_left_alone(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    with scratch_folder("work-", tmp_path):
        pass
    assert (tmp_path / name).is_dir()


def test_a_link_with_the_name_of_an_abandoned_folder_is_not_followed(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    (precious / "folder").mkdir(parents=True)
    (tmp_path / "work-1-abandoned").symlink_to(precious)
    with scratch_folder("work-", tmp_path):
        pass
    assert (precious / "folder").is_dir()


def test_a_folder_that_another_start_removes_before_it_is_locked_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make, made = tempfile.mkdtemp, []

    def removed_at_first(**given: Any) -> str:
        made.append(make(**given))
        if len(made) == 1:
            Path(made[0]).rmdir()
        return str(made[-1])

    monkeypatch.setattr(tempfile, "mkdtemp", removed_at_first)
    with scratch_folder("work-", tmp_path) as folder:
        assert [*tmp_path.iterdir()] == [folder]
    assert len(made) == 2

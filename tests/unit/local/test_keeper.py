"""When a state is saved, and what happens where it can't be."""

import json
from pathlib import Path

import pytest

from local.launch import StackNotKept, running
from local.stack import Options
from local.state.errors import StateNotSaved
from local.state.folder import FORMAT, OBJECTS, STATE_FILE, opened
from local.state.keeper import Keeper
from tests.forgetful import REASON
from tests.waiting import wait_until


def test_what_changes_is_saved_in_time_and_what_does_not_is_not_written_again(tmp_path: Path) -> None:
    queues: dict[str, list[int]] = {}
    with opened(tmp_path / "state") as folder:
        path = folder.path / STATE_FILE
        keeper = Keeper(folder, {"port": 4000}, {"queues": lambda: dict(queues), "objects": list})
        keeper.start()
        assert json.loads(path.read_text()) == {"format": FORMAT, "port": 4000, "queues": {}, "objects": []}
        first = path.stat().st_ino
        queues["a"] = [1]
        wait_until(lambda: json.loads(path.read_text())["queues"] == {"a": [1]})
        second = path.stat().st_ino
        keeper.stop()
        assert path.stat().st_ino == second != first


def test_a_state_that_cannot_be_written_stays_as_it_was_and_is_told_at_the_end(tmp_path: Path) -> None:
    with opened(tmp_path / "state") as folder:
        contents: list[bytes] = []
        keeper = Keeper(folder, {}, {"objects": lambda: [{"content": folder.put_object(one)} for one in contents]})
        keeper.start()
        # What has its place isn't a folder.
        (folder.path / OBJECTS).touch()
        contents.append(b"new")
        with pytest.raises(StateNotSaved, match=rf"can't be saved in {folder.path}: File exists; those before are"):
            keeper.stop()
        assert json.loads((folder.path / STATE_FILE).read_text())["objects"] == []


def test_whoever_stops_a_stack_is_told_that_its_state_is_not_saved(tmp_path: Path) -> None:
    with pytest.raises(StackNotKept, match=REASON), running(Options(logs=str(tmp_path)), "tests.forgetful"):
        pass

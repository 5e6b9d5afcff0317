"""The folder of a state: what can't be used is one line that says what to do, and an old state isn't lost."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from contracts.locks import FolderInUse, exclusive
from local.state.errors import UnusableState
from local.state.folder import FORMAT, OBJECTS, STATE_FILE, StateFolder, opened, set_aside
from local.state.kept import kept

WHOLE = {"format": FORMAT, "port": 4000, "parameters": {}, "objects": []}


def written(path: Path, content: str = json.dumps(WHOLE)) -> Path:
    path.mkdir(exist_ok=True)
    (path / STATE_FILE).write_text(content)
    return path


def begin(folder: Path) -> None:
    """Read what a stack needs before it starts."""
    with kept(str(folder)) as before:
        before.port(None)
        before.credentials()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "is damaged"),
        ("{", "is damaged"),
        ("[]", "is damaged"),
        ("{}", "is damaged"),
        ('{"format": null}', "has the format None"),
        (json.dumps(WHOLE | {"format": FORMAT + 1}), f"has the format {FORMAT + 1}, and this version"),
        (json.dumps(WHOLE | {"port": "x"}), "is damaged"),
        (json.dumps(WHOLE | {"port": []}), "is damaged"),
        (json.dumps(WHOLE | {"credentials": "x"}), "is damaged"),
    ],
)
def test_a_state_that_cannot_be_read_is_one_line_and_stays_as_it_is(tmp_path: Path, content: str, says: str) -> None:
    folder = written(tmp_path / "state", content)
    with pytest.raises(UnusableState, match=says) as refused:
        begin(folder)
    assert "\n" not in str(refused.value)
    assert str(folder) in str(refused.value)
    assert "delete the folder to begin anew" in str(refused.value)
    assert (folder / STATE_FILE).read_text() == content


@pytest.mark.parametrize("damage", [Path.unlink, lambda path: path.write_bytes(b"other")])
def test_an_object_that_is_gone_or_has_changed_is_named(tmp_path: Path, damage: Callable[[Path], object]) -> None:
    with opened(tmp_path / "state") as folder:
        name = folder.put_object(b"whole")
        assert folder.object(name) == b"whole"
        damage(folder.path / OBJECTS / name)
        with pytest.raises(UnusableState, match=f"is damaged, objects/{name}"):
            folder.object(name)


def test_contents_that_nothing_names_any_more_are_removed(tmp_path: Path) -> None:
    with opened(tmp_path / "state") as folder:
        old, new = folder.put_object(b"old"), folder.put_object(b"new")
        folder.write(json.dumps(WHOLE), {old, new})
        folder.write(json.dumps(WHOLE), {new})
        assert [path.name for path in (folder.path / OBJECTS).iterdir()] == [new]
        # A stack that was killed between an object and the next state.json leaves one that nothing names.
        folder.put_object(b"lost")
        after = StateFolder(folder.path)
        after.object(new)
        after.forget_unnamed_objects()
        assert [path.name for path in (folder.path / OBJECTS).iterdir()] == [new]


def test_a_state_that_another_stack_uses_is_refused(tmp_path: Path) -> None:
    folder = written(tmp_path / "state")
    with exclusive(folder), pytest.raises(FolderInUse, match=rf"writing to {folder}; .* another folder by --state"):
        begin(folder)


def test_a_folder_with_other_files_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("x")
    tmp_path.chmod(0o755)
    with pytest.raises(UnusableState, match=r"as it has thesis\.txt: name a folder of its own"), opened(tmp_path):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]
    assert tmp_path.stat().st_mode & 0o777 == 0o755


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UnusableState, match=r"can't be kept in .*: Not a directory\."), opened(tmp_path / "file/state"):
        pass


def test_a_state_is_set_aside_in_place_of_the_one_before_it(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    assert set_aside(folder, "--out") is None
    for content in ("first", "second"):
        written(folder, content)
        old = set_aside(folder, "--out")
        assert old == tmp_path / "state.old"
        assert (old / STATE_FILE).read_text() == content
        assert not folder.exists()


def test_a_state_in_use_is_not_set_aside(tmp_path: Path) -> None:
    folder = written(tmp_path / "state")
    with exclusive(folder), pytest.raises(FolderInUse, match="--out"):
        set_aside(folder, "--out")
    assert (folder / STATE_FILE).exists()


def test_what_was_asked_for_comes_before_what_was_kept(tmp_path: Path) -> None:
    with kept(str(written(tmp_path / "state"))) as before:
        assert (before.port(None), before.port(0), before.port(5000)) == (4000, 0, 5000)
    with kept("") as nothing:
        assert (nothing.port(None), nothing.port(5000), nothing.parameters()) == (0, 5000, {})

from pathlib import Path

import pytest

from contracts.files import write_whole, written_whole


@pytest.mark.parametrize(("content", "expected"), [("größe\n", "größe\n".encode()), (b"\x00\xff", b"\x00\xff")])
def test_a_file_is_written_in_folders_that_are_made(tmp_path: Path, content: str | bytes, expected: bytes) -> None:
    path = tmp_path / "a" / "new" / "folder" / "file"
    assert write_whole(path, content) == path
    assert path.read_bytes() == expected
    assert list(path.parent.iterdir()) == [path]


def test_a_file_that_breaks_off_leaves_what_was_there(tmp_path: Path) -> None:
    path = write_whole(tmp_path / "file", "before")

    def torn() -> None:
        with written_whole(path) as part:
            part.write_text("half")
            raise ConnectionError

    with pytest.raises(ConnectionError):
        torn()
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]

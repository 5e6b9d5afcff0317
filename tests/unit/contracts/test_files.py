import subprocess
import sys
from pathlib import Path

import pytest

from contracts.files import NAME_BYTES, UnsafeName, below, write_whole, written_whole
from tests.conftest import ROOT


@pytest.mark.parametrize(
    "name", ["a", "a.png", "a/b/c", "..a", "a..", "...", ".hidden", "ä b+%(1).png", "12:30:00.png", "é" * 127]
)
def test_a_name_or_a_key_is_a_path_in_the_folder(tmp_path: Path, name: str) -> None:
    path = below(tmp_path, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    assert path == tmp_path / name
    assert path.resolve().is_relative_to(tmp_path.resolve())


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        "/",
        "/etc/passwd",
        "../a",
        "a/../../b",
        "a/..",
        "a/./b",
        "a//b",
        "a/",
        "C:",
        "c:a",
        "C:/a",
        "a/C:/b",
        "..\\a",
        "\\\\host\\share",
        "a\\b",
        "a\0b",
        "\0",
        "a\nb",
        "a\x1b[2J",
        "a\x7f",
        "a\x9b2J",
        "\ud800",
        "x" * (NAME_BYTES + 1),
        "é" * 128,
    ],
    ids=ascii,
)
def test_a_name_that_could_lead_elsewhere_is_refused_in_one_line(tmp_path: Path, name: str) -> None:
    with pytest.raises(UnsafeName, match=r"^[^\x00-\x1f\ud800-\udfff]{1,700}$"):
        below(tmp_path, name)


def test_a_name_may_have_as_many_bytes_as_a_file_system_takes(tmp_path: Path) -> None:
    below(tmp_path, "x" * NAME_BYTES).touch()
    assert [path.name for path in tmp_path.iterdir()] == ["x" * NAME_BYTES]


@pytest.mark.parametrize(("content", "expected"), [("größe\n", "größe\n".encode()), (b"\x00\xff", b"\x00\xff")])
def test_a_file_is_written_in_folders_that_are_made(tmp_path: Path, content: str | bytes, expected: bytes) -> None:
    path = tmp_path / "a" / "new" / "folder" / "file"
    assert write_whole(path, content) == path
    assert path.read_bytes() == expected
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.drill("Torn files and full disks")
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


@pytest.mark.drill("Torn files and full disks")
def test_a_line_that_the_disk_has_no_space_for_leaves_the_lines_before_it(tmp_path: Path) -> None:
    # A file may grow to 100 bytes here, so that a line of 80 is written in part before it is refused.
    program = (
        "import resource, sys; from pathlib import Path; from contracts.files import append_whole;"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100, resource.RLIM_INFINITY));"
        "[append_whole(Path(sys.argv[1]), line) for line in (b'1' * 49 + b'\\n', b'2' * 79 + b'\\n')]"
    )
    path = tmp_path / "lines"
    ended = subprocess.run([sys.executable, "-c", program, str(path)], cwd=ROOT, capture_output=True, check=False)
    assert b"File too large" in ended.stderr
    assert path.read_bytes() == b"1" * 49 + b"\n"

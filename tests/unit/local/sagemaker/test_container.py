"""Programs are found in their folder alone and led nowhere else, and archives unpack into theirs alone."""

import io
import json
import subprocess
import tarfile
from pathlib import Path

import pytest

from local.sagemaker.container import BadModelArchive, ProgramNotFound, end, pack, program_of, start, unpack


def member(name: str, kind: bytes = tarfile.REGTYPE, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def archive(path: Path, *members: tarfile.TarInfo) -> Path:
    with tarfile.open(path, "w:gz") as tar:
        for one in members:
            one.size = 4 if one.isfile() else 0
            tar.addfile(one, io.BytesIO(b"evil") if one.isfile() else None)
    return path


@pytest.fixture
def algorithms(tmp_path: Path) -> Path:
    """A folder with the program `known`, and a program beside it that no image may name."""
    for folder in ("algorithms/known", "algorithms", "."):
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        (tmp_path / folder / "train.py").touch()
    return tmp_path / "algorithms"


@pytest.mark.parametrize("image", ["known", "known:latest", "1.dkr.ecr.us-east-1.amazonaws.com/a/known@sha256:00"])
def test_an_images_program_has_the_name_of_its_repository(algorithms: Path, image: str) -> None:
    assert program_of(image, algorithms) == algorithms / "known"


@pytest.mark.parametrize(
    "image",
    [
        "..",
        ".",
        "",
        "a/..",
        "../..",
        "a/..:latest",
        "registry/.@sha256:00",
        "a/",
        ":latest",
        "known\\..\\..",
        "..\\",
        "a\0b",
    ],
    ids=ascii,
)
def test_an_image_whose_name_leads_out_of_the_folder_has_no_program(algorithms: Path, image: str) -> None:
    with pytest.raises(ProgramNotFound):
        program_of(image, algorithms)


def test_an_archive_that_was_packed_is_unpacked_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "model/inner").mkdir(parents=True)
    (tmp_path / "model/inner/weights").write_bytes(b"weights")
    pack(tmp_path / "model", tmp_path / "model.tar.gz")
    unpack(tmp_path / "model.tar.gz", tmp_path / "out")
    assert (tmp_path / "out/inner/weights").read_bytes() == b"weights"


def test_an_archive_of_the_folder_itself_is_unpacked_too(tmp_path: Path) -> None:
    packed = archive(tmp_path / "m.tar.gz", member("./", tarfile.DIRTYPE), member("./a"), member("./b/c"))
    unpack(packed, tmp_path / "out")
    assert {str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*")} == {"a", "b", "b/c"}


@pytest.mark.parametrize(
    "members",
    [
        [member("../evil")],
        [member("a/../../evil")],
        [member("/tmp/evil")],  # noqa: S108
        [member("C:evil")],
        [member("..\\evil")],
        [member("a\nb")],
        [member("x" * 256)],
        [member("link", tarfile.SYMTYPE, "/"), member("link/evil")],
        [member("link", tarfile.SYMTYPE, "inside")],
        [member("link", tarfile.LNKTYPE, "inside")],
        [member("link", tarfile.LNKTYPE, "/etc/passwd")],
        [member("pipe", tarfile.FIFOTYPE)],
        [member("disk", tarfile.BLKTYPE)],
        [member("null", tarfile.CHRTYPE)],
        [member("good"), member("good/below a file")],
    ],
    ids=lambda members: f"{members[-1].name[:20]!r} {members[-1].type!r}",
)
def test_an_archive_with_anything_but_files_inside_is_refused_and_leaves_nothing(
    tmp_path: Path, members: list[tarfile.TarInfo]
) -> None:
    packed = archive(tmp_path / "model.tar.gz", *members)
    with pytest.raises(BadModelArchive, match=r"^The model's archive model\.tar\.gz can't be unpacked: .+$"):
        unpack(packed, tmp_path / "a/model")
    assert {path for path in tmp_path.rglob("*") if path.is_file()} == {packed}
    assert not (tmp_path / "a/model").exists()


@pytest.mark.parametrize("content", [b"", b"no archive", b"\x1f\x8b\x08\0\0\0\0\0\0\x03\xff\xff\xff"], ids=ascii)
def test_what_is_no_archive_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "model.tar.gz").write_bytes(content)
    with pytest.raises(BadModelArchive):
        unpack(tmp_path / "model.tar.gz", tmp_path / "model")


def test_a_program_gets_the_variables_of_its_request_but_the_stacks_own_folder(tmp_path: Path) -> None:
    program = tmp_path / "train.py"
    program.write_text("import json, os; print(json.dumps(dict(os.environ)))")
    asked = {"MODEL_NAME": "any", "SAGEMAKER_BASE_DIR": "/elsewhere"}
    process = start(program, tmp_path / "ml", asked, subprocess.PIPE)
    assert process.stdout is not None
    given = json.loads(process.stdout.read())
    process.stdout.close()
    end(process)
    assert given["MODEL_NAME"] == "any"
    assert given["SAGEMAKER_BASE_DIR"] == str(tmp_path / "ml")
    assert not [name for name in given if name.startswith("AWS_")]

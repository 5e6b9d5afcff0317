import gzip
import io
import os
import pickle
import struct
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.conftest import ROOT
from tests.unit.training.cifar_archives import Calls, members, python2_split, random_rows, write_archive
from training.datasets import cifar
from training.datasets.collection import pixels_of
from training.datasets.unpickler import RowsUnpickler
from training.errors import ArchiveError, UnknownClassError


def test_rows_of_the_classes_asked_for_become_images_colour_by_colour(tmp_path: Path) -> None:
    archive = write_archive(tmp_path / "a.tar.gz")

    collection = cifar.collect(archive, "somewhere", ("motorcycle", "bicycle"), 32)

    assert collection.table["class"].tolist() == ["bicycle", "motorcycle"] * 6
    assert collection.table["split"].tolist() == ["train"] * 8 + ["test"] * 4
    assert collection.table["file"][0] == "train_s_000001.png"
    row = random_rows(12, 1)[1]
    red, green, blue = row[:1024], row[1024:2048], row[2048:]
    line, column = 5, 9
    pixel = pixels_of(collection.images[0])[line, column]
    assert pixel.tolist() == [plane[line * 32 + column] for plane in (red, green, blue)]


@pytest.mark.parametrize(
    ("max_side", "exact", "side"), [(48, True, 48), (48, False, 32), (224, False, 32), (16, False, 16)]
)
def test_images_are_enlarged_only_where_a_size_is_asked_for_exactly(
    tmp_path: Path, max_side: int, exact: bool, side: int
) -> None:
    archive = write_archive(tmp_path / "a.tar.gz")
    collection = cifar.collect(archive, "somewhere", ("apple", "bicycle"), max_side, exact=exact)

    assert [pixels_of(image).shape for image in collection.images] == [(side, side, 3)] * 12


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_an_array_pickled_by_any_numpy_is_read_if_it_calls_for_nothing_else(protocol: int) -> None:
    content = {b"fine_labels": [0], b"data": np.zeros((1, 3072), np.uint8)}
    data = pickle.dumps(content, protocol=protocol)

    unpickler = RowsUnpickler(io.BytesIO(data), encoding="bytes")

    if protocol in (3, 4):
        assert unpickler.load()[b"data"].rows.shape == (1, 3072)
    else:  # Protocol 2 holds bytes as a call of _codecs.encode, protocol 5 arrays as one of numpy's _frombuffer.
        with pytest.raises(ArchiveError, match=r"_codecs\.encode|_frombuffer"):
            unpickler.load()


@pytest.mark.parametrize(
    ("call", "named"),
    [
        ((os.system, "touch {}"), r"posix\.system"),
        ((eval, "open('{}', 'w')"), r"__builtin__\.eval"),
        ((subprocess.Popen, ["touch", "{}"]), r"\.Popen"),
        ((np.fromfile, "{}"), r"numpy\.fromfile"),
    ],
)
@pytest.mark.drill("Hostile files")
def test_a_foreign_global_is_refused_and_not_run(tmp_path: Path, call: tuple[Any, ...], named: str) -> None:
    touched = tmp_path / "touched"
    arguments = [[part.format(touched) for part in a] if isinstance(a, list) else a.format(touched) for a in call[1:]]
    forged = pickle.dumps({"data": Calls(call[0], *arguments)}, protocol=2)

    with pytest.raises(ArchiveError, match=named):
        cifar.read(write_archive(tmp_path / "a.tar.gz", members(train=forged)))

    assert not touched.exists()


@pytest.mark.parametrize(
    "data",
    [
        b"cnumpy.core.multiarray\n_reconstruct\n}U\x0b__setstate__Nsb.",  # Changes the stand-in itself.
        b"cnumpy\nndarray\n)R.",
        b"cnumpy\ndtype\n)R.",
        b"cnumpy.core.multiarray\n_reconstruct\n)R)b.",
        b"r\xff\xff\xff\xff.",
        b"(dU\x01ah]s.",
        b"}]Ns.",  # An unhashable key.
        b"",
        b"garbage",
        b"N.",
    ],
)
def test_a_pickle_that_is_not_what_it_should_be_is_refused(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(ArchiveError):
        cifar.read(write_archive(tmp_path / "a.tar.gz", members(train=b"\x80\x02" + data)))

    assert cifar.read(write_archive(tmp_path / "b.tar.gz")).splits["train"].pixels.shape == (12, 3072)


@pytest.mark.parametrize(
    "train",
    [
        python2_split(random_rows(2), [1, 2], [b"a", b"b"], dtype=b"O8"),
        python2_split(random_rows(2), [1, 2], [b"a", b"b"], dtype=b"f8"),
        python2_split(random_rows(2), [1, 2], [b"a", b"b"], column_major=True),
        python2_split(random_rows(2)[:, :3000], [1, 2], [b"a", b"b"]),
        python2_split(random_rows(2), [1], [b"a", b"b"]),
        python2_split(random_rows(2), [1, 2], [b"a"]),
        python2_split(random_rows(2), [1, 3], [b"a", b"b"]),
        pickle.dumps({b"data": 1}, protocol=2),
        pickle.dumps({b"data": [1], b"fine_labels": [1], b"filenames": []}, protocol=2),
    ],
    ids=[
        "objects",
        "floats",
        "column by column",
        "short rows",
        "few labels",
        "few names",
        "no such label",
        "no array",
        "a list",
    ],
)
def test_a_split_that_does_not_fit_together_is_refused(tmp_path: Path, train: bytes) -> None:
    with pytest.raises(ArchiveError):
        cifar.read(write_archive(tmp_path / "a.tar.gz", members(train=train)))


@pytest.mark.parametrize("part", [0.0, 0.01, 0.1, 0.5, 0.9, 0.99, 0.9999])
@pytest.mark.drill("Torn files and full disks")
def test_a_truncated_archive_is_refused(tmp_path: Path, part: float) -> None:
    whole = write_archive(tmp_path / "whole.tar.gz").read_bytes()
    truncated = tmp_path / "truncated.tar.gz"
    truncated.write_bytes(whole[: int(part * len(whole))])

    with pytest.raises(ArchiveError, match=r"truncated\.tar\.gz"):
        cifar.read(truncated)


@pytest.mark.parametrize("part", [0.001, 0.3, 0.6, 0.9, 1.0])
def test_a_changed_byte_is_noticed(tmp_path: Path, part: float) -> None:
    data = bytearray(write_archive(tmp_path / "a.tar.gz").read_bytes())
    data[int(part * (len(data) - 6))] ^= 0x55  # The last four bytes are the length, before them stands the CRC.
    (tmp_path / "a.tar.gz").write_bytes(data)

    with pytest.raises(ArchiveError):
        cifar.read(tmp_path / "a.tar.gz")


def test_an_archive_without_a_split_is_refused(tmp_path: Path) -> None:
    contents = members()
    del contents["test"]

    with pytest.raises(ArchiveError, match="lacks cifar-100-python/test"):
        cifar.read(write_archive(tmp_path / "a.tar.gz", contents))


@pytest.mark.parametrize(
    "name",
    ["/etc/passwd", "../escape", "cifar-100-python/../../escape", "elsewhere/train", "cifar-100-python/a/b"],
)
@pytest.mark.drill("Hostile files")
def test_a_foreign_member_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ArchiveError, match="has no place"):
        cifar.read(write_archive(tmp_path / "a.tar.gz", None, tarfile.TarInfo(name)))


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE])
def test_a_member_that_is_no_file_is_refused(tmp_path: Path, kind: bytes) -> None:
    member = tarfile.TarInfo("cifar-100-python/link")
    member.type, member.linkname = kind, "train"

    with pytest.raises(ArchiveError, match="has no place"):
        cifar.read(write_archive(tmp_path / "a.tar.gz", None, member))


def test_a_second_member_of_one_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match="twice"):
        cifar.read(write_archive(tmp_path / "a.tar.gz", None, tarfile.TarInfo("cifar-100-python/train")))


def test_an_enormous_member_is_refused_by_its_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cifar, "MEMBER_BYTES", 20_000)

    with pytest.raises(ArchiveError, match="20,000 is the most"):
        cifar.read(write_archive(tmp_path / "a.tar.gz"))


def test_the_editor_backup_in_the_official_archive_is_passed_over(tmp_path: Path) -> None:
    archive = write_archive(tmp_path / "a.tar.gz", None, tarfile.TarInfo("cifar-100-python/file.txt~"))

    assert cifar.read(archive).classes == ("apple", "bicycle", "motorcycle")


@pytest.mark.parametrize(
    "content", [b"", b"not an archive", gzip.compress(b"not a tar", mtime=0), gzip.compress(b"", mtime=0)]
)
def test_a_file_that_is_no_archive_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.tar.gz").write_bytes(content)

    with pytest.raises(ArchiveError, match=r"a\.tar\.gz"):
        cifar.read(tmp_path / "a.tar.gz")


def test_a_missing_archive_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match=r"there is no archive at .*a\.tar\.gz"):
        cifar.read(tmp_path / "a.tar.gz")


def test_a_folder_in_the_archives_place_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match=r"not a \.tar\.gz archive"):
        cifar.read(tmp_path)


def test_an_unknown_class_is_answered_with_close_names(tmp_path: Path) -> None:
    with pytest.raises(UnknownClassError, match=r"'motorbike'.* motorcycle$"):
        cifar.collect(write_archive(tmp_path / "a.tar.gz"), "somewhere", ("bicycle", "motorbike"), 32)


def peak_megabytes(path: Path) -> tuple[str, int]:
    """Read an archive in a process of its own; return what it says, and the most memory that it took."""
    code = (
        "import sys; from pathlib import Path; from tests.memory import peak_memory\n"
        "from training.datasets import cifar; from training.errors import ArchiveError\n"
        "before = peak_memory()\n"
        "try: cifar.read(Path(sys.argv[1]))\n"
        "except ArchiveError as error: print(error)\n"
        "print((peak_memory() - before) // 1_000_000)\n"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True, cwd=ROOT
    )
    *said, peak = answer.stdout.splitlines()
    return "\n".join(said), int(peak)


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        (b"]" * 20_000_000, "opcodes EMPTY_LIST"),
        (b"\x8f" * 20_000_000, "an opcode EMPTY_SET"),
        (b"K\x01" * 10_000_000, "opcodes BININT1"),
        (b")" + b"\x85" * 20_000_000, "opcodes TUPLE1"),
        (b"Nr\xff\xff\xff\x7f", "more memory than it has bytes"),
        (b"X" + struct.pack("<I", 20_000_000) + b"a" * 19_999_996 + "\U0001f6b2".encode(), "a text of more than"),
    ],
    ids=["lists", "sets", "numbers", "nested tuples", "a far memo", "a wide text"],
)
@pytest.mark.drill("Hostile files")
def test_a_pickle_cannot_take_far_more_memory_than_it_has_bytes(tmp_path: Path, body: bytes, complaint: str) -> None:
    path = write_archive(tmp_path / "cifar.tar.gz", members(train=b"\x80\x02" + body + b"."))
    said, peak = peak_megabytes(path)
    assert complaint in said
    # Eight times the largest of them.
    assert peak < 8 * 20


@pytest.mark.drill("Hostile files")
def test_an_archive_that_goes_on_after_its_members_is_read_no_further_than_its_bound(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_archive(tmp_path / "cifar.tar.gz")
    size = len(gzip.decompress(path.read_bytes()))
    monkeypatch.setattr(cifar, "ARCHIVE_BYTES", size + (1 << 20))
    cifar.read(path)
    with path.open("ab") as file:
        file.write(gzip.compress(bytes(10_000_000)))
    with pytest.raises(ArchiveError, match="unpacks to more than"):
        cifar.read(path)


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME])
def test_a_header_of_gigabytes_takes_no_memory(tmp_path: Path, kind: bytes) -> None:
    header = tarfile.TarInfo("cifar-100-python/train")
    header.type, header.size = kind, 8_000_000_000
    path = tmp_path / "cifar.tar.gz"
    path.write_bytes(gzip.compress(header.tobuf(tarfile.GNU_FORMAT) + bytes(100_000_000)))
    said, peak = peak_megabytes(path)
    assert "unpacks to more than" in said
    assert peak < 60

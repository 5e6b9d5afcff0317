"""Run the program of a container image as a process, and pack and unpack its model."""

import gzip
import os
import shutil
import subprocess
import sys
import tarfile
import zlib
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import IO

from contracts.files import UnsafeName, below
from local import supervisor
from local.errors import LocalError


class ProgramNotFound(LocalError):
    """The repository has no program for the image."""


class BadModelArchive(LocalError):
    """The model's archive can't be unpacked."""


def program_of(image: str, algorithms: Path) -> Path:
    """Return the folder of an image's program, which is named as the image's repository."""
    name = image.rsplit("/", 1)[-1].split(":", 1)[0].split("@", 1)[0]
    try:
        folder = below(algorithms, name)
    except UnsafeName as error:
        raise ProgramNotFound(f"The image {image!r} has no name that a program can have: {error}") from error
    if not (folder / "train.py").is_file():
        raise ProgramNotFound(f"The image {image} trains and serves only on AWS: the repository has no program {name}.")
    return folder


def start(program: Path, base: Path, extra: Mapping[str, str], output: int | IO[bytes]) -> "subprocess.Popen[bytes]":
    """Start a program with `base` in place of /opt/ml and its output sent to `output`.

    It ends when this process does.
    """
    environment = {
        "PATH": os.environ["PATH"],
        "LANG": "C.UTF-8",
        "PYTHONUNBUFFERED": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    environment |= dict(extra) | {"SAGEMAKER_BASE_DIR": str(base)}
    return subprocess.Popen(
        [sys.executable, supervisor.__file__, sys.executable, str(program)],
        cwd=program.parent,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=output,
        stderr=subprocess.STDOUT,
    )


def end(process: "subprocess.Popen[bytes]") -> None:
    """End a program and what it started, after the supervisor's grace period at the latest."""
    if process.stdin:
        process.stdin.close()
    try:
        process.wait(supervisor.GRACE_SECONDS + 2)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def unpack(archive: Path, folder: Path) -> None:
    """Unpack a model.tar.gz; raise BadModelArchive where it is damaged, or has more than files and folders inside."""
    try:
        with tarfile.open(archive) as tar:
            tar.extractall(folder, filter=_checked)  # noqa: S202 - the filter lets nothing out of the folder
    except (tarfile.TarError, OSError, EOFError, zlib.error, UnsafeName) as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise BadModelArchive(f"The model's archive {archive.name} can't be unpacked: {error}") from error


def _checked(member: tarfile.TarInfo, folder: str) -> tarfile.TarInfo:
    """Refuse whatever isn't a file or folder inside; links too, by which Python's own filter has been led astray."""
    if not (member.isfile() or member.isdir()):
        raise UnsafeName(f"{member.name!r} is neither a file nor a folder.")
    # Archives of a whole folder begin with `./`.
    if inside := PurePosixPath(member.name).parts:
        below(Path(folder), "/".join(inside))
    return tarfile.data_filter(member, folder)


def pack(folder: Path, archive: Path) -> None:
    """Write a model.tar.gz whose bytes depend only on the files: sorted, without times and owners."""

    def neutral(member: tarfile.TarInfo) -> tarfile.TarInfo:
        member.mtime = member.uid = member.gid = 0
        member.uname = member.gname = ""
        member.mode = 0o755 if member.isdir() else 0o644
        return member

    with (
        archive.open("wb") as raw,
        gzip.GzipFile(filename="", fileobj=raw, mode="wb", mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w") as tar,
    ):
        for path in sorted(folder.rglob("*")):
            tar.add(path, str(path.relative_to(folder)), recursive=False, filter=neutral)

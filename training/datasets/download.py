"""Fetch a known file from any of its hosts, resumed where it broke off and checked before it gets its name."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import requests
from rich.progress import Progress

from training.errors import ArchiveError

CHUNK_BYTES = 1 << 18
TIMEOUT_SECONDS = 30


@dataclass(frozen=True)
class RemoteFile:
    """A file known by its size in bytes and its SHA-256, and the addresses where it can be had, best first."""

    name: str
    size: int
    sha256: str
    urls: tuple[str, ...]


# The first address redirects to the second, which some networks don't follow.
CIFAR100 = RemoteFile(
    name="cifar-100-python.tar.gz",
    size=169_001_437,
    sha256="85cd44d02ba6437773c5bbd22e183051d648de2e7d6b014e1ef29b855ba677a7",
    urls=(
        "https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz",
        "https://cave.cs.toronto.edu/kriz/cifar-100-python.tar.gz",
    ),
)


def check(remote: RemoteFile, path: Path) -> None:
    """Compare a local copy's checksum with the one expected.

    Raises:
        ArchiveError: it is another file; the message names both checksums.
    """
    if (found := sha256(path)) != remote.sha256:
        raise ArchiveError(
            f"{path} is not the official {remote.name}: its SHA-256 is {found}, not {remote.sha256} "
            "(--no-verify takes it as it is)"
        )


def fetch(remote: RemoteFile, cache: Path) -> Path:
    """Give the path of the file below `cache`, downloading it if it isn't there.

    What came before a break is kept in `<name>.part`, and the next host, or the next call, goes on from there.

    Raises:
        ArchiveError: no host gave the whole file, or what came isn't it.
    """
    path, part = cache / remote.name, cache / f"{remote.name}.part"
    if path.exists():
        return path
    cache.mkdir(parents=True, exist_ok=True)
    failures = []
    for url in remote.urls:
        try:
            _complete(remote, url, part)
        except (requests.RequestException, ArchiveError) as error:
            failures.append(f"{url} {_reason(error)}")
        else:
            return part.rename(path)
    raise ArchiveError(
        f"{remote.name} could not be downloaded: {'; '.join(failures)}. Without a network, copy the file from another "
        "machine and name it with --archive PATH."
    )


def _reason(error: Exception) -> str:
    # Of a host that isn't reached requests says much and nothing that helps.
    if isinstance(error, requests.ConnectionError | requests.Timeout):
        return "can't be reached"
    return f"fails: {error}"


def _complete(remote: RemoteFile, url: str, part: Path) -> None:
    """Bring `part` to its full size from `url`; drop it if it isn't the file then."""
    begun = part.stat().st_size if part.exists() else 0
    if begun < remote.size:
        _append(remote, url, part, begun)
    if (size := part.stat().st_size) < remote.size:
        raise ArchiveError(f"{size:,} bytes came, not {remote.size:,}")
    if (found := sha256(part)) != remote.sha256:
        part.unlink()
        raise ArchiveError(f"what came has the SHA-256 {found}, not {remote.sha256}")


def _append(remote: RemoteFile, url: str, part: Path, begun: int) -> None:
    """Add what comes after the first `begun` bytes, or begin again if the host can't resume."""
    headers = {"Range": f"bytes={begun}-"} if begun else {}
    with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT_SECONDS) as answer:
        answer.raise_for_status()
        resumed = answer.status_code == requests.codes.partial_content
        with part.open("ab" if resumed else "wb") as file, Progress(transient=True) as progress:
            bar = progress.add_task(remote.name, total=remote.size, completed=begun if resumed else 0)
            for chunk in answer.iter_content(CHUNK_BYTES):
                file.write(chunk)
                progress.update(bar, advance=len(chunk))
                if file.tell() > remote.size:
                    return


def sha256(path: Path) -> str:
    """Take the SHA-256 of a file, in hexadecimal.

    Raises:
        ArchiveError: there is no such file.
    """
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except (FileNotFoundError, IsADirectoryError) as error:
        raise ArchiveError(f"there is no archive at {path}") from error

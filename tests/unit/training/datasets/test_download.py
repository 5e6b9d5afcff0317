import hashlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import numpy as np
import pytest

from training.datasets.download import RemoteFile, check, fetch
from training.errors import ArchiveError

CONTENT = np.random.default_rng(0).bytes(600_000)


@dataclass
class Host:
    """A web host with faults: it can break off, not know ranges, or have another file."""

    url: str = ""
    content: bytes = CONTENT
    breaks_at: list[int] = field(default_factory=list)  # One for each answer; afterwards it answers in full.
    ranges: bool = True
    status: int = 200
    asked: list[str | None] = field(default_factory=list)


@pytest.fixture
def host() -> Iterator[Host]:
    state = Host()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = self.headers["Range"]
            state.asked.append(asked)
            begun = int(asked.removeprefix("bytes=").removesuffix("-")) if asked and state.ranges else 0
            body = state.content[begun:]
            self.send_response(206 if begun and state.status == 200 else state.status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            with suppress(ConnectionError):  # The client hangs up when it has seen enough.
                self.wfile.write(body[: state.breaks_at.pop(0) if state.breaks_at else None])

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        state.url = f"http://127.0.0.1:{server.server_port}/file"
        yield state
        server.shutdown()
        thread.join()


def remote(*urls: str) -> RemoteFile:
    return RemoteFile("file.tar.gz", len(CONTENT), hashlib.sha256(CONTENT).hexdigest(), urls)


def test_a_file_is_downloaded_once_and_kept(host: Host, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    assert fetch(remote(host.url), cache).read_bytes() == CONTENT
    assert fetch(remote(host.url), cache).read_bytes() == CONTENT

    assert host.asked == [None]
    assert [path.name for path in cache.iterdir()] == ["file.tar.gz"]


@pytest.mark.drill("Slow and cut connections")
def test_a_broken_download_goes_on_where_it_broke_off(host: Host, tmp_path: Path) -> None:
    host.breaks_at = [400_000]

    assert fetch(remote(host.url, host.url), tmp_path).read_bytes() == CONTENT
    assert len(host.asked) == 2
    begun = int((host.asked[1] or "").removeprefix("bytes=").removesuffix("-"))
    assert 0 < begun <= 400_000


@pytest.mark.drill("Slow and cut connections")
def test_the_next_call_resumes_what_the_last_one_left(host: Host, tmp_path: Path) -> None:
    host.breaks_at = [400_000]
    with pytest.raises(ArchiveError, match="could not be downloaded"):
        fetch(remote(host.url), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["file.tar.gz.part"]

    assert fetch(remote(host.url), tmp_path).read_bytes() == CONTENT
    assert host.asked[1] is not None


def test_a_host_that_cannot_resume_starts_again(host: Host, tmp_path: Path) -> None:
    host.ranges = False
    (tmp_path / "file.tar.gz.part").write_bytes(b"x" * 1000)

    assert fetch(remote(host.url), tmp_path).read_bytes() == CONTENT


def test_the_second_host_is_tried_when_the_first_is_gone(host: Host, tmp_path: Path) -> None:
    assert fetch(remote("http://127.0.0.1:9/closed", host.url), tmp_path).read_bytes() == CONTENT


def test_a_part_that_is_already_whole_needs_no_host(tmp_path: Path) -> None:
    (tmp_path / "file.tar.gz.part").write_bytes(CONTENT)

    assert fetch(remote("http://127.0.0.1:9/closed"), tmp_path).read_bytes() == CONTENT


@pytest.mark.parametrize("content", [bytes(len(CONTENT)), CONTENT + b"more"], ids=["other", "longer"])
@pytest.mark.drill("Slow and cut connections")
def test_another_file_is_dropped_and_never_gets_the_name(host: Host, tmp_path: Path, content: bytes) -> None:
    host.content = content

    with pytest.raises(ArchiveError, match="SHA-256"):
        fetch(remote(host.url), tmp_path)

    assert list(tmp_path.iterdir()) == []


def test_every_host_that_failed_is_named(host: Host, tmp_path: Path) -> None:
    host.status = 404

    with pytest.raises(ArchiveError, match=r"closed can.t be reached; .*404"):
        fetch(remote("http://127.0.0.1:9/closed", host.url), tmp_path)


def test_a_local_copy_that_is_another_file_is_refused_with_both_checksums(tmp_path: Path) -> None:
    path = tmp_path / "copy.tar.gz"
    path.write_bytes(b"another")
    found = hashlib.sha256(b"another").hexdigest()

    with pytest.raises(ArchiveError, match=f"{found}, not {remote().sha256} .*--no-verify"):
        check(remote(), path)

    path.write_bytes(CONTENT)
    check(remote(), path)

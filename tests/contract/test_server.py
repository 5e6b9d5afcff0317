"""The local stack's own process: a start that fails is one line in its log, and leaves nothing behind."""

import socket
import tempfile
from pathlib import Path

import pytest

from local.launch import LOG, StackNotStarted, running
from local.stack import Options


def failed_start(options: Options) -> str:
    """Start a stack that can't run, and return its log."""
    with pytest.raises(StackNotStarted, match=LOG), running(options):
        pass
    return (Path(options.logs) / LOG).read_text()


@pytest.mark.drill("Two at once")
def test_a_port_that_is_taken_is_one_line_in_the_log(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        log = failed_start(Options(logs=str(tmp_path), port=port))
    assert log == f"The stack can't listen on 127.0.0.1, port {port}: Address already in use.\n"


def test_a_deployment_that_fails_ends_everything_that_was_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.setenv("TMPDIR", str(work))
    monkeypatch.setattr(tempfile, "tempdir", None)
    log = failed_start(Options(logs=str(tmp_path), parameters={"NoSuchParameter": "1"}))
    assert log.startswith("template.yaml has no parameter NoSuchParameter")
    assert log.count("\n") == 1
    assert not list(work.iterdir())

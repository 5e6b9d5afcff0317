"""The local stack's own process: a start that fails is one line for the user and its log, and leaves nothing behind."""

import socket
import tempfile
from pathlib import Path

import pytest

from local.launch import LOG, StackNotStarted, running
from local.stack import Options


def failed_start(options: Options) -> str:
    """Start a stack that can't run, and return the reason, which its log has too."""
    with pytest.raises(StackNotStarted) as refused, running(options):
        pass
    reason = str(refused.value).removeprefix("The local stack didn't start: ")
    assert (Path(options.logs) / LOG).read_text() == f"{reason}\n"
    return reason


@pytest.mark.drill("Two at once")
def test_a_port_that_is_taken_is_one_line_in_the_log(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        reason = failed_start(Options(logs=str(tmp_path), port=port))
    assert reason == (
        f"The stack can't listen on 127.0.0.1, port {port}: Address already in use; choose another by --port, or any "
        "free one by --port 0."
    )


def test_a_deployment_that_fails_ends_everything_that_was_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.setenv("TMPDIR", str(work))
    monkeypatch.setattr(tempfile, "tempdir", None)
    reason = failed_start(Options(logs=str(tmp_path), parameters={"NoSuchParameter": "1"}))
    assert reason.startswith("template.yaml has no parameter NoSuchParameter")
    assert not list(work.iterdir())

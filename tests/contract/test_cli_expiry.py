"""`workflow deploy --expires` as a user calls it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from local import stack
from tests.commands import workflow
from tests.containers import model_of
from tests.contract.serving import kinds
from tests.contract.test_cli_sagemaker import only_line
from training.model import MODEL_FILE
from training.sagemaker.expiry import expiry_of
from training.sagemaker.stacks import DEFAULT_ENDPOINT
from training.teardown import list_resources, teardown


@pytest.fixture
def out(programs: stack.Running, tmp_path: Path) -> Iterator[str]:
    """A folder with the record of a model; only what a test deploys for the app stack's endpoint is there."""
    assert programs.pid
    teardown(list_resources(DEFAULT_ENDPOINT))
    model_of("mirror_ridge").write(tmp_path / MODEL_FILE)
    yield str(tmp_path)
    teardown(list_resources(DEFAULT_ENDPOINT))


def test_an_expiry_is_made_kept_moved_and_cancelled(out: str, capsys: pytest.CaptureFixture[str]) -> None:
    def told(*options: str) -> str:
        assert workflow("deploy", "--out", out, *options) == 0
        return capsys.readouterr().out

    assert "expires" not in told()
    assert ", in 7 h 59 min" in told("--expires", "8h")
    at = expiry_of(DEFAULT_ENDPOINT)
    assert at is not None
    assert timedelta(hours=7, minutes=59) < at - datetime.now(UTC) <= timedelta(hours=8)
    assert f"It expires at {at:%Y-%m-%d %H:%M} UTC, in 7 h 59 min" in told()
    assert ", in 9 d 23 h" in told("--expires", "10d")
    assert "expires" not in told("--expires", "never")
    assert kinds(DEFAULT_ENDPOINT) == ["endpoint", "endpoint configuration", "model"]


def test_a_teardown_lists_and_deletes_the_expiry(out: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert workflow("deploy", "--out", out, "--expires", "1d") == 0
    capsys.readouterr()
    assert workflow("teardown", "--yes") == 0
    shown = capsys.readouterr().out
    assert shown.splitlines()[1].startswith("expiry")
    assert "4 deleted" in shown


def test_an_endpoint_that_no_app_stack_can_delete_is_not_deployed(out: str, capsys: pytest.CaptureFixture[str]) -> None:
    deploying = ("deploy", "--out", out, "--expires", "8h")
    assert workflow(*deploying, "--endpoint", "other") == 1
    assert f"may delete its own endpoint only, {DEFAULT_ENDPOINT}" in only_line(capsys)
    # Everything else is given, as before there is an app stack.
    given = ("--endpoint", "other", "--bucket", stack.BUCKET, "--role", stack.ROLE_ARN)
    assert workflow(*deploying, *given, "--stack", "missing") == 1
    line = only_line(capsys)
    assert "There is no stack missing" in line
    assert "deploy it first, or deploy without --expires and repeat the command with it" in line
    # The data stack has outputs, but none of an expiry.
    assert workflow(*deploying, *given, "--stack", "image-classification-data") == 1
    assert "no output ExpireEndpointArn" in only_line(capsys)
    assert kinds("other") == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--expires", "4m"), "5 minutes at least and 365 days at most, or never"),
        (("--expires", "0"), "5 minutes at least and 365 days at most, or never"),
        (("--expires", "366d"), "5 minutes at least and 365 days at most, or never"),
        (("--expires", "soon"), "is not a valid duration"),
        (("--expires", "8h", "--rollback"), "leave --expires out"),
    ],
)
def test_a_time_that_makes_no_sense_is_refused(
    out: str, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], said: str
) -> None:
    assert workflow("deploy", "--out", out, *words) == 2
    assert said in " ".join(capsys.readouterr().err.split())

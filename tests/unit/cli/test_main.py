import importlib.metadata
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import typer.main
from PIL import Image
from typer.testing import CliRunner

import cli
from checks.check import CheckError
from cli.show import INTERRUPTED
from contracts.errors import WorkflowError
from inference.errors import InferenceError
from local import stack
from local.errors import LocalError
from monitoring.errors import MonitoringError
from tests.conftest import ROOT
from tests.processes import bare_environment
from training.errors import TrainingError


@pytest.mark.parametrize(
    "error", [WorkflowError, CheckError, InferenceError, LocalError, MonitoringError, TrainingError, OSError]
)
def test_a_foreseen_error_is_one_line_and_exit_code_1(
    error: type[Exception], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(**_: object) -> None:
        raise error("The bucket is gone;\n  deploy the stack.")

    monkeypatch.setattr(cli, "app", fail)
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert end.value.code == 1
    assert capsys.readouterr() == ("", "workflow: The bucket is gone; deploy the stack.\n")


def test_a_fault_of_the_program_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**_: object) -> None:
        raise KeyError("a fault")

    monkeypatch.setattr(cli, "app", fail)
    with pytest.raises(KeyError, match="a fault"):
        cli.main()


def test_the_version_is_that_of_the_installed_package() -> None:
    printed = CliRunner().invoke(cli.app, ["--version"])
    assert (printed.exit_code, printed.output) == (
        0,
        f"workflow {importlib.metadata.version('image-classification-workflow')}\n",
    )


def test_the_help_has_a_whole_sentence_for_each_verb() -> None:
    printed = CliRunner().invoke(cli.app, ["--help"])
    summaries = printed.output.partition("Commands:\n")[2].splitlines()
    assert len(summaries) == len(typer.main.get_group(cli.app).commands)
    assert all(line.endswith(".") and not line.endswith("...") for line in summaries)


@pytest.mark.parametrize("verb", sorted(typer.main.get_group(cli.app).commands))
def test_the_help_of_a_verb_has_every_option_once_under_a_heading(verb: str) -> None:
    printed = CliRunner().invoke(cli.app, [verb, "--help"], env={"COLUMNS": "80"}).output
    headings = [line for line in printed.splitlines() if line.endswith(":") and not line.startswith((" ", "Usage"))]
    assert headings[-1] == "Output:"
    assert len(headings) == len({*headings})
    for option in typer.main.get_group(cli.app).commands[verb].params:
        if option.param_type_name == "option":
            assert len(re.findall(rf"^  {re.escape(option.opts[0])}(?![\w-])", printed, re.MULTILINE)) == 1, option.name
    assert max(map(len, printed.splitlines())) <= 80


def test_an_interrupt_ends_with_the_code_that_shells_give_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(**_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "app", interrupt)
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert (end.value.code, capsys.readouterr().err) == (130, "Interrupted.\n")


def test_ctrl_c_while_aws_does_not_answer_is_the_end_and_nothing_is_said(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        leading = stack.new_credentials() | {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{silent.getsockname()[1]}"}
        command = [sys.executable, "-m", "cli", "cases", "--bucket", "b", "--out", str(tmp_path)]
        with subprocess.Popen(
            command, cwd=ROOT, env=bare_environment() | leading, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as process:
            connection, _ = silent.accept()
            with connection:
                process.send_signal(signal.SIGINT)
                assert process.communicate() == (b"", b"")
    assert process.returncode == INTERRUPTED


@pytest.mark.parametrize("verb", [[], ["run"], ["costs"]])
def test_a_short_option_asks_for_help(verb: list[str]) -> None:
    printed = CliRunner().invoke(cli.app, [*verb, "-h"])
    assert printed.exit_code == 0
    assert printed.output.startswith("Usage:")


def test_a_program_gets_neither_progress_nor_folded_lines(tmp_path: Path) -> None:
    for label in ("a" * 60, "b" * 60):
        folder = tmp_path / "images" / label
        folder.mkdir(parents=True)
        for number in range(6):
            Image.new("RGB", (32, 32), (number * 40, 0, ord(label[0]))).save(folder / f"{number}.png")
    command = [sys.executable, "-m", "cli", "stage", "--dataset", str(tmp_path / "images"), "--no-upload"]
    done = subprocess.run([*command, "--out", str(tmp_path / "out")], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert all(lines)
    assert any("a" * 60 in line and "b" * 60 in line for line in lines), done.stdout

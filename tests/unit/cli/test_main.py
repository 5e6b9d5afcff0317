import importlib.metadata

import pytest
import typer.main
from typer.testing import CliRunner

import cli
from checks.check import CheckError
from contracts.errors import WorkflowError
from inference.errors import InferenceError
from local.errors import LocalError
from monitoring.errors import MonitoringError
from training.errors import TrainingError


@pytest.mark.parametrize(
    "error", [WorkflowError, CheckError, InferenceError, LocalError, MonitoringError, TrainingError, OSError]
)
def test_a_foreseen_error_is_one_line_and_exit_code_1(
    error: type[Exception], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> None:
        raise error("The bucket is gone;\n  deploy the stack.")

    monkeypatch.setattr(cli, "app", fail)
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert end.value.code == 1
    assert capsys.readouterr() == ("", "workflow: The bucket is gone; deploy the stack.\n")


def test_a_fault_of_the_program_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
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

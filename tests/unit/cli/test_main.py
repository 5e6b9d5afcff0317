import pytest

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

import pytest

from tests.commands import UsageError, in_source, parse, quoted
from tests.conftest import ROOT

PACKAGES = ("checks", "cli", "contracts", "functions", "inference", "local", "monitoring", "training")
SAID = sorted(
    {
        (path.relative_to(ROOT).as_posix(), command)
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        for command in in_source(path)
    }
    | {
        (path.relative_to(ROOT).as_posix(), command)
        for path in ROOT.glob("monitoring/**/*.j2")
        for command in quoted(path.read_text())
    }
)


@pytest.mark.parametrize(("place", "command"), SAID)
def test_each_command_in_a_message_is_one_that_the_command_line_takes(place: str, command: str) -> None:
    assert place
    parse(command)


def test_many_messages_name_a_command() -> None:
    assert len(SAID) > 20
    assert ("monitoring/drift/baseline.py", "workflow baseline") in SAID


@pytest.mark.parametrize("command", ["workflow baseline --name sample", "workflow batch --redrive", "workflow run x"])
def test_a_command_that_does_not_exist_is_found(command: str) -> None:
    with pytest.raises(UsageError):
        parse(command)

"""Where verbs print: results, JSON, and with `--quiet` errors alone."""

import io
import json
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from rich.text import Text

from cli.show import NotConfirmed, confirmed, output, print_json, say, show, table
from contracts.outcomes import Outcome
from tests.commands import workflow


@dataclass(frozen=True)
class Inner:
    path: Path
    share: float


@dataclass(frozen=True)
class Record:
    inner: tuple[Inner, ...]
    when: datetime
    outcome: Outcome


def test_a_record_is_printed_as_json_that_every_program_reads(capsys: pytest.CaptureFixture[str]) -> None:
    print_json(Record((Inner(Path("a/ä"), float("nan")),), datetime(2026, 1, 2, tzinfo=UTC), Outcome.REVIEW))
    said = capsys.readouterr().out
    assert json.loads(said) == {
        "inner": [{"path": "a/ä", "share": None}],
        "when": "2026-01-02T00:00:00+00:00",
        "outcome": "REVIEW",
    }
    assert said.isascii()


def test_what_has_no_form_in_json_is_an_error() -> None:
    with pytest.raises(TypeError, match="object has no form"):
        print_json({"a": object()})


@pytest.mark.parametrize("quiet", [False, True])
def test_with_json_standard_output_holds_nothing_else(quiet: bool, capsys: pytest.CaptureFixture[str]) -> None:
    with output(quiet=quiet, as_json=True):
        say("a notice")
        print("of another module")  # noqa: T201
        print_json({"a": 1})
    printed = capsys.readouterr()
    assert json.loads(printed.out) == {"a": 1}
    assert printed.err == ("" if quiet else "a notice\nof another module\n")


def test_standard_output_is_back_after_an_error() -> None:
    before = sys.stdout
    with pytest.raises(KeyError), output(quiet=True, as_json=False):
        raise KeyError
    assert sys.stdout is before


def test_a_row_of_a_table_is_one_line_for_a_program(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    table(("first", "second"), [("a" * 30, "b " * 30), ("c", "")])
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == ["first", "a" * 30, "c"]


@pytest.mark.parametrize(("no_color", "found"), [("", True), ("1", False)])
def test_colours_are_left_out_where_the_environment_says_so(
    no_color: str, found: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    show(Text("red", style="red"))
    assert capsys.readouterr().out == "red\n"
    # As on a terminal.
    for name, value in (("FORCE_COLOR", "1"), ("TERM", "xterm"), ("NO_COLOR", no_color)):
        monkeypatch.setenv(name, value)
    show(Text("red", style="red"))
    assert ("\x1b[31m" in capsys.readouterr().out) == found


@pytest.mark.parametrize("words", [("--quiet", "costs"), ("costs", "--quiet")])
def test_quiet_goes_before_or_after_the_verb(
    words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert workflow(*words) == 0
    assert capsys.readouterr() == ("", "")
    assert workflow(*words, "--json") == 0
    assert json.loads(capsys.readouterr().out)
    assert workflow("--quiet", "explore") == 1
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_the_command_alone_shows_its_help_and_is_a_mistake(capsys: pytest.CaptureFixture[str]) -> None:
    assert workflow() == 2
    assert capsys.readouterr().err.startswith("Usage: workflow")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("cost",), "workflow: No such command 'cost'. Did you mean 'costs'. See `workflow --help`."),
        (("costs", "--memry", "1"), "workflow: No such option: --memry"),
        (("predict",), "workflow: Missing argument 'sources'. See `workflow predict --help`."),
        (("cases", "--images", "0"), "workflow: Invalid value for '--images': "),
    ],
)
def test_a_wrong_command_line_is_one_line_and_exit_code_2(
    words: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert workflow(*words) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(said)


@pytest.mark.parametrize(("answer", "found"), [("y\n", True), ("Yes\n", True), ("n\n", False), ("\n", False)])
def test_a_question_is_asked_beside_the_output(
    answer: str, found: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(answer))
    assert confirmed("Go?") == found
    assert capsys.readouterr() == ("", "Go? [y/N]: ")


def test_where_nobody_can_answer_the_option_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    with pytest.raises(NotConfirmed, match="--yes"):
        confirmed("Go?")

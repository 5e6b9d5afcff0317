"""`workflow.toml` in the current folder."""

from pathlib import Path

import pytest
import typer.main

import cli
from cli.defaults import DEFAULTS_FILE, KEYS, OTHER_MEANING, default_map, read_defaults
from contracts.errors import WorkflowError
from tests.commands import workflow
from tests.conftest import ROOT


def named(stack: str, *_: object) -> None:
    raise WorkflowError(stack)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def give(folder: Path, text: str) -> None:
    (folder / DEFAULTS_FILE).write_text(text)


def test_each_key_is_the_default_of_that_option_in_every_verb_that_has_it(folder: Path) -> None:
    give(folder, 'bucket = "b"\nout = "results"\nclasses = ["cat", "dog"]\nmax-error = 0.1\nname = "pets"')
    verbs = {name: verb.params for name, verb in typer.main.get_group(cli.app).commands.items()}
    found = default_map(read_defaults(folder / DEFAULTS_FILE), verbs)
    assert found["stage"] == {"classes": "cat,dog", "name": "pets", "bucket": "b", "out": "results"}
    assert found["train"] == {"bucket": "b", "name": "pets", "max_error": 0.1, "out": "results"}
    assert found["demo"]["out"] == "results/demo"
    for verb, key in OTHER_MEANING:
        assert any(f"--{key}" in parameter.opts for parameter in verbs[verb])
        assert key not in found[verb]


def test_every_key_is_the_long_name_of_an_option() -> None:
    names = {
        name for verb in typer.main.get_group(cli.app).commands.values() for one in verb.params for name in one.opts
    }
    assert {f"--{key}" for key in KEYS} <= names
    assert all(f"`{key}`" in (ROOT / "README.md").read_text() for key in KEYS)


def test_the_command_line_goes_before_the_environment_and_that_before_the_file(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def stack_asked_for(*words: str) -> str:
        assert workflow("doctor", "--help", *words) == 0
        return capsys.readouterr().out

    assert "default: image-classification" in " ".join(stack_asked_for().split()).replace("- ", "-")
    give(folder, 'stack = "file"')
    assert "default: file" in stack_asked_for()
    monkeypatch.setattr("checks.status.gather.gather", named)
    for environment, words, found in (
        ("", (), "file"),
        ("variable", (), "variable"),
        ("variable", ("--stack", "option"), "option"),
    ):
        monkeypatch.setenv("WORKFLOW_STACK", environment)
        assert workflow("status", *words) == 1
        assert capsys.readouterr().err == f"workflow: {found}\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('buckets = "b"', "workflow.toml has the unknown key buckets; did you mean bucket?"),
        ('xyz = "b"', "workflow.toml has the unknown key xyz; it may have bucket, role, stack"),
        ("bucket = 1", "workflow.toml: bucket must be a text that isn't empty, in quotes."),
        ('bucket = " "', "bucket must be a text that isn't empty"),
        ('max-error = "0.1"', "max-error must be a number, such as 0.02."),
        ("max-error = true", "max-error must be a number"),
        ("classes = []", "classes must be a list of names"),
        ('classes = ["a,b"]', "classes must be a list of names without commas."),
        ("[bucket]", "bucket must be a text"),
        ("bucket = out\n", "workflow.toml is not TOML: Invalid value (at line 1, column 10)."),
    ],
)
def test_what_no_option_takes_is_one_line_with_the_files_name(
    folder: Path, text: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    give(folder, text)
    assert workflow("explore") == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("workflow: workflow.toml")
    assert said in line


def test_a_file_that_is_no_text_is_one_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / DEFAULTS_FILE).write_bytes(b"\xff\xfe")
    assert workflow("explore") == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "workflow.toml is not TOML" in line


def test_help_and_version_do_not_read_the_file(folder: Path) -> None:
    give(folder, "broken")
    assert workflow("--help") == 0
    assert workflow("--version") == 0


def test_a_value_that_its_option_refuses_is_said_to_be_from_the_file(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    give(folder, "max-error = 0.7")
    assert workflow("quality") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "--max-error" in line
    assert "This is from workflow.toml." in line

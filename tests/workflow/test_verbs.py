"""Every verb: where it works, for people and for programs, where its input is wrong, and where there is no stack."""

import json
import os
import shutil
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import boto3
import pytest
import typer.main

import cli
from contracts.addresses import S3Address
from inference.cases import CASES_FILE, generate_cases
from inference.executions import EXECUTIONS_FILE
from inference.run import run_cases
from local import stack
from monitoring.drift.make_baseline import make_baseline
from monitoring.quality.evaluate import evaluate_endpoint
from tests.commands import schema, workflow
from tests.conftest import ROOT, led_to
from tests.images import encoded, gradient
from tests.workflow.conftest import ENDPOINT, Deployed
from tests.workflow.verbs import MISTAKES, TABLE, Row
from training import registry
from training.model import MODEL_FILE

VERBS = typer.main.get_group(cli.app).commands
MANIFEST = "verbs/manifest.csv"
ANSI = "\x1b"
# What a terminal of this width would fold.
NARROW = 20
WORKING = [row for row in TABLE if row.works is not None]


@pytest.fixture(scope="module")
def place(deployed: Deployed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with all that verbs read: a model, an evaluation, cases, executions, a baseline, images of one's own."""
    out = tmp_path_factory.mktemp("verbs")
    shutil.copytree(deployed.out, out, dirs_exist_ok=True)
    for label in ("cat", "dog"):
        (out / "own" / label).mkdir(parents=True)
        for number in range(10):
            picture = gradient().crop((number, 0, 20 + number, 20 if label == "cat" else 30))
            (out / "own" / label / f"{number}.png").write_bytes(encoded(picture))
    (out / "docker").write_text("#!/bin/sh\necho what docker says\n")
    (out / "docker").chmod(0o755)
    (out / "broken").mkdir()
    for name in (MODEL_FILE, CASES_FILE, EXECUTIONS_FILE):
        (out / "broken" / name).write_bytes(b"\xff")
    with led_to(deployed.stack.environment):
        deployed.stack.deploy({"EndpointName": ENDPOINT})
        cases = generate_cases(stack.BUCKET, deployed.dataset.name, out, 2)
        run_cases(deployed.stack.environment["WORKFLOW_STATE_MACHINE_ARN"], cases, out, 2)
        evaluation = evaluate_endpoint(stack.BUCKET, deployed.dataset.name, ENDPOINT, out, 0.02, 2)
        make_baseline(stack.BUCKET, evaluation, out)
        image = cases[0].event
        manifest = f"s3_bucket,s3_key\n{image['s3_bucket']},{image['s3_key']}\n"
        boto3.client("s3").put_object(Bucket=stack.BUCKET, Key=MANIFEST, Body=manifest.encode())
        version = registry.register(deployed.model, out)
    yield out
    with led_to(deployed.stack.environment):
        registry.delete_group(version.group)


@pytest.fixture(autouse=True)
def _alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every command runs in an empty folder, where `init` may write its file, and waits for no message."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("review.queue.POLL_SECONDS", 0)


def options_of(row: Row) -> set[str]:
    return {name for one in VERBS[row.verb].params for name in one.opts}


def filled_in(words: Sequence[str], place: Path) -> list[str]:
    broken = place / "broken"
    places = {"out": place, "broken": broken, "file": broken / CASES_FILE, "new": place / uuid.uuid4().hex}
    return [word.format(**places, manifest=S3Address(stack.BUCKET, MANIFEST)) for word in words]


def command(row: Row, words: tuple[str, ...] | None, place: Path) -> list[str]:
    """Return a verb's command line, in the folder of results where the verb has one and its words name no other."""
    filled = filled_in(words or (), place)
    # The one of `capture` is a file.
    given = "--out" in filled or "--out" not in options_of(row) or row.verb == "capture"
    return [row.verb, *filled, *([] if given else ["--out", str(place)])]


def objects(schema: Any) -> Iterator[dict[str, Any]]:
    """Yield every schema of an object within one."""
    if isinstance(schema, list):
        for one in schema:
            yield from objects(one)
    elif isinstance(schema, dict):
        if "object" in schema.get("type", ()):
            yield schema
        for one in schema.values():
            yield from objects(one)


def test_the_table_has_every_verb() -> None:
    assert {row.verb for row in TABLE} == {*VERBS}
    assert len(TABLE) == len(VERBS)


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.verb)
def test_a_verb_that_reports_takes_json_and_has_a_strict_schema(row: Row) -> None:
    assert ("--json" in options_of(row)) == row.reports == (ROOT / f"cli/schemas/{row.verb}.json").exists()
    for one in objects(schema(row.verb).schema) if row.reports else ():
        assert "additionalProperties" in one
        if "properties" in one:
            assert (one["additionalProperties"], [*one["properties"]]) == (False, one["required"])


@pytest.mark.parametrize("row", WORKING, ids=lambda row: row.verb)
def test_it_works_and_a_program_gets_whole_lines(
    row: Row, place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(NARROW))
    monkeypatch.setenv("PATH", str(place), prepend=":")
    code = workflow(*command(row, row.works, place))
    printed = capsys.readouterr()
    assert code in row.codes, printed.err
    assert ANSI not in printed.out + printed.err
    assert "Traceback" not in printed.err
    lines = printed.out.splitlines()
    assert all(line.strip() for line in lines)
    assert max(map(len, lines)) > NARROW


@pytest.mark.parametrize("row", [row for row in WORKING if row.reports], ids=lambda row: row.verb)
def test_its_json_is_as_its_schema_says_and_alone_on_standard_output(
    row: Row, place: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(place), prepend=":")
    code = workflow(*command(row, row.works, place), "--json")
    printed = capfd.readouterr()
    assert code in row.codes, printed.err
    assert ANSI not in printed.out + printed.err
    for one in printed.out.splitlines() if row.lines else [printed.out]:
        schema(row.verb).validate(json.loads(one))


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.verb)
def test_wrong_input_is_one_line_and_nothing_else(row: Row, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = workflow(*command(row, row.wrong, place))
    printed = capsys.readouterr()
    (line,) = printed.err.splitlines()
    assert (code in {1, 2}, printed.out) == (True, "")
    assert line.startswith("workflow: ")
    assert row.says in line


@pytest.mark.parametrize(("words", "says"), MISTAKES, ids=[" ".join(words) for words, _ in MISTAKES])
def test_a_mistake_is_one_line_and_nothing_else(
    words: tuple[str, ...], says: str, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert workflow(*filled_in(words, place)) in {1, 2}
    printed = capsys.readouterr()
    (line,) = printed.err.splitlines()
    assert printed.out == ""
    assert says in line


@pytest.mark.parametrize("row", [row for row in TABLE if row.needs_stack], ids=lambda row: row.verb)
def test_without_an_account_it_is_one_line_that_says_how_to_work_without(
    row: Row, place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in [name for name in os.environ if name.startswith(("AWS_", "WORKFLOW_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_DEFAULT_REGION", stack.REGION)
    monkeypatch.setenv("HOME", str(place))
    assert workflow(*command(row, row.works if row.stackless is None else row.stackless, place)) == 1
    printed = capsys.readouterr()
    (line,) = printed.err.splitlines()
    assert printed.out == ""
    assert "`workflow local`" in line


@pytest.mark.parametrize("row", [row for row in TABLE if row.setting], ids=lambda row: row.verb)
def test_a_stack_that_is_missing_is_one_line_that_names_option_and_variable(
    row: Row, deployed: Deployed, place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in [name for name in deployed.stack.environment if name.startswith("WORKFLOW_")]:
        monkeypatch.delenv(name)
    words = command(row, row.works if row.stackless is None else row.stackless, place)
    assert workflow(*words, "--stack", "nowhere") == 1
    printed = capsys.readouterr()
    (line,) = printed.err.splitlines()
    assert printed.out == ""
    for said in ("nowhere", f"--{row.setting}", "WORKFLOW_", "`workflow local`"):
        assert said in line

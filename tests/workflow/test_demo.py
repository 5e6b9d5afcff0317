"""The demo as a user runs it, `make demo`, and what it leaves behind."""

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from cli import app
from local import demo
from monitoring.quality.evaluation import EVALUATION_FILE, OUT_OF_FOLD_FILE, read_evaluation
from monitoring.quality.verdict import judge
from tests.commands import schema
from tests.conftest import ROOT
from tests.processes import bare_environment, children
from tests.waiting import wait_until
from tests.workflow.conftest import Demonstrated
from training.datasets.sample import COUNTS

WORKFLOW = [sys.executable, "-m", "cli"]
# Of two classes.
TRAINED, TESTED = 2 * COUNTS["train"], 2 * COUNTS["test"]
# Which the demo adds to its images: those of the second number never reach the model.
BROKEN, REFUSED = 6, 5
CASES = demo.IMAGES + BROKEN


def workflow(arguments: Sequence[str], **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [*WORKFLOW, *arguments],
        cwd=ROOT,
        env=bare_environment() | environment,
        capture_output=True,
        text=True,
        timeout=240,
    )


@pytest.fixture(scope="module")
def out(demonstrated: Demonstrated) -> Path:
    return demonstrated.out


@pytest.fixture(scope="module")
def summary(out: Path) -> dict[str, Any]:
    return dict(json.loads((out / "summary.json").read_text()))


def test_everything_that_it_promises_is_written(out: Path) -> None:
    for name in ("report.html", "samples.png", "histogram.png", "confusion.png", "executions.jsonl", "summary.json"):
        assert (out / name).stat().st_size > 0, name
    assert len(list((out / "events").glob("*.json"))) == CASES


def test_its_summary_is_what_the_schema_says(summary: dict[str, Any]) -> None:
    schema("demo").validate(summary)


def test_its_json_is_the_summary(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def write_a_summary(request: demo.Request, _: object, afterwards: Callable[[], None]) -> None:
        (request.out / demo.SUMMARY_FILE).write_text('{"executions": 1}\n')
        afterwards()

    monkeypatch.setattr(demo, "run_demo", write_a_summary)
    app(["demo", "--json", "--out", str(tmp_path)], standalone_mode=False)
    assert json.loads(capsys.readouterr().out) == {"executions": 1}


def test_the_summary_accounts_for_every_execution(summary: dict[str, Any]) -> None:
    assert summary["classes"] == ["bicycle", "motorcycle"]
    assert (summary["train_images"], summary["test_images"]) == (TRAINED, TESTED)
    assert summary["executions"] == sum(summary["outcomes"].values()) == CASES
    assert summary["outcomes"]["REJECTED"] == REFUSED
    assert summary["outcomes"]["FAILED"] == 0
    assert summary["capture_records"] == summary["reached_endpoint"] == CASES - REFUSED
    assert 0.5 < summary["accuracy"] <= 1
    assert summary["seconds"]["total"] >= max(summary["seconds"].values())


def test_the_verdict_is_the_same_in_the_summary_the_report_and_the_terminal(
    demonstrated: Demonstrated, out: Path, summary: dict[str, Any]
) -> None:
    evaluation = read_evaluation(out / EVALUATION_FILE)
    assert evaluation.terms is not None
    assert (summary["release"], summary["threshold"]) == (evaluation.terms.release, evaluation.threshold)
    usability = judge(evaluation).usability
    assert summary["usability"] == usability
    assert f"<strong>{usability}</strong>" in (out / "report.html").read_text()
    assert f"The model is {usability}, judged by {TESTED} test images:" in demonstrated.printed
    trained = read_evaluation(out / OUT_OF_FOLD_FILE)
    assert (trained.terms, trained.images) == (evaluation.terms, TRAINED)


def test_each_execution_ended_as_its_case_must(out: Path) -> None:
    cases = {row["name"]: row for row in map(json.loads, (out / "cases.jsonl").read_text().splitlines())}
    executions = [json.loads(line) for line in (out / "executions.jsonl").read_text().splitlines()]
    assert {row["case"] for row in executions} == set(cases)
    for row in executions:
        assert row["outcome"] in cases[row["case"]]["outcomes"], row
        assert row["error"] == cases[row["case"]]["error"], row


def test_the_report_needs_nothing_beside_it(out: Path) -> None:
    page = (out / "report.html").read_text()
    assert "<script src" not in page
    assert 'href="http' not in page
    assert "broken-truncated" in page


@pytest.mark.drill("Processes that are killed")
def test_nothing_runs_on_when_it_is_killed(archive: Path, tmp_path: Path) -> None:
    arguments = ["demo", "--dataset", "cifar100", "--archive", str(archive), "--no-verify", "--out", str(tmp_path)]
    process = subprocess.Popen([*WORKFLOW, *arguments], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    # Once the training job's program runs the stack, the supervisor and the program run.
    wait_until(lambda: len(children(process.pid)) >= 3)
    family = children(process.pid)
    process.kill()
    process.wait()
    wait_until(lambda: not [pid for pid in family if Path(f"/proc/{pid}").exists()])


@pytest.mark.drill("Two at once")
def test_a_second_demo_is_refused_until_the_first_is_killed(archive: Path, tmp_path: Path) -> None:
    arguments = ["demo", "--dataset", "cifar100", "--archive", str(archive), "--no-verify", "--out", str(tmp_path)]
    first = subprocess.Popen([*WORKFLOW, *arguments], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_until(lambda: (tmp_path / "logs").exists())
    second = workflow(arguments)
    first.kill()
    first.wait()
    assert (second.returncode, second.stdout) == (1, "")
    assert second.stderr.startswith(f"workflow: Another command is writing to {tmp_path}; ")
    assert second.stderr.count("\n") == 1
    third = workflow(["stage", *arguments[1:], "--no-upload"])
    assert third.returncode == 0, third.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["demo", "--dataset", "cifar100", "--archive", "no-such-file"], "no-such-file"),
        (["demo", "--archive", "no-such-file"], "must be cifar100"),
        (["stage", "--no-upload", "--dataset", "no-such-folder"], "no-such-folder"),
        (["stage", "--no-upload", "--dataset", "cifar100", "--archive", str(ROOT / "README.md")], "README.md"),
        (["stage"], "workflow local"),
        (["explore", "--name", "never-staged"], "stage it first"),
        (["report", "--bucket", "b", "--endpoint", "e", "--out", "no-such-out"], "workflow run"),
        (["run", "--state-machine", "arn:aws:states:us-east-1:123456789012:stateMachine:x"], "workflow cases"),
        (["train", "--bucket", "b", "--role", "arn:aws:iam::123456789012:role/r"], "workflow local"),
    ],
)
def test_bad_input_is_one_clear_line_and_no_traceback(arguments: list[str], says: str, tmp_path: Path) -> None:
    done = workflow([*arguments, *([] if "--out" in arguments else ["--out", str(tmp_path)])], HOME=str(tmp_path))
    assert done.returncode != 0
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.rglob("dataset.json"))

"""`workflow doctor` on a healthy deployment, and where checks can't be made."""

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from checks.check import Check, Status, attempt
from checks.doctor import examine
from checks.scope import Scope
from tests.commands import workflow
from tests.contract.doctor.examined import bad


def test_a_healthy_deployment_is_ok_but_for_what_the_stack_cannot_answer(scope: Scope) -> None:
    made = list(examine(scope))
    skipped = [check for check in made if check.status is not Status.OK]
    assert [check.name for check in skipped] == ["role's permissions"]
    assert "simulate_principal_policy" in skipped[0].found
    assert skipped[0].status is Status.SKIPPED
    assert len(made) > 20


def test_the_verb_prints_a_line_for_each_check_and_json_holds_the_same(
    scope: Scope, capsys: pytest.CaptureFixture[str]
) -> None:
    assert workflow("doctor", "--out", str(scope.out)) == 0
    lines = capsys.readouterr().out.splitlines()
    assert workflow("doctor", "--json", "--out", str(scope.out)) == 0
    checks = [Check(**one) for one in json.loads(capsys.readouterr().out)["checks"]]
    assert lines == [dataclasses.replace(check, status=Status(check.status)).line for check in checks]


def test_one_bad_check_is_exit_code_1(scope: Scope, capsys: pytest.CaptureFixture[str]) -> None:
    assert workflow("doctor", "--out", str(scope.out), "--training-instance", "ml.p3.2xlarge") == 1
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("bad")]
    assert "quota ml.p3.2xlarge for training job usage: 0 instances. Request an increase" in line


def test_an_unknown_algorithm_is_one_line(scope: Scope, capsys: pytest.CaptureFixture[str]) -> None:
    assert workflow("doctor", "--out", str(scope.out), "--algorithm", "unknown") == 1
    output = capsys.readouterr()
    assert "There is no algorithm 'unknown'" in output.out
    assert "Traceback" not in output.err


@pytest.mark.parametrize(
    ("code", "status", "ends"),
    [
        ("AccessDeniedException", 400, Status.DENIED),
        ("AccessDenied", 403, Status.DENIED),
        ("InternalFailure", 500, Status.SKIPPED),
        ("ExpiredToken", 400, Status.BAD),
    ],
)
def test_a_check_that_could_not_be_made_is_never_ok(code: str, status: int, ends: Status) -> None:
    def refused() -> Iterator[Check]:
        answer: Any = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
        raise ClientError(answer, "GetRole")
        yield

    (check,) = attempt("role", refused)
    assert check.status is ends
    assert "GetRole" in check.found


@pytest.mark.parametrize("missing", ["credentials", "Region"])
def test_without_credentials_or_a_region_nothing_else_is_tried(
    missing: str, scope: Scope, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    variables = {
        "credentials": ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"),
        "Region": ("AWS_REGION", "AWS_DEFAULT_REGION"),
    }
    for name in variables[missing]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    made = list(examine(scope))
    assert [check.name for check in made if check.status is Status.BAD] == [missing]
    assert all(check.status is Status.SKIPPED for check in made[2:])
    assert "aws configure" in made[0 if missing == "credentials" else 1].line


def test_a_stack_that_has_gone_away_is_told(scope: Scope, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    (found,) = bad(scope).values()
    assert found.name == "credentials"
    assert "still running" in found.found

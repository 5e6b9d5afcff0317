"""The SageMaker verbs as a user calls them: what they print, and one clear line where something is wrong."""

import io
import json
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from werkzeug.serving import make_server
from werkzeug.wrappers import Response

import cli
from contracts.release import parse_release
from local import stack
from tests.commands import workflow
from tests.containers import model_of
from tests.contract.serving import serve
from tests.images import encoded, gradient
from tests.unit.contracts.test_release import RECORD
from tests.unit.training.test_model import MODEL
from training.model import MODEL_FILE

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


class Refusing:
    """An AWS that answers every request with one error."""

    def __init__(self) -> None:
        self.code, self.message = "", ""
        self.server = make_server("127.0.0.1", 0, self._answer, threaded=True)

    def _answer(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        if "x-www-form-urlencoded" in environ.get("CONTENT_TYPE", ""):
            # CloudFormation, IAM and STS speak XML.
            said = f"<Code>{self.code}</Code><Message>{self.message}</Message>"
            body = f"<ErrorResponse><Error>{said}</Error></ErrorResponse>"
            return Response(body, 400, content_type="text/xml")(environ, start_response)
        body = json.dumps({"__type": self.code, "message": self.message})
        return Response(body, 400, content_type="application/x-amz-json-1.1")(environ, start_response)


@pytest.fixture
def refusing(monkeypatch: pytest.MonkeyPatch) -> Iterator[Refusing]:
    """That AWS on loopback, and an environment that leads to it."""
    aws = Refusing()
    thread = threading.Thread(target=aws.server.serve_forever)
    thread.start()
    for name, value in stack.new_credentials().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{aws.server.port}")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    yield aws
    aws.server.shutdown()
    aws.server.server_close()
    thread.join()


@pytest.fixture
def out(programs: stack.Running, tmp_path: Path) -> Path:
    """A folder with the record of a model that the stack can serve."""
    assert programs.pid
    model_of("mirror_ridge").write(tmp_path / MODEL_FILE)
    return tmp_path


def only_line(capsys: pytest.CaptureFixture[str]) -> str:
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert "Traceback" not in lines[0]
    return lines[0]


@pytest.mark.parametrize(
    ("code", "message", "what"),
    [
        ("ExpiredTokenException", "The security token included in the request is expired", "log in again"),
        ("ValidationException", "Could not assume role arn:aws:iam::1:role/r.", "SageMaker may assume"),
        ("ResourceLimitExceeded", "The account-level service limit 'ml.m5.large' is 0 Instances", "Service Quotas"),
        ("ValidationException", "Requested image x/y:latest not found.", "workflow build-image"),
        ("InsufficientInstanceCapacity", "Insufficient capacity for ml.m5.large", "another --instance-type"),
        ("ResourceInUse", "The name x is already in use", "name is taken"),
    ],
)
def test_what_aws_refuses_is_one_line_with_what_to_do(
    refusing: Refusing, tmp_path: Path, capsys: pytest.CaptureFixture[str], code: str, message: str, what: str
) -> None:
    refusing.code, refusing.message = code, message
    MODEL.write(tmp_path / MODEL_FILE)
    given = ("--role", stack.ROLE_ARN, "--bucket", "bucket", "--endpoint", "endpoint", "--out", str(tmp_path))
    assert workflow("deploy", *given) == 1
    line = only_line(capsys)
    assert message.rstrip(".") in line
    assert what in line


@pytest.mark.parametrize("region", [{}, {"AWS_DEFAULT_REGION": "eu-west-1"}], ids=["no-region", "region"])
def test_without_credentials_and_stack_both_ways_are_named(tmp_path: Path, region: dict[str, str]) -> None:
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "AWS_EC2_METADATA_DISABLED": "true"}
    ended = subprocess.run(
        [sys.executable, "-m", "cli", "teardown", "--dry-run"],
        env=environment | region,
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(cli.__file__).parent,
    )
    assert ended.returncode == 1
    assert len(ended.stderr.splitlines()) == 1
    assert "aws configure" in ended.stderr
    assert "workflow local" in ended.stderr


def test_help_imports_nothing_heavy() -> None:
    code = "import sys, cli\ntry: cli.app(['--help'])\nexcept SystemExit: pass\nprint(sorted(sys.modules))"
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path(cli.__file__).parent
    )
    modules = ended.stdout.splitlines()[-1]
    for heavy in ("sagemaker", "boto3", "pandas", "numpy", "matplotlib", "moto", "rich", "pydantic"):
        assert f"'{heavy}'" not in modules


def test_a_dry_run_prints_both_requests_and_sends_nothing(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert workflow("deploy", "--endpoint", "dry", "--dry-run", "--out", str(out)) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["CreateModel"]["ModelName"] == printed["CreateEndpointConfig"]["ProductionVariants"][0]["ModelName"]
    assert workflow("teardown", "--endpoint", "dry") == 0
    assert "Nothing is deployed" in capsys.readouterr().out


def test_a_deployment_is_predicted_from_listed_and_taken_down(
    out: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    to = ("--out", str(out))
    (out / "a.png").write_bytes(encoded(gradient()))
    assert workflow("deploy", "--endpoint", "cli", *to) == 0
    assert "cli is in service; its labels are bicycle, motorcycle" in capsys.readouterr().out
    assert workflow("deploy", "--endpoint", "cli", *to) == 0
    assert "was already in service" in capsys.readouterr().out
    assert workflow("predict", "--endpoint", "cli", *to, "--json", str(out / "a.png")) == 0
    assert json.loads(capsys.readouterr().out)["label"] == "bicycle"
    assert workflow("teardown", "--endpoint", "cli", "--dry-run") == 0
    assert "0.115" in capsys.readouterr().out
    monkeypatch.setattr(sys, "stdin", io.StringIO("n\n"))
    assert workflow("teardown", "--endpoint", "cli") == 0
    assert workflow("teardown", "--endpoint", "cli", "--yes") == 0
    assert "3 deleted" in capsys.readouterr().out
    assert workflow("teardown", "--endpoint", "cli", "--yes") == 0
    assert "Nothing is deployed" in capsys.readouterr().out


def test_a_prediction_tells_what_the_workflow_would_do_and_where_the_model_looked(
    out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    serve("describing", "explained")
    (out / "a.png").write_bytes(encoded(gradient()))
    (out / "b.png").write_bytes(b"content")
    to = ("--endpoint", "explained", "--out", str(out))
    assert workflow("predict", *to, "--explain", str(out / "a.png")) == 0
    said = capsys.readouterr().out
    assert "accepted" in said
    assert "Release 0123456789ab accepts from a confidence of 0.8 and a familiarity of 0.05." in said
    assert "a.png: where bicycle was seen\n    ██\n  ░░" in said
    assert (out / "explained" / "a.png").exists()
    assert workflow("predict", *to, str(out / "b.png")) == 1
    assert f"{out / 'b.png'}: The object isn't a picture" in capsys.readouterr().out
    assert workflow("teardown", "--endpoint", "explained", "--yes") == 0


def test_an_endpoint_that_cannot_tell_where_it_looked_is_no_error(
    out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    serve("mirror_ridge", "plain")
    (out / "a.png").write_bytes(encoded(gradient()))
    assert workflow("predict", "--endpoint", "plain", "--out", str(out), "--explain", str(out / "a.png")) == 0
    said = capsys.readouterr().out
    assert "The endpoint names no threshold" in said
    assert "doesn't tell where its model looked" in said
    assert workflow("teardown", "--endpoint", "plain", "--yes") == 0


def test_a_deployment_names_its_release_and_what_its_threshold_rests_on(
    out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = replace(model_of("describing"), release=parse_release(json.dumps(RECORD).encode()))
    model.write(out / MODEL_FILE)
    assert workflow("deploy", "--endpoint", "released", "--out", str(out)) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "Release 3fa4c0d1e2b7. The threshold 0.93 accepts 0.88 of images at an error of at most 2%" in said
    assert workflow("teardown", "--endpoint", "released", "--yes") == 0


@pytest.mark.parametrize("words", [("--set", "epochs"), ("--tag", "=x"), ("--max-run", "soon")])
def test_a_word_of_the_wrong_form_is_refused(out: Path, words: tuple[str, str]) -> None:
    assert workflow("train", "--dry-run", "--out", str(out), *words) == 2


def test_before_something_billable_starts_its_price_is_said_and_no_is_an_answer(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    MODEL.write(tmp_path / MODEL_FILE)
    # This leads to AWS itself, where no socket is open to: nothing may be sent.
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setattr(sys, "stdin", io.StringIO("n\n"))
    given = ("--role", stack.ROLE_ARN, "--bucket", "b", "--endpoint", "e", "--out", str(tmp_path))
    assert workflow("deploy", *given) == 1
    assert "1 x ml.m5.large costs $0.115 an hour" in capsys.readouterr().out

"""The runtime in plain Python beside awslambdaric: the same results, errors and log lines, byte by byte.

What differs from call to call, as ids and times do, is replaced in both.
"""

import ast
import json
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from local.lambda_runtime.context import Context
from local.lambdas import AWSLAMBDARIC, PLAIN_RUNTIME, Worker, runtime
from local.runtime_api import Result
from local.stack import ROOT
from local.template import FunctionSpec

RUNTIMES = {"awslambdaric": AWSLAMBDARIC, "plain": PLAIN_RUNTIME}
# Each function is a case: what it returns, raises, prints and logs must be the same.
APP = Path(__file__).with_name("lambda_cases.py")
CASES = [node.name for node in ast.parse(APP.read_text()).body if isinstance(node, ast.FunctionDef)]
NO_JSON = [b"", b"{", b"NaN", b"[-Infinity]", b"\xff", b'"a" "b"']
VARYING = [
    (r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "ID"),
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z", "TIME"),
    # How deep a stack gets depends on the runtime's own frames.
    (r"repeated \d+ more times", "repeated"),
    # The lines of the runtimes' own, and what their decoders say of the place of an error in an event.
    (r"(?m)^.*LAMBDA_WARNING.*\n", ""),
    (r"(Unable to unmarshal input:)[^\"\r]*", r"\1"),
]


def comparable(text: str) -> str:
    """Return a text without what differs from call to call."""
    for pattern, replacement in VARYING:
        text = re.sub(pattern, replacement, text)
    return text


def outcome(
    folder: Path, command: Sequence[str], handler: str, events: Sequence[bytes], variables: Mapping[str, str]
) -> tuple[list[tuple[str | None, str]], str]:
    """Return what a worker answers to events, as error and payload, and what it wrote to its log."""
    log = folder / f"{len([*folder.glob('*.log')])}.log"
    spec = FunctionSpec("Function", folder, handler, 20.0, 128, variables)
    worker = Worker(spec, "us-east-1", {"AWS_REGION": "us-east-1"}, log, command)
    try:
        results: list[Result] = [worker.invoke(event) for event in events if worker.alive]
    finally:
        worker.stop()
    return [(one.error, comparable(one.payload.decode())) for one in results], comparable(log.read_text())


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"AWS_LAMBDA_LOG_LEVEL": "TRACE"},
        {"AWS_LAMBDA_LOG_FORMAT": "JSON", "AWS_LAMBDA_LOG_LEVEL": "INFO"},
    ],
    ids=str,
)
def test_both_runtimes_answer_and_log_the_same(tmp_path: Path, variables: dict[str, str]) -> None:
    (tmp_path / "app.py").write_text(APP.read_text())
    events = [json.dumps(name).encode() for name in CASES] + NO_JSON
    expected, expected_log = outcome(tmp_path, AWSLAMBDARIC, "app.handler", events, variables)
    answered, log = outcome(tmp_path, PLAIN_RUNTIME, "app.handler", events, variables)
    assert answered == expected
    assert log.splitlines() == expected_log.splitlines()
    kinds = {json.loads(payload)["errorType"] for error, payload in answered if error}
    assert {"Runtime.MarshalError", "Runtime.UnmarshalError", "ValueError", "Refused"} <= kinds


@pytest.mark.parametrize("variables", [{}, {"AWS_LAMBDA_LOG_FORMAT": "JSON"}], ids=["text", "JSON"])
@pytest.mark.parametrize(
    ("source", "handler"),
    [
        ("import no_such_module\n", "app.handler"),
        ("x = (\n", "app.handler"),
        ("def f():\n    raise KeyError('MAX_SIDE')\nf()\n", "app.handler"),
        ("", "app.handler"),
        ("", "app.inner.handler"),
        ("", "sys.handler"),
        ("import sys\nsys.exit(3)\n", "app.handler"),
    ],
    ids=str,
)
def test_both_runtimes_say_the_same_of_code_that_does_not_load(
    tmp_path: Path, source: str, handler: str, variables: dict[str, str]
) -> None:
    (tmp_path / "app.py").write_text(source)
    expected, actual = (outcome(tmp_path, command, handler, [b"{}"], variables) for command in RUNTIMES.values())
    assert actual == expected


@pytest.mark.parametrize("command", RUNTIMES.values(), ids=RUNTIMES)
def test_a_handlers_name_without_a_module_is_malformed(tmp_path: Path, command: Sequence[str]) -> None:
    ((error, payload),), _ = outcome(tmp_path, command, "handler", [b"{}"], {})
    assert (error, json.loads(payload)["errorType"]) == ("Unhandled", "Runtime.MalformedHandlerName")


HEADERS = {
    "Lambda-Runtime-Aws-Request-Id": "1",
    "Lambda-Runtime-Deadline-Ms": "1000",
    "Lambda-Runtime-Client-Context": '{"client": {"app_title": "t"}, "custom": {"a": 1}}',
    "Lambda-Runtime-Cognito-Identity": '{"cognitoIdentityId": "i", "cognitoIdentityPoolId": "p"}',
}


def test_the_context_has_what_a_mobile_client_sends() -> None:
    from awslambdaric.bootstrap import create_lambda_context

    client, identity = HEADERS["Lambda-Runtime-Client-Context"], HEADERS["Lambda-Runtime-Cognito-Identity"]
    expected = create_lambda_context(client, identity, 1000, "1", None, None)
    context = Context(HEADERS)
    assert context.client_context is not None
    assert vars(context.client_context.client) == {
        name: getattr(expected.client_context.client, name) for name in expected.client_context.client.__slots__
    }
    for name in ("custom", "env"):
        assert getattr(context.client_context, name) == getattr(expected.client_context, name)
    assert vars(context.identity) == {name: getattr(expected.identity, name) for name in expected.identity.__slots__}
    assert context.get_remaining_time_in_millis() == expected.get_remaining_time_in_millis() == 0


def test_a_client_context_that_is_not_json_is_lambdas_error() -> None:
    from local.lambda_runtime.errors import Fault

    with pytest.raises(Fault) as caught:
        Context(HEADERS | {"Lambda-Runtime-Client-Context": "{"})
    assert caught.value.kind == "Runtime.LambdaContextUnmarshalError"


def test_the_plain_runtime_is_used_where_awslambdaric_or_its_compiled_part_is_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert runtime() == AWSLAMBDARIC
    for missing in ("awslambdaric", "runtime_client"):
        with monkeypatch.context() as patched:
            patched.setattr("importlib.util.find_spec", lambda name, gone=missing: None if name == gone else object())
            assert runtime() == PLAIN_RUNTIME


def test_the_plain_runtime_imports_the_standard_library_alone() -> None:
    nodes = [
        node for path in (ROOT / "local/lambda_runtime").glob("*.py") for node in ast.walk(ast.parse(path.read_text()))
    ]
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    whole = {str(node.module) for node in nodes if isinstance(node, ast.ImportFrom)}
    others = {name for name in plain | whole if name.split(".")[0] not in sys.stdlib_module_names}
    assert {".".join(name.split(".")[:2]) for name in others} == {"local.lambda_runtime"}

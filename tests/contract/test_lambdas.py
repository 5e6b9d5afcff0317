"""The local Lambda against handlers that do what real ones may do."""

import json
import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from local.lambdas import AWSLAMBDARIC, PLAIN_RUNTIME, Function
from local.runtime_api import Result
from local.template import FunctionSpec
from tests.waiting import LONGEST_SECONDS, wait_until

Make = Callable[..., Function]


@pytest.fixture(params=[AWSLAMBDARIC, PLAIN_RUNTIME], ids=["awslambdaric", "plain"])
def make(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Make]:
    """Return a way to make a function of a handler's source, in each of the runtimes; all of them end with the test."""
    made: list[Function] = []

    def function(source: str, *, timeout: float = 5.0, concurrency: int = 2, **environment: str) -> Function:
        code = tmp_path / f"code{len(made)}"
        code.mkdir()
        (code / "app.py").write_text(source)
        spec = FunctionSpec("Function", code, "app.handler", timeout, 128, environment)
        made.append(Function(spec, "us-east-1", {"AWS_REGION": "us-east-1"}, tmp_path, concurrency, request.param))
        return made[-1]

    yield function
    for one in made:
        one.stop()


def answer(result: Result) -> Any:
    return json.loads(result.payload)


def test_a_handler_gets_the_event_and_its_answer_comes_back(make: Make) -> None:
    result = make("def handler(event, context):\n    return {'got': event}\n").invoke(b'{"a": "\\u00e9"}')
    assert result.error is None
    assert answer(result) == {"got": {"a": "é"}}


def test_the_environment_is_the_templates_and_lambdas_own_and_nothing_else(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_OF_THE_DEVELOPER", "x")
    function = make("import os\ndef handler(event, context):\n    return dict(os.environ)\n", COLOUR="red")
    names = answer(function.invoke(b"{}"))
    assert names["COLOUR"] == "red"
    assert names["AWS_LAMBDA_FUNCTION_NAME"] == "Function"
    assert "SECRET_OF_THE_DEVELOPER" not in names
    assert "HOME" not in names


def test_the_context_tells_request_deadline_and_function(make: Make) -> None:
    source = (
        "def handler(event, context):\n"
        "    return [context.aws_request_id, context.get_remaining_time_in_millis(), context.invoked_function_arn]\n"
    )
    function = make(source, timeout=5.0)
    first, remaining, arn = answer(function.invoke(b"{}"))
    second, _, _ = answer(function.invoke(b"{}"))
    assert first != second
    assert 0 < remaining <= 5000
    assert arn == "arn:aws:lambda:us-east-1:123456789012:function:Function"


def test_an_exception_comes_back_by_its_class_name(make: Make) -> None:
    source = "class InvalidImage(Exception): pass\ndef handler(event, context):\n    raise InvalidImage('cut short')\n"
    result = make(source).invoke(b"{}")
    assert result.error == "Unhandled"
    assert answer(result)["errorType"] == "InvalidImage"
    assert answer(result)["errorMessage"] == "cut short"


def test_a_worker_is_used_again_after_an_exception(make: Make) -> None:
    source = "import os\ndef handler(event, context):\n    if event: raise ValueError\n    return os.getpid()\n"
    function = make(source)
    before = answer(function.invoke(b"{}"))
    function.invoke(b'{"fail": true}')
    assert answer(function.invoke(b"{}")) == before


@pytest.mark.drill("Faults of the system")
def test_a_handler_over_its_timeout_is_killed_and_the_next_call_gets_a_new_process(make: Make) -> None:
    source = "import os, time\ndef handler(event, context):\n    time.sleep(event['s'])\n    return os.getpid()\n"
    function = make(source, timeout=1.0)
    before = answer(function.invoke(b'{"s": 0}'))
    result = function.invoke(b'{"s": 60}')
    assert result.error == "Unhandled"
    assert answer(result)["errorType"] == "Sandbox.Timedout"
    assert "timed out after 1.00 seconds" in answer(result)["errorMessage"]
    assert answer(function.invoke(b'{"s": 0}')) != before


def test_a_slow_start_is_not_counted_as_the_calls_time(make: Make) -> None:
    source = "import time\ntime.sleep(1.5)\ndef handler(event, context):\n    return 'ok'\n"
    assert answer(make(source, timeout=1.0).invoke(b"{}")) == "ok"


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ("import no_such_module\n", "Runtime.ImportModuleError"),
        ("def other(event, context): pass\n", "Runtime.HandlerNotFound"),
        ("def handler(event, context)\n", "Runtime.UserCodeSyntaxError"),
        ("class ConfigurationError(Exception): pass\nraise ConfigurationError('MAX_SIDE')\n", "ConfigurationError"),
    ],
)
def test_code_that_does_not_load_fails_every_call_with_lambdas_name_for_it(make: Make, source: str, kind: str) -> None:
    function = make(source)
    for _ in range(2):
        result = function.invoke(b"{}")
        assert result.error == "Unhandled"
        assert answer(result)["errorType"] == kind


@pytest.mark.drill("Processes that are killed")
def test_a_process_that_exits_is_a_runtime_exit_error_and_is_replaced(make: Make) -> None:
    function = make("import os\ndef handler(event, context):\n    os._exit(3) if event else None\n    return 'ok'\n")
    result = function.invoke(b'{"exit": true}')
    assert answer(result)["errorType"] == "Runtime.ExitError"
    assert answer(function.invoke(b"{}")) == "ok"


@pytest.mark.drill("Processes that are killed")
def test_a_worker_killed_from_outside_while_it_waits_is_replaced(make: Make) -> None:
    function = make("def handler(event, context):\n    return 'ok'\n")
    function.invoke(b"{}")
    (pid,) = function.pids()
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not function.pids())
    assert answer(function.invoke(b"{}")) == "ok"


# Each call waits until a second one has begun, and answers how many had begun and not ended then.
MEETING = """
import os, time
from pathlib import Path

def handler(event, context):
    folder, mine = Path(event), context.aws_request_id
    (folder / f"{mine}.begun").touch()
    while len(list(folder.glob("*.begun"))) < 2:
        time.sleep(0.01)
    # What ends meanwhile is counted as ended: first those that began, then those that ended.
    at_work = len(list(folder.glob("*.begun"))) - len(list(folder.glob("*.ended")))
    (folder / f"{mine}.ended").touch()
    return [os.getpid(), at_work]
"""


def test_calls_run_at_once_up_to_the_concurrency_and_wait_beyond_it(make: Make, tmp_path: Path) -> None:
    function = make(MEETING, concurrency=2, timeout=LONGEST_SECONDS)
    (tmp_path / "meeting").mkdir()
    event = json.dumps(str(tmp_path / "meeting")).encode()
    with ThreadPoolExecutor(4) as callers:
        results = list(callers.map(lambda _: answer(function.invoke(event)), range(4)))
    assert len({pid for pid, _ in results}) == 2
    assert max(at_work for _, at_work in results) <= 2


def test_a_large_answer_comes_back_whole(make: Make) -> None:
    result = make("def handler(event, context):\n    return 'x' * 5_000_000\n").invoke(b"{}")
    assert len(answer(result)) == 5_000_000


@pytest.mark.drill("Interruptions")
def test_stopping_ends_workers_that_are_busy(make: Make, tmp_path: Path) -> None:
    source = "import time\ndef handler(event, context):\n    open(event, 'w').close()\n    time.sleep(600)\n"
    function, at_work = make(source, timeout=600), tmp_path / "at work"
    with ThreadPoolExecutor(1) as caller:
        result = caller.submit(function.invoke, json.dumps(str(at_work)).encode())
        wait_until(at_work.exists)
        function.stop()
        assert answer(result.result(LONGEST_SECONDS))["errorType"] == "Runtime.ExitError"
    assert not function.pids()


def test_what_a_handler_prints_is_in_its_log(make: Make, tmp_path: Path) -> None:
    make("def handler(event, context):\n    print('said aloud')\n").invoke(b"{}")
    assert "said aloud" in (tmp_path / "Function.log").read_text()


def test_a_change_of_the_code_is_in_the_next_call_and_a_mistake_is_lambdas_own_error(
    make: Make, tmp_path: Path
) -> None:
    source = "import helping\ndef handler(event, context):\n    return helping.word\n"
    helping = tmp_path / "package/helping.py"
    helping.parent.mkdir()
    helping.write_text("word = 'old'\n")
    function = make("raise SystemExit\n")
    # A package that a function packs is a link in its folder.
    (function.spec.code / "helping").symlink_to(helping.parent)
    (function.spec.code / "app.py").write_text(source.replace("helping\n", "helping.helping as helping\n"))
    wait_until(lambda: answer(function.invoke(b"{}")) == "old")
    (before,) = function.pids()
    assert answer(function.invoke(b"{}")) == "old"
    assert function.pids() == [before]
    helping.write_text("word = \n")
    wait_until(lambda: function.invoke(b"{}").error is not None)
    assert answer(function.invoke(b"{}"))["errorType"] == "Runtime.UserCodeSyntaxError"
    helping.write_text("word = 'new'\n")
    wait_until(lambda: answer(function.invoke(b"{}")) == "new")
    assert before not in function.pids()

"""A local stack whose images are the programs of `tests.containers`, and fresh interpreters to try moto in."""

import json
import subprocess
import sys
import textwrap
import zlib
from collections.abc import Iterator
from typing import Protocol

import pytest

from local import launch, stack
from tests.conftest import led_to
from tests.containers import write_programs
from tests.processes import without_stack
from training.teardown import list_resources, teardown


@pytest.fixture(scope="session")
def stack_of_programs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[stack.Running]:
    """The stack alone."""
    folder = tmp_path_factory.mktemp("programs")
    options = stack.Options(
        logs=str(folder / "logs"),
        algorithms=str(write_programs(folder / "images")),
        serverless_idle_seconds=0.5,
    )
    with launch.running(options) as started:
        yield started


@pytest.fixture
def programs(stack_of_programs: stack.Running) -> Iterator[stack.Running]:
    """The stack, and its environment in this process while a test runs."""
    with led_to(stack_of_programs.environment):
        yield stack_of_programs


@pytest.fixture
def endpoint(request: pytest.FixtureRequest) -> Iterator[str]:
    """A name of the test's own; what is deployed under it is taken down afterwards."""
    name = f"ep{zlib.crc32(request.node.name.encode())}"
    yield name
    teardown(list_resources(name))


FRESH = """
import json, os, sys, traceback
import boto3, moto.server
from moto import mock_aws
import local.moto_patches.patches, tests.server
for line in sys.stdin:
    reader, writer = os.pipe()
    if os.fork() == 0:
        os.dup2(writer, 1)
        try:
            exec(json.loads(line), {})
            sys.stdout.flush()
            os._exit(0)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
    os.close(writer)
    with os.fdopen(reader) as printed:
        output = printed.read()
    print(json.dumps([os.wait()[1], output]), flush=True)
"""


class Outcome(Protocol):
    """Runs a program in an interpreter of its own, with moto patched or as it is, and returns what it prints."""

    def __call__(self, source: str, *, patched: bool) -> str: ...


@pytest.fixture(scope="session")
def outcome() -> Iterator[Outcome]:
    """Run programs in copies of one interpreter that has imported moto, which takes seconds, and patched nothing."""
    command = [sys.executable, "-c", FRESH]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=without_stack()
    ) as interpreter:
        requests, answers = interpreter.stdin, interpreter.stdout
        assert requests is not None
        assert answers is not None

        def run(source: str, *, patched: bool) -> str:
            begin = "from local.moto_patches import patches\npatches.apply()\npatches.apply()\n" if patched else ""
            print(json.dumps(begin + textwrap.dedent(source)), file=requests, flush=True)
            status, printed = json.loads(answers.readline())
            assert status == 0, printed
            return str(printed).strip()

        yield run
        requests.close()

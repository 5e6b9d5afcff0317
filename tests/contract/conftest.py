"""A local stack whose images are the programs of `tests.containers`, one for each test process."""

from collections.abc import Iterator

import pytest

from local import stack
from tests.containers import write_programs


@pytest.fixture(scope="session")
def stack_of_programs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[stack.Running]:
    """The stack alone."""
    folder = tmp_path_factory.mktemp("programs")
    options = stack.Options(logs=str(folder / "logs"), algorithms=str(write_programs(folder / "images")))
    with stack.running(options) as started:
        yield started


@pytest.fixture
def programs(stack_of_programs: stack.Running, monkeypatch: pytest.MonkeyPatch) -> stack.Running:
    """The stack, and its environment in this process while a test runs."""
    for name, value in stack_of_programs.environment.items():
        monkeypatch.setenv(name, value)
    return stack_of_programs

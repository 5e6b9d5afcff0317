"""Fixtures that all tests share: the functions' environment, and one local stack for each test process."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from local import stack
from local.template import Template

ROOT = Path(__file__).resolve().parent.parent

# The functions read their configuration when they are imported: they get what the template gives them.
for _spec in Template(ROOT / "template.yaml", {"DataBucketName": stack.BUCKET}, stack.REGION).functions():
    os.environ.update(_spec.environment)
os.environ.update(stack.CREDENTIALS)
os.environ["POWERTOOLS_TRACE_DISABLED"] = "true"


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[stack.Running]:
    """A local stack in a process of its own, whose environment this process has while it runs."""
    logs = tmp_path_factory.mktemp("stack")
    with stack.running(stack.Options(logs=str(logs), concurrency=2)) as started, pytest.MonkeyPatch.context() as patch:
        for name, value in started.environment.items():
            patch.setenv(name, value)
        yield started


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep tests that share what is slow to start in one process, so that it is started once."""
    for item in items:
        for fixture in ("running", "stack_of_programs", "outcome"):
            if fixture in getattr(item, "fixturenames", ()):
                item.add_marker(pytest.mark.xdist_group(fixture))

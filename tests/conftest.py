"""Fixtures that all tests share: the functions' environment, and one local stack for each test process."""

import functools
import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import boto3
import botocore.loaders
import botocore.session
import pytest
from xdist.scheduler import LoadScopeScheduling

from local import launch, stack
from local.template import Template

# What shares something that is slow to start, by the beginning of its path, in the order in which it is begun: README's
# tests and the demo's are about one run, then come those with a stack in common. Other tests share at most a file.
SHARED = {
    "tests/workflow/test_readme.py": "demo",
    "tests/workflow/test_demo.py": "demo",
    "tests/workflow/": "workflow",
    "tests/contract/test_moto_patches": "moto patches",
    "tests/contract/": "contract",
}
ROOT = Path(__file__).resolve().parent.parent

# A shell lets what it runs in the background ignore Ctrl-C, and so would every process that a test starts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# The functions read their configuration when they are imported: they get what the template gives them.
_PARAMETERS = {"DataBucketName": stack.BUCKET, "DriftCheck": "on"}
for _spec in Template(ROOT / "template.yaml", _PARAMETERS, stack.REGION).functions():
    os.environ.update(_spec.environment)
os.environ.update(stack.new_credentials())
os.environ["POWERTOOLS_TRACE_DISABLED"] = "true"


@pytest.fixture(scope="session", autouse=True)
def _models_read_once() -> Iterator[None]:
    """Let the sessions of all tests share what botocore reads of its models, which takes longer than most of them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore.session, "create_loader", functools.cache(botocore.loaders.create_loader))
        yield


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[stack.Running]:
    """A local stack in a process of its own; `led_to` makes it the one that this process talks to."""
    options = stack.Options(logs=str(tmp_path_factory.mktemp("stack")), concurrency=2)
    with launch.running(options, "tests.server") as started:
        yield started


@contextmanager
def led_to(variables: Mapping[str, str]) -> Iterator[None]:
    """Give this process an environment that leads to a stack, for as long as the block runs and no longer."""
    with pytest.MonkeyPatch.context() as patch:
        # The SDK's own session keeps the credentials that it was made with.
        patch.setattr(boto3, "DEFAULT_SESSION", None)
        for name, value in variables.items():
            patch.setenv(name, value)
        yield


def _shared(nodeid: str) -> str | None:
    return next((name for beginning, name in SHARED.items() if nodeid.startswith(beginning)), None)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest, so that no process is left with it in the end."""
    names = [*dict.fromkeys(SHARED.values())]
    items.sort(key=lambda item: names.index(name) if (name := _shared(item.nodeid)) else len(names))


class ByWhatIsShared(LoadScopeScheduling):  # type: ignore[misc]  # xdist carries no types
    """Keeps tests that share what is slow to start in one process; all others go by their file."""

    def _split_scope(self, nodeid: str) -> str:
        return _shared(nodeid) or nodeid.split("::", 1)[0]


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> ByWhatIsShared:
    """Give xdist the scheduler above, as its own groups have no effect under this pytest."""
    return ByWhatIsShared(config, log)

"""Puts the container's program on the path, as running it from its folder does, and runs as it does."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from threadpoolctl import threadpool_limits

if TYPE_CHECKING:
    from classifier.network import Network

PROGRAM = Path(__file__).parents[3] / "training" / "algorithms" / "mirror_ridge"
sys.path.insert(0, str(PROGRAM))


@pytest.fixture(scope="session")
def network() -> "Network":
    from classifier.conversion import pretrained_network

    return pretrained_network()


@pytest.fixture(autouse=True, scope="session")
def _one_thread_for_linear_algebra() -> Iterator[None]:
    with threadpool_limits(1):
        yield

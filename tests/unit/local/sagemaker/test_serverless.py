"""When the container of a serverless fleet runs, and which requests it takes."""

import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest

from local.sagemaker.capture import Capture
from local.sagemaker.container_client import Answer, Unavailable
from local.sagemaker.metrics import Metrics
from local.sagemaker.served_container import ServedContainer
from local.sagemaker.serverless import ServerlessFleet, Throttled
from tests.waiting import LONGEST_SECONDS, wait_until

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_s3 import S3Client


class Container:
    """A container without a process: `starts` counts its starts, and each waits until `may_start` is set."""

    log = Path("endpoint.log")
    pid = None

    def __init__(self) -> None:
        self.starts = 0
        self.passes_ping = True
        self.may_start, self.may_answer = threading.Event(), threading.Event()
        self.may_start.set()
        self.may_answer.set()
        self.asked = 0
        self.looks = 0
        self._dead = threading.Event()

    def fetch_model(self) -> None:
        pass

    def start(self, stopping: threading.Event) -> bool:
        self.starts += 1
        self._dead.clear()
        while not stopping.is_set():
            if self.may_start.wait(0.01):
                return self.passes_ping
        return False

    def ended(self, seconds: float | None = None) -> bool:
        self.looks += 1
        return self._dead.wait(seconds)

    @property
    def running(self) -> bool:
        return not self._dead.is_set()

    def invoke(self, *_: object) -> Answer:
        self.asked += 1
        assert self.may_answer.wait(LONGEST_SECONDS)
        return Answer(200, "application/json", b"[]", 0.01)

    def end(self) -> None:
        self._dead.set()

    def close(self) -> None:
        pass


@pytest.fixture
def container() -> Container:
    return Container()


@contextmanager
def serving(
    container: Container, *, at_once: int = 2, idle_seconds: float = 0.02
) -> Iterator[tuple[ServerlessFleet, Metrics]]:
    """Serve by a container, and stop in the end."""
    metrics = Metrics(cast("CloudWatchClient", None))
    fleet = ServerlessFleet(
        "ep",
        "AllTraffic",
        cast("ServedContainer", container),
        Capture("ep", "AllTraffic", None, cast("S3Client", None)),
        max_concurrency=at_once,
        idle_seconds=idle_seconds,
        metrics=metrics,
    )
    assert fleet.wait() is None
    yield fleet, metrics
    container.may_answer.set()
    fleet.stop()
    assert not container.running


def ask(fleet: ServerlessFleet) -> int:
    """Send one request, as an endpoint does."""
    fleet.enter()
    try:
        return fleet.invoke(b"", {}, None).status
    finally:
        fleet.leave()


@contextmanager
def asking(fleet: ServerlessFleet, count: int) -> Iterator[list[Future[int]]]:
    """Send requests at once."""
    with ThreadPoolExecutor(count) as pool:
        yield [pool.submit(ask, fleet) for _ in range(count)]


def setups(metrics: Metrics) -> int:
    return len(metrics.values("ModelSetupTime", "ep", "AllTraffic", 0, float("inf")))


def test_the_container_is_checked_once_and_runs_for_requests_alone(container: Container) -> None:
    with serving(container) as (fleet, metrics):
        assert (container.starts, container.running, setups(metrics)) == (1, False, 0)
        for number in (1, 2):
            assert ask(fleet) == 200
            assert (container.starts, setups(metrics)) == (1 + number, number)
            wait_until(lambda: not container.running)


def test_requests_that_come_during_a_start_wait_for_the_same_one(container: Container) -> None:
    with serving(container) as (fleet, metrics):
        container.may_start.clear()
        with asking(fleet, 2) as answers:
            wait_until(lambda: container.starts == 2)
            assert not any(answer.done() for answer in answers)
            container.may_start.set()
        assert [answer.result() for answer in answers] == [200, 200]
        assert (container.starts, setups(metrics)) == (2, 1)


def test_a_request_that_is_under_way_keeps_the_container_for_longer_than_the_time_without_requests(
    container: Container,
) -> None:
    with serving(container) as (fleet, _):
        container.may_answer.clear()
        with asking(fleet, 1) as (answer,):
            wait_until(lambda: container.asked == 1)
            before = container.looks
            wait_until(lambda: container.looks > before + 3)
            assert container.running
            container.may_answer.set()
        assert answer.result() == 200
        wait_until(lambda: not container.running)


def test_more_requests_at_once_than_the_variant_takes_are_throttled(container: Container) -> None:
    with serving(container, at_once=2) as (fleet, _):
        container.may_answer.clear()
        with asking(fleet, 2) as answers:
            wait_until(lambda: container.asked == 2)
            with pytest.raises(Throttled):
                ask(fleet)
            container.may_answer.set()
        assert [answer.result() for answer in answers] == [200, 200]
        assert ask(fleet) == 200


def test_requests_whose_container_does_not_start_fail_and_the_next_starts_another(container: Container) -> None:
    with serving(container) as (fleet, metrics):
        container.passes_ping = False
        with pytest.raises(Unavailable, match="has no running container"):
            ask(fleet)
        container.passes_ping = True
        assert ask(fleet) == 200
        assert (container.starts, setups(metrics)) == (3, 1)


def test_a_container_that_dies_is_started_for_the_next_request(container: Container) -> None:
    with serving(container, idle_seconds=LONGEST_SECONDS) as (fleet, _):
        ask(fleet)
        container.end()
        # A request may still meet the dead one, before the fleet has noticed.
        wait_until(lambda: ask(fleet) == 200 and container.starts == 3)


def test_a_request_that_waits_for_a_start_is_let_go_where_the_endpoint_is_deleted(container: Container) -> None:
    with ThreadPoolExecutor(1) as pool, serving(container) as (fleet, _):
        container.may_start.clear()
        answer = pool.submit(ask, fleet)
        wait_until(lambda: container.starts == 2)
    with pytest.raises(Unavailable, match="has no running container"):
        answer.result()

"""The fleet behind a serverless endpoint: a container that runs only while it is asked.

How SageMaker scales it: https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints.html.
"""

import threading
import time
from collections.abc import Mapping

from local.sagemaker.capture import Capture
from local.sagemaker.container_client import Answer
from local.sagemaker.fleet import Fleet
from local.sagemaker.metrics import Metrics
from local.sagemaker.served_container import ServedContainer


class Throttled(Exception):
    """As many requests as the variant takes at once are under way."""


class ServerlessFleet(Fleet):
    """Serves a variant by one container, which a request starts and a time without requests ends.

    Where SageMaker starts a container for each of the requests at once, all of them are sent to the one.
    """

    def __init__(
        self,
        endpoint: str,
        variant: str,
        container: ServedContainer,
        capture: Capture,
        *,
        max_concurrency: int,
        idle_seconds: float,
        metrics: Metrics,
    ) -> None:
        """Start the container to see that it answers `/ping`, as SageMaker does, and end it again."""
        self._slots = threading.BoundedSemaphore(max_concurrency)
        self._idle_seconds = idle_seconds
        self._metrics = metrics
        self._asked = False
        self._starts = 0
        self._left = time.monotonic()
        # Begins to serve.
        super().__init__(endpoint, variant, container, capture)

    def leave(self) -> None:
        """Count a request that was answered, from which the time without requests is measured."""
        self._left = time.monotonic()
        super().leave()

    def invoke(self, body: bytes, headers: Mapping[str, str], inference_id: str | None) -> Answer:
        """Send a request to the container, which it waits for where none runs.

        Raises:
            Throttled: the variant takes no more requests at once.
            Unavailable: the container doesn't start, or died.
        """
        if not self._slots.acquire(blocking=False):
            raise Throttled
        try:
            self._wait_for_container()
            return super().invoke(body, headers, inference_id)
        finally:
            self._slots.release()

    def _wait_for_container(self) -> None:
        with self._requests:
            if self._ready.is_set():
                return
            starts, self._asked = self._starts, True
            self._requests.notify_all()
            self._requests.wait_for(lambda: self._starts > starts or self._stopping.is_set())

    def _serve(self) -> None:
        self._container.end()
        self._decided.set()
        while True:
            with self._requests:
                self._requests.wait_for(lambda: self._asked or self._stopping.is_set())
            if self._stopping.is_set():
                return
            self._run_while_asked()

    def _run_while_asked(self) -> None:
        began = time.monotonic()
        started = self._container.start(self._stopping)
        with self._requests:
            self._starts, self._asked = self._starts + 1, False
            if started:
                self._ready.set()
            self._requests.notify_all()
        if started:
            self._metrics.add_setup(self._endpoint, self.variant, time.monotonic() - began)
            self._wait_until_unused()
        self._container.end()

    def _wait_until_unused(self) -> None:
        """Return once the container has died, or had no request for the time; new requests then wait for the next."""
        seconds = self._idle_seconds
        while not self._container.ended(seconds):
            with self._requests:
                seconds = self._left + self._idle_seconds - time.monotonic()
                if self._in_flight:
                    seconds = self._idle_seconds
                elif seconds <= 0:
                    # Under the lock: a request that enters after this sees that it must wait for a container.
                    self._ready.clear()
                    return
        self._ready.clear()

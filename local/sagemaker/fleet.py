"""The fleet behind a SageMaker endpoint on instances, as one process."""

import threading
from collections.abc import Mapping

from local.sagemaker.capture import Capture
from local.sagemaker.container_client import INVOCATION_SECONDS, Answer, Unavailable
from local.sagemaker.served_container import ServedContainer

RESTART_SECONDS = 0.5


class Fleet:
    """Serves one endpoint configuration by one container; one that dies is started again."""

    def __init__(self, endpoint: str, variant: str, container: ServedContainer, capture: Capture) -> None:
        """Start the container; `wait` returns once it answers `/ping`."""
        self.variant = variant
        self.failure: str | None = None
        self._endpoint = endpoint
        self._container = container
        self._capture = capture
        self._ready = threading.Event()
        self._decided = threading.Event()
        self._stopping = threading.Event()
        self._in_flight = 0
        self._requests = threading.Condition()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def wait(self) -> str | None:
        """Wait until the container answers `/ping`; return the reason where it never will, else None."""
        self._decided.wait()
        return self.failure

    @property
    def pid(self) -> int | None:
        """The id of the container's process, None where none runs."""
        return self._container.pid

    def enter(self) -> None:
        """Count a request that will be sent to this fleet."""
        with self._requests:
            self._in_flight += 1

    def leave(self) -> None:
        """Count a request that was answered."""
        with self._requests:
            self._in_flight -= 1
            self._requests.notify_all()

    def invoke(self, body: bytes, headers: Mapping[str, str], inference_id: str | None) -> Answer:
        """Send a request to the container and capture it with its answer; raise Unavailable if none runs."""
        if not self._ready.is_set():
            raise Unavailable(f"{self._endpoint} has no running container.")
        answer = self._container.invoke(body, headers)
        if answer.status == 200:
            self._capture.add(body, headers.get("Content-Type", ""), answer.body, answer.content_type, inference_id)
        return answer

    def retire(self) -> None:
        """Stop once every request has its answer; no new ones may come."""
        with self._requests:
            self._requests.wait_for(lambda: not self._in_flight, INVOCATION_SECONDS)
        self.stop()

    def stop(self) -> None:
        """End the container and write what was captured."""
        self._stopping.set()
        self._decided.set()
        with self._requests:
            self._requests.notify_all()
        self._container.end()
        self._thread.join()
        self._container.close()
        self._capture.close()

    def _run(self) -> None:
        try:
            self._container.fetch_model()
        except Exception as error:  # noqa: BLE001 - whatever goes wrong fails the endpoint, which reports it
            self._fail(f"The model can't be fetched: {error}")
            return
        if not self._container.start(self._stopping):
            self._container.end()
            container = f"The container for production variant {self.variant}"
            self._fail(f"{container} did not pass the ping health check; {self._container.log} has its output.")
            return
        self._serve()

    def _serve(self) -> None:
        """Keep the container, which has started, running until the fleet is stopped."""
        running = True
        while not self._stopping.is_set():
            if running:
                self._ready.set()
                self._decided.set()
                self._container.ended()
                self._ready.clear()
            else:
                self._stopping.wait(RESTART_SECONDS)
            self._container.end()
            running = not self._stopping.is_set() and self._container.start(self._stopping)
        self._container.end()

    def _fail(self, reason: str) -> None:
        self.failure = reason
        self._decided.set()

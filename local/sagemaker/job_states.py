"""The states of a training job and the moves between them.

Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeTrainingJob.html, SecondaryStatus.
"""

import math
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any


class State(StrEnum):
    """Where a training job is; the values are those of SecondaryStatus."""

    STARTING = "Starting"
    DOWNLOADING = "Downloading"
    TRAINING = "Training"
    INTERRUPTED = "Interrupted"
    UPLOADING = "Uploading"
    STOPPING = "Stopping"
    COMPLETED = "Completed"
    FAILED = "Failed"
    STOPPED = "Stopped"
    MAX_RUNTIME_EXCEEDED = "MaxRuntimeExceeded"


# The states that may follow each; what has ended stays as it is.
NEXT: Mapping[State, frozenset[State]] = {
    State.STARTING: frozenset({State.DOWNLOADING, State.STOPPING, State.FAILED}),
    State.DOWNLOADING: frozenset({State.TRAINING, State.STOPPING, State.FAILED}),
    State.TRAINING: frozenset({State.UPLOADING, State.INTERRUPTED, State.STOPPING, State.FAILED}),
    State.INTERRUPTED: frozenset({State.STARTING, State.STOPPING, State.FAILED}),
    State.UPLOADING: frozenset({State.COMPLETED, State.FAILED}),
    State.STOPPING: frozenset({State.STOPPED, State.MAX_RUNTIME_EXCEEDED, State.FAILED}),
}
# TrainingJobStatus where it isn't InProgress.
STATUSES: Mapping[State, str] = {
    State.STOPPING: "Stopping",
    State.COMPLETED: "Completed",
    State.FAILED: "Failed",
    State.STOPPED: "Stopped",
    State.MAX_RUNTIME_EXCEEDED: "Stopped",
}


class JobStates:
    """The state of a job and how it got there; the threads that move it and those that read it share one lock."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._state = State.STARTING
        self._transitions: list[dict[str, Any]] = []
        self._details: dict[str, Any] = {"FinalMetricDataList": []}
        self._record(State.STARTING)

    @property
    def current(self) -> State:
        """The state that the job is in now."""
        with self._lock:
            return self._state

    def enter(self, state: State, **details: Any) -> bool:
        """Move to a state if it may follow the current one, and note details; return whether it did."""
        with self._lock:
            if state not in NEXT.get(self._state, ()):
                return False
            self._record(state)
            self._details |= details
            return True

    def note(self, **details: Any) -> None:
        """Add details to what DescribeTrainingJob answers."""
        with self._lock:
            self._details |= details

    def describe(self) -> dict[str, Any]:
        """Return the status, times and details as DescribeTrainingJob names them."""
        with self._lock:
            return self._details | {
                "TrainingJobStatus": STATUSES.get(self._state, "InProgress"),
                "SecondaryStatus": str(self._state),
                "SecondaryStatusTransitions": [dict(one) for one in self._transitions],
                "LastModifiedTime": self._transitions[-1]["StartTime"],
            }

    def _record(self, state: State) -> None:
        now = datetime.now(UTC).timestamp()
        if self._transitions:
            self._transitions[-1]["EndTime"] = now
        self._transitions.append({"Status": str(state), "StartTime": now, "StatusMessage": str(state)})
        self._state = state
        if state is State.TRAINING:
            self._details.setdefault("TrainingStartTime", now)
        if state not in NEXT:
            self._details["TrainingEndTime"] = now
            self._details["TrainingTimeInSeconds"] = math.ceil(now - self._details.get("TrainingStartTime", now))

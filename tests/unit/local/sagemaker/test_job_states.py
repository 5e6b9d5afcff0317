"""The states of a training job: which moves are allowed, and what DescribeTrainingJob makes of them."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from local.sagemaker.job_states import NEXT, JobStates, State

TRAINING = (State.DOWNLOADING, State.TRAINING)


def after(*states: State) -> JobStates:
    job = JobStates()
    for state in states:
        assert job.enter(state)
    return job


def statuses(job: JobStates) -> list[str]:
    return [one["Status"] for one in job.describe()["SecondaryStatusTransitions"]]


def test_a_job_starts_in_progress() -> None:
    described = JobStates().describe()
    assert (described["TrainingJobStatus"], described["SecondaryStatus"]) == ("InProgress", "Starting")
    assert "TrainingEndTime" not in described


def test_a_completed_job_has_its_transitions_and_times() -> None:
    job = after(*TRAINING, State.UPLOADING)
    assert job.enter(State.COMPLETED, BillableTimeInSeconds=3)
    described = job.describe()
    assert described["TrainingJobStatus"] == described["SecondaryStatus"] == "Completed"
    assert described["BillableTimeInSeconds"] == 3
    assert statuses(job) == ["Starting", "Downloading", "Training", "Uploading", "Completed"]
    ends = [one.get("EndTime") for one in described["SecondaryStatusTransitions"]]
    starts = [one["StartTime"] for one in described["SecondaryStatusTransitions"]]
    assert ends == [*starts[1:], None]
    assert described["TrainingEndTime"] == described["LastModifiedTime"] == starts[-1]


@pytest.mark.parametrize("end", [State.COMPLETED, State.FAILED, State.STOPPED, State.MAX_RUNTIME_EXCEEDED])
def test_a_job_that_has_ended_stays_as_it_is(end: State) -> None:
    job = after(*TRAINING, *([State.UPLOADING] if end is State.COMPLETED else [State.STOPPING]), end)
    before = job.describe()
    assert not [state for state in State if job.enter(state, FailureReason="too late")]
    assert job.describe() == before


@pytest.mark.parametrize("state", [State.STARTING, State.DOWNLOADING, State.TRAINING, State.UPLOADING])
def test_a_job_that_is_stopping_goes_no_further(state: State) -> None:
    job = after(*TRAINING, State.STOPPING)
    assert not job.enter(state)
    assert job.describe()["TrainingJobStatus"] == "Stopping"


def test_only_a_job_that_trains_is_interrupted() -> None:
    assert [state for state in State if State.INTERRUPTED in NEXT.get(state, ())] == [State.TRAINING]


def test_a_job_that_starts_again_keeps_the_time_when_it_first_trained() -> None:
    job = after(*TRAINING)
    first = job.describe()["TrainingStartTime"]
    for state in (State.INTERRUPTED, State.STARTING, *TRAINING):
        assert job.enter(state)
    assert job.describe()["TrainingStartTime"] == first


def both(job: JobStates, *states: State) -> list[bool]:
    """Move a job to two states in two threads at once, and return which moves were made."""
    gate = threading.Barrier(2)

    def move(state: State) -> bool:
        gate.wait()
        return job.enter(state)

    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(move, states))


def test_of_two_threads_that_move_a_job_at_once_one_does() -> None:
    for _ in range(50):
        assert sorted(both(after(*TRAINING), State.UPLOADING, State.STOPPING)) == [False, True]

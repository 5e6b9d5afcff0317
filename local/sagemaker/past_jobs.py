"""Training jobs of an earlier run of the stack."""

from typing import Any

from local.sagemaker.job_states import NEXT, State

ENDED_WITH_THE_STACK = "The local stack ended while the job ran; start another job."


class PastJob:
    """A job that only says what it was; one that hadn't ended has failed."""

    def __init__(self, described: dict[str, Any]) -> None:
        """`described` are the fields of DescribeTrainingJob that aren't the request's."""
        ended = State(described["SecondaryStatus"]) not in NEXT
        self._described = described if ended else _failed(described)

    def describe(self) -> dict[str, Any]:
        """Return what DescribeTrainingJob answered."""
        return dict(self._described)

    def stop(self) -> None:
        """Do nothing, as the job has ended."""

    def interrupt(self) -> bool:
        """There is no instance to take."""
        return False


def _failed(described: dict[str, Any]) -> dict[str, Any]:
    last = described["LastModifiedTime"]
    return described | {
        "TrainingJobStatus": "Failed",
        "SecondaryStatus": str(State.FAILED),
        "SecondaryStatusTransitions": [
            *({"EndTime": last} | one for one in described["SecondaryStatusTransitions"]),
            {"Status": str(State.FAILED), "StartTime": last, "StatusMessage": ENDED_WITH_THE_STACK},
        ],
        "FailureReason": ENDED_WITH_THE_STACK,
        "TrainingEndTime": last,
    }

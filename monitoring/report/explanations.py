"""Where the model looked, in the images that it was least sure of: the endpoint says so on request."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

from contracts.answer import Explanation
from monitoring.capture.records import CaptureError
from monitoring.quality.evaluate import ask_endpoint
from monitoring.quality.evaluation import EvaluationError
from monitoring.report.gallery import Pair

if TYPE_CHECKING:
    from mypy_boto3_sagemaker_runtime import SageMakerRuntimeClient

EXPLAINED = 12
SECONDS = 10


@dataclass(frozen=True)
class Explanations:
    """Where the model looked, by the captured record's event; `note` says in one sentence what is missing and why."""

    by_event: dict[str, Explanation] = field(default_factory=dict)
    note: str | None = None


def explain(pairs: Sequence[Pair], *, runtime: "SageMakerRuntimeClient | None" = None) -> Explanations:
    """Ask the endpoints of the first EXPLAINED *pairs* where they look in these images.

    Only the release that gave the captured answer can tell. At the first image that it doesn't tell of, no more are
    asked for. What is asked here is captured, too, without an inference id.
    """
    config = Config(retries={"total_max_attempts": 1}, connect_timeout=SECONDS, read_timeout=SECONDS)
    runtime = runtime or boto3.client("sagemaker-runtime", config=config)
    found: dict[str, Explanation] = {}
    for pair in pairs[:EXPLAINED]:
        record, execution = pair.record, pair.execution
        if not record.endpoint or not execution.release:
            return Explanations(found, "Where the model looked is not shown: the captured answers name no release.")
        try:
            labels = execution.labels or ()
            answer = ask_endpoint(runtime, record.endpoint, labels, execution.case, record.payload(), explain=True)
        except (CaptureError, EvaluationError) as error:
            return Explanations(found, f"Where the model looked is not shown. {error}")
        if answer.release != execution.release:
            return Explanations(found, "Where the model looked is not shown: another release has taken its place.")
        if answer.explanation is None:
            return Explanations(found, f"Where the model looked is not shown: {record.endpoint} can't tell.")
        found[record.event_id] = answer.explanation
    return Explanations(found)

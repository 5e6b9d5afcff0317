"""The functions import nothing of the workflow: what they and the state machines say must agree with the contracts."""

import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from contracts.answer import Answer
from contracts.outcomes import CLASSIFIED, Outcome, ReviewReason, is_accepted, review_reason
from functions.threshold import app

ROOT = Path(__file__).parents[3]
CONTEXT: Any = SimpleNamespace(
    function_name="threshold", memory_limit_in_mb=128, invoked_function_arn="arn", aws_request_id="id"
)


@pytest.mark.parametrize("threshold", [0.0, 0.5, 0.8, 1.0])
@pytest.mark.parametrize("step", [-1, 0, 1])
def test_the_function_accepts_what_the_rule_accepts(threshold: float, step: int) -> None:
    confidence = min(max(math.nextafter(threshold, step * 2) if step else threshold, 0.0), 1.0)
    event = {"confidence": confidence, "threshold": threshold}
    if is_accepted(confidence, threshold):
        assert app.lambda_handler(event, CONTEXT)["outcome"] == Outcome.ACCEPTED
    else:
        with pytest.raises(app.ThresholdConfidenceNotMet):
            app.lambda_handler(event, CONTEXT)


@pytest.mark.parametrize("threshold", [0.9, 0.91, None])
@pytest.mark.parametrize("familiarity", [0.04, 0.05, 0.06, None])
@pytest.mark.parametrize("limit", [0.05, None])
def test_the_function_sends_to_review_what_the_rule_does_and_for_its_reason(
    threshold: float | None, familiarity: float | None, limit: float | None
) -> None:
    reason = review_reason(Answer((0.9, 0.1), familiarity=familiarity, familiarity_limit=limit), threshold)
    event = {"confidence": 0.9, "threshold": threshold, "familiarity": familiarity, "familiarity_limit": limit}
    if reason is None:
        assert app.lambda_handler(event, CONTEXT)["review_reason"] is None
    else:
        with pytest.raises(Exception) as raised:  # noqa: PT011 - its name decides
            app.lambda_handler(event, CONTEXT)
        assert reason_of(type(raised.value).__name__) == reason


def test_an_audited_image_is_accepted_for_its_reason() -> None:
    assert reason_of(app.AuditDue.__name__) == ReviewReason.AUDIT


def reason_of(error: str) -> str:
    """Return the reason that the single machine writes into the record when Check threshold raises that error."""
    text = (ROOT / "statemachine/classify_image.asl.json").read_text()
    machine = json.loads(re.sub(r"\$\{\w+\}", "1", text))["States"]
    (target,) = (one["Next"] for one in machine["Check threshold"]["Catch"] if error in one["ErrorEquals"])
    assert machine[target]["ResultPath"] == "$.review_reason"
    return str(machine[target]["Result"])


def outcomes_of(machine: str) -> set[str]:
    """Every literal that a definition gives an outcome or compares one with."""
    text = (ROOT / "statemachine" / f"{machine}.asl.json").read_text()
    # The template's substitutions are numbers where no quotes are around them.
    return set(_literals(json.loads(re.sub(r"\$\{\w+\}", "1", text))))


def _literals(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from _literals(item)
    if isinstance(value, dict):
        if isinstance(text := value.get("outcome"), str):
            yield text
        if str(value.get("Variable", "")).endswith(".outcome"):
            yield value["StringEquals"]
        if value.get("ResultPath") == "$.outcome":
            yield value["Result"]
        for inner in value.values():
            yield from _literals(inner)


def test_the_state_machines_and_the_function_name_the_outcomes_and_no_others() -> None:
    single, batch = outcomes_of("classify_image"), outcomes_of("classify_batch")
    # An execution of the single machine that fails has no outcome.
    assert single | {Outcome.ACCEPTED} == {*CLASSIFIED, Outcome.REJECTED}
    assert single | batch | {Outcome.ACCEPTED} == {*Outcome}

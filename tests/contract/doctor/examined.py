"""What the tests of `workflow doctor` look for in its checks, and an evaluation for it to read."""

import dataclasses
import json
from pathlib import Path

import pytest

from checks.check import Check, Status
from checks.doctor import examine
from checks.scope import Scope
from monitoring.quality.evaluate import EVALUATION_FILE, Prediction, assess
from tests.containers import LABELS
from training.sagemaker.stacks import DEFAULT_ENDPOINT


def write_evaluation(out: Path, threshold: float) -> None:
    """Write an evaluation that recommends a threshold: all above it are right, all below are wrong."""
    predictions = [
        Prediction(str(number), LABELS[0], LABELS[number % 2], confidence, (confidence, 1 - confidence))
        for number, confidence in enumerate([threshold + 0.01, threshold - 0.01] * 200)
    ]
    evaluation = assess("sample", DEFAULT_ENDPOINT, LABELS, predictions, 0.02)
    assert evaluation.recommended is not None
    assert evaluation.recommended.threshold == pytest.approx(threshold)
    (out / EVALUATION_FILE).write_text(json.dumps(dataclasses.asdict(evaluation)))


def bad(scope: Scope) -> dict[str, Check]:
    return {check.name: check for check in examine(scope) if check.status is Status.BAD}


def only_bad(scope: Scope) -> Check:
    (check,) = bad(scope).values()
    assert check.advice
    return check

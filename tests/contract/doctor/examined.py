"""What the tests of `workflow doctor` look for in its checks, and an evaluation for it to read."""

from pathlib import Path

from checks.check import Check, Status
from checks.doctor import examine
from checks.scope import Scope
from monitoring.quality.evaluation import EVALUATION_FILE, Prediction, Terms, assess
from tests.containers import LABELS
from training.sagemaker.stacks import DEFAULT_ENDPOINT


def write_evaluation(out: Path, own: float | None) -> None:
    """Write the evaluation of a model with a threshold of its own: all above it are right, all below are wrong.

    A model without one has none of its own, and what is above 0.8 is right.
    """
    threshold = 0.8 if own is None else own
    predictions = [
        Prediction(str(number), LABELS[0], LABELS[number % 2], confidence, (confidence, 1 - confidence))
        for number, confidence in enumerate([threshold + 0.01, threshold - 0.01] * 400)
    ]
    terms = None if own is None else Terms("3fa4c0d1e2b7", own)
    evaluation = assess("sample", DEFAULT_ENDPOINT, LABELS, predictions, terms=terms)
    evaluation.write(out / EVALUATION_FILE)


def bad(scope: Scope) -> dict[str, Check]:
    return {check.name: check for check in examine(scope) if check.status is Status.BAD}


def only_bad(scope: Scope) -> Check:
    (check,) = bad(scope).values()
    assert check.advice
    return check

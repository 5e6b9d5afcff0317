from dataclasses import replace
from itertools import combinations

import pytest

from contracts.outcomes import Outcome
from monitoring.capture.completeness import Completeness
from monitoring.drift.result import Verdict
from monitoring.drift.verdict import judge
from monitoring.drift.window import Window
from monitoring.quality.evaluation import Prediction, assess
from monitoring.report.advice import REVIEW_LIMIT, REVIEW_MARGIN, default_review_limit, next_steps, reasons_to_retrain
from monitoring.report.figures import Figures, figures
from monitoring.report.findings import findings
from tests.commands import parse, quoted
from tests.unit.samples import CLASSES, baseline, execution, sample


def reviewed(reviews: int, of: int) -> Figures:
    ends = ["REVIEW"] * reviews + ["ACCEPTED"] * (of - reviews)
    return figures([execution(n, end) for n, end in enumerate(ends)], Completeness())


def test_the_limit_of_reviews_is_what_the_test_images_let_expect_and_a_margin() -> None:
    confident = [Prediction(str(n), "bicycle", "bicycle", 0.5 + n / 20, (0.5, 0.5)) for n in range(10)]
    evaluation = assess("pedals", "pedals", CLASSES, confident, 0.02)
    assert default_review_limit(evaluation, 0.6) == pytest.approx(0.2 + REVIEW_MARGIN)
    assert default_review_limit(evaluation, 1.0) == 1
    assert default_review_limit(None, 0.6) == default_review_limit(evaluation, None) == REVIEW_LIMIT


@pytest.mark.parametrize(("reviews", "told"), [(5, False), (6, True)])
def test_reviews_at_the_limit_are_fine_and_above_it_a_reason(reviews: int, told: bool) -> None:
    assert bool(reasons_to_retrain(reviewed(reviews, 10), None, 0.5)) is told


def test_drift_is_a_reason_and_names_what_drifted() -> None:
    window = Window(CLASSES, 32)
    drifted = judge("pedals", baseline(), window, replace(sample(100, 3), labels=("bicycle",) * 100))
    stable = judge("pedals", baseline(), window, sample(100, 3))
    assert reasons_to_retrain(reviewed(0, 1), drifted, 1.0) == [
        "What the endpoint sees or says has drifted from the baseline: label mix."
    ]
    assert reasons_to_retrain(reviewed(0, 1), stable, 1.0) == []


def test_every_next_step_but_the_sorting_has_a_command() -> None:
    steps = next_steps("pedals")
    assert [step.command is None for step in steps] == [False, True, False, False, False]
    assert all("pedals-next" in (step.command or "pedals-next") for step in steps[2:])


@pytest.mark.parametrize("verdict", [None, *Verdict])
@pytest.mark.parametrize("name", ["pedals", "NAME"])
def test_every_command_of_a_report_is_one_that_the_command_line_takes(verdict: Verdict | None, name: str) -> None:
    stable = judge("pedals", baseline(), Window(CLASSES, 32), sample(100, 3))
    drift = None if verdict is None else replace(stable, verdict=verdict, checks=[])
    commands: set[str] = set()
    for count in range(1, len(Outcome) + 1):
        for ends in combinations(Outcome, count):
            counted = figures([execution(n, end) for n, end in enumerate(ends)], Completeness(expected=count))
            reasons = reasons_to_retrain(counted, drift, limit=0.4)
            steps = next_steps(name) if reasons else []
            texts = [one.text for one in findings(counted, ["It was not run."], drift, reasons)]
            commands |= {step.command for step in steps if step.command}
            commands |= {command for text in [*texts, *(step.text for step in steps)] for command in quoted(text)}
    assert len(commands) >= 4
    for command in commands:
        parse(command)

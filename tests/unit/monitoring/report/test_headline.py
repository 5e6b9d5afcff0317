"""The first sentence of the report: whether the model can be used, and why."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from contracts.outcomes import Outcome
from inference.executions import Execution
from monitoring.capture.completeness import Completeness
from monitoring.drift.result import Verdict
from monitoring.drift.verdict import Check, Drift
from monitoring.quality.diagnosis import Diagnosis, diagnose
from monitoring.quality.live_accuracy import live_accuracy
from monitoring.quality.live_quality import LiveQuality
from monitoring.quality.verdict import Level
from monitoring.report.figures import figures
from monitoring.report.headline import Headline, headline
from tests.unit.monitoring.quality.audited import decision, image
from tests.unit.monitoring.quality.evaluated import RELEASE, answers, evaluated
from tests.unit.samples import START, execution

ANSWERED = [execution(number, release=RELEASE) for number in range(10)]
USABLE = diagnose(evaluated(answers(100)))


def said(
    executions: Sequence[Execution] = ANSWERED,
    diagnosis: Diagnosis | None = USABLE,
    completeness: Completeness | None = None,
    **others: Any,
) -> Headline:
    counted = figures(executions, completeness or Completeness())
    return headline(executions, counted, diagnosis, **others)


def test_a_healthy_run_of_a_good_model_says_what_the_model_does_and_has_no_doubts() -> None:
    expected = "it accepts 100% of the images, and none of those is wrong"
    assert said() == Headline(Level.GOOD, "usable", expected)


@pytest.mark.parametrize(
    ("evaluation", "answer", "reason"),
    [
        (
            evaluated(answers(80) + answers(20, confidence=0.6)),
            "usable with review",
            "a person decides on 20% of the images",
        ),
        (
            evaluated(answers(10)),
            "usable with review",
            "20 accepted images, none of them wrong, are too few: the error may be as high as 14%",
        ),
        (
            evaluated(answers(90, wrong=10)),
            "not usable",
            "5.0% of the accepted images are wrong, and 2.0% are tolerated",
        ),
        (
            evaluated(answers(100), threshold=None),
            "not usable",
            "everything goes to review, as no threshold keeps the error at 2.0%",
        ),
        (
            evaluated(answers(50, wrong=50)[:100], threshold=0.99),
            "not usable",
            "its accuracy of 50% is not above the 100% of always answering the most frequent class",
        ),
        (
            evaluated(answers(100), trained_on={"bicycle": 4, "motorcycle": 100}),
            "usable with review",
            "it was trained on too few images, such as 4 of bicycle",
        ),
        (
            evaluated([replace(one, familiarity=0.01) for one in answers(100)], familiarity_limit=0.05),
            "not usable",
            "a person decides on 100% of the images",
        ),
    ],
)
def test_the_reason_is_the_worst_figure(evaluation: Any, answer: str, reason: str) -> None:
    found = said(diagnosis=diagnose(evaluation))
    assert (found.answer, found.reason) == (answer, reason)


def test_failed_executions_are_a_doubt_beside_the_verdict() -> None:
    failed = execution(99, Outcome.FAILED, error="EndpointBusy")
    found = said([*ANSWERED, failed])
    assert (found.answer, found.doubts) == ("usable", ("1 of 11 executions failed (EndpointBusy)",))


def test_drift_a_gap_in_the_capture_and_unexpected_ends_are_doubts() -> None:
    checks = [Check("brightness", Verdict.DRIFT, 100, 0.0, None), Check("label mix", Verdict.STABLE, 100, 0.5, None)]
    moment = START.isoformat()
    drift = Drift(Verdict.DRIFT, "pedals", "pedals", moment, moment, moment, moment, 100, 0, 0, 0, checks)
    found = said(completeness=Completeness(expected=10, joined=9), drift=drift, unexpected=["a", "b"])
    assert found.doubts == (
        "what the endpoint sees or says has drifted (brightness)",
        "2 cases did not end as expected",
        "data capture holds only 9 of 10 executions that reached the endpoint",
    )


def test_a_promise_that_is_broken_in_use_is_the_first_doubt() -> None:
    images = [image(decision(number, "other" if number < 9 else "cat")) for number in range(12)]
    live = LiveQuality("pedals", live_accuracy(images, 0.02))
    doubt = "in use, 9 of 12 audited answers are wrong, which breaks the promised error"
    assert said(live=live, unexpected=["a"]).doubts == (doubt, "1 case did not end as expected")


def test_more_reviews_than_expected_are_a_doubt() -> None:
    ends = [*ANSWERED[:7], *(execution(number, "REVIEW", 0.6, release=RELEASE) for number in range(3))]
    assert said(ends, review_limit=0.3).doubts == ()
    [doubt] = said(ends, review_limit=0.29).doubts
    assert doubt == "30% of the classified images go to review, more than the limit of 29%"


def test_a_verdict_on_another_release_says_nothing_of_the_one_that_answered() -> None:
    found = said([replace(one, release="0000") for one in ANSWERED])
    assert (found.is_known, found.level) == (False, Level.NOTICE)
    assert found.reason == f"release 0000 answered, and `workflow evaluate` has judged {RELEASE}"


def test_a_second_release_that_answered_too_is_a_doubt() -> None:
    found = said([*ANSWERED, execution(99, release="0000")])
    assert (found.answer, found.doubts) == ("usable", ("release 0000 answered too and was not evaluated",))


NO_EVALUATION = "there is no evaluation (`workflow evaluate` makes one)"


@pytest.mark.parametrize(
    ("executions", "reason"),
    [
        (
            ANSWERED,
            "; 100% of the 10 images with a known truth are labelled right, and 0.0% of the accepted ones wrong",
        ),
        (
            [execution(number, "REVIEW" if number < 3 else "ACCEPTED", truth=None) for number in range(10)],
            ", and no image here has a known truth; 30% of 10 go to review",
        ),
        ([execution(1, "REJECTED")], ", and no image was classified"),
    ],
)
def test_without_an_evaluation_it_says_what_the_images_tell(executions: list[Execution], reason: str) -> None:
    found = said(executions, None)
    assert (found.is_known, found.reason) == (False, NO_EVALUATION + reason)

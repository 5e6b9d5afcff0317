import json
import math

import pytest

from contracts.outcomes import CLASSIFIED, Outcome, ReviewReason, is_accepted, is_familiar


def test_the_ends_of_an_image_are_four() -> None:
    assert [*Outcome] == ["ACCEPTED", "REVIEW", "REJECTED", "FAILED"]
    assert CLASSIFIED == (Outcome.ACCEPTED, Outcome.REVIEW)


def test_an_outcome_is_written_as_its_name() -> None:
    assert json.dumps({"outcome": Outcome.REVIEW}) == '{"outcome": "REVIEW"}'
    assert f"{Outcome.FAILED}" == "FAILED"


@pytest.mark.parametrize(
    ("confidence", "threshold", "accepted"),
    [
        (0.8, 0.8, True),
        (math.nextafter(0.8, 0), 0.8, False),
        (math.nextafter(0.8, 1), 0.8, True),
        (0.0, 0.0, True),
        (1.0, 1.0, True),
        (math.nan, 0.0, False),
    ],
)
def test_a_confidence_equal_to_the_threshold_is_accepted(confidence: float, threshold: float, accepted: bool) -> None:
    assert is_accepted(confidence, threshold) is accepted


def test_a_model_without_a_threshold_accepts_nothing() -> None:
    assert not is_accepted(1.0, None)


@pytest.mark.parametrize(
    ("familiarity", "limit", "familiar"),
    [
        (0.05, 0.05, True),
        (math.nextafter(0.05, 0), 0.05, False),
        (1.0, 0.05, True),
        (0.0, 0.0, True),
        (math.nan, 0.0, False),
        (None, 0.05, True),
        (0.0, None, True),
        (None, None, True),
    ],
)
def test_a_familiarity_equal_to_the_limit_is_familiar(
    familiarity: float | None, limit: float | None, familiar: bool
) -> None:
    assert is_familiar(familiarity, limit) is familiar


def test_the_reasons_of_a_review_are_what_its_record_says() -> None:
    assert [*ReviewReason] == ["low confidence", "unfamiliar", "audit"]

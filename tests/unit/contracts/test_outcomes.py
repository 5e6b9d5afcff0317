import json
import math

import pytest

from contracts.outcomes import CLASSIFIED, Outcome, is_accepted


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

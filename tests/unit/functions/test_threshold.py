import math

import pytest

from functions.threshold import app
from tests.messages import exactly


@pytest.mark.parametrize(("text", "threshold"), [("0", 0.0), ("1", 1.0), ("0.8", 0.8), ("8e-1", 0.8)])
def test_a_threshold_is_a_number_from_0_to_1(text: str, threshold: float) -> None:
    assert app.threshold_of({"CONFIDENCE_THRESHOLD": text}) == threshold


@pytest.mark.parametrize("text", [None, "", "high", "1.5", "-0.1", "NaN", "inf"])
def test_a_bad_threshold_is_refused_by_the_variables_name(text: str | None) -> None:
    message = f"CONFIDENCE_THRESHOLD must be a number from 0 to 1, not {text or ''!r}."
    with pytest.raises(app.ConfigurationError, match=exactly(message)):
        app.threshold_of({} if text is None else {"CONFIDENCE_THRESHOLD": text})


@pytest.mark.parametrize("confidence", [0.8, 0.8000001, 1.0])
def test_a_confidence_at_or_above_the_threshold_passes(confidence: float) -> None:
    app.check(confidence, 0.8)


@pytest.mark.parametrize("confidence", [0.0, 0.5, math.nextafter(0.8, 0)])
def test_a_confidence_below_the_threshold_needs_a_person(confidence: float) -> None:
    with pytest.raises(app.ThresholdConfidenceNotMet, match=r"is below the threshold 0\.8000\.$"):
        app.check(confidence, 0.8)


@pytest.mark.parametrize("confidence", [0, 0.0, 0.25, 1, 1.0])
def test_a_confidence_is_a_number_from_0_to_1(confidence: float) -> None:
    assert app.confidence_of({"confidence": confidence}) == confidence
    assert type(app.confidence_of({"confidence": confidence})) is float


@pytest.mark.parametrize(
    "event",
    [None, [], {}, *({"confidence": value} for value in (None, "0.9", True, -0.1, 1.1, math.nan, math.inf))],
)
def test_an_event_without_a_confidence_is_invalid(event: object) -> None:
    with pytest.raises(app.InvalidEvent, match=exactly("The event must have confidence, a number from 0 to 1.")):
        app.confidence_of(event)

import hashlib
import math
from typing import Any

import pytest

from functions.threshold import app
from tests.messages import exactly


def event(confidence: Any = 0.9, threshold: Any = 0.8, **more: Any) -> dict[str, Any]:
    return {"confidence": confidence, "threshold": threshold, **more}


@pytest.mark.parametrize("confidence", [0.8, 0.8000001, 1.0, 1])
def test_a_confidence_at_or_above_the_threshold_passes(confidence: float) -> None:
    app.check(event(confidence))


@pytest.mark.parametrize("confidence", [0, 0.0, 0.5, math.nextafter(0.8, 0)])
def test_a_confidence_below_the_threshold_needs_a_person(confidence: float) -> None:
    with pytest.raises(app.ThresholdConfidenceNotMet, match=r"is below the threshold 0\.8000\.$"):
        app.check(event(confidence))


def test_a_release_without_a_threshold_accepts_nothing() -> None:
    with pytest.raises(app.ThresholdConfidenceNotMet, match="no threshold, so that it accepts nothing"):
        app.check(event(1.0, None))


@pytest.mark.parametrize(("familiarity", "limit"), [(0.05, 0.05), (1, 0.05), (0, 0), (None, None), (None, 0.05)])
def test_an_image_at_or_above_the_limit_or_of_unknown_familiarity_passes(
    familiarity: float | None, limit: float | None
) -> None:
    app.check(event(familiarity=familiarity, familiarity_limit=limit))
    app.check(event())


@pytest.mark.parametrize("familiarity", [0.0, math.nextafter(0.05, 0)])
def test_an_unfamiliar_image_needs_a_person_whatever_the_confidence(familiarity: float) -> None:
    with pytest.raises(app.ImageUnfamiliar, match=r"is below the limit 0\.0500\.$"):
        app.check(event(1.0, familiarity=familiarity, familiarity_limit=0.05))


def test_of_both_reasons_the_low_confidence_is_named() -> None:
    with pytest.raises(app.ThresholdConfidenceNotMet):
        app.check(event(0.5, familiarity=0.0, familiarity_limit=0.05))


NONSENSE: tuple[object, ...] = ("0.9", True, -0.1, 1.1, math.nan, math.inf, [])


@pytest.mark.parametrize("given", [None, [], {}, *(event(value) for value in (None, *NONSENSE))])
def test_an_event_without_a_confidence_is_invalid(given: object) -> None:
    with pytest.raises(app.InvalidEvent, match=exactly("The event must have confidence, a number from 0 to 1.")):
        app.check(given)


def test_an_event_without_a_threshold_is_invalid() -> None:
    message = "The event must have threshold, a number from 0 to 1, or null to accept nothing."
    with pytest.raises(app.InvalidEvent, match=exactly(message)):
        app.check({"confidence": 0.9})


@pytest.mark.parametrize("key", ["threshold", "familiarity", "familiarity_limit"])
@pytest.mark.parametrize("value", NONSENSE)
def test_a_threshold_or_a_familiarity_that_is_no_share_is_invalid(key: str, value: object) -> None:
    with pytest.raises(app.InvalidEvent, match=exactly(f"The event must have {key}, a number from 0 to 1.")):
        app.check(event() | {"familiarity": 0.5, "familiarity_limit": 0.05} | {key: value})


@pytest.mark.parametrize("checksum", ["0" * 64, "051eb851eb851e" + "0" * 50])
def test_an_image_whose_checksum_is_in_the_share_is_audited(checksum: str) -> None:
    assert app.is_audited(event(sha256=checksum), 0.02)
    assert app.is_audited(event(sha256=checksum), 1)
    assert not app.is_audited(event(sha256=checksum), 0)


@pytest.mark.parametrize("checksum", ["f" * 64, "051eb851eb851f" + "0" * 50])
def test_an_image_whose_checksum_is_beyond_the_share_is_not(checksum: str) -> None:
    assert not app.is_audited(event(sha256=checksum), 0.02)
    assert app.is_audited(event(sha256=checksum), 1)


def test_the_share_of_audited_images_is_what_the_rate_says() -> None:
    checksums = [hashlib.sha256(str(number).encode()).hexdigest() for number in range(20_000)]
    assert sum(app.is_audited(event(sha256=one), 0.02) for one in checksums) == pytest.approx(400, abs=60)


def test_a_direct_caller_without_a_checksum_is_not_audited() -> None:
    assert not app.is_audited(event(), 1)
    assert not app.is_audited(event(sha256=None), 1)


@pytest.mark.parametrize("checksum", ["", "25c6", "G" * 64, "F" * 64, 7, ["0" * 64]])
def test_a_checksum_that_is_none_is_invalid(checksum: object) -> None:
    with pytest.raises(app.InvalidEvent, match="64 hexadecimal digits"):
        app.is_audited(event(sha256=checksum), 0.02)


@pytest.mark.parametrize(("text", "rate"), [("0", 0), ("0.02", 0.02), ("1", 1)])
def test_the_rate_is_read_from_the_environment(text: str, rate: float) -> None:
    assert app.audit_rate_of({"AUDIT_RATE": text}) == rate


@pytest.mark.parametrize("environment", [{}, *({"AUDIT_RATE": text} for text in ("", "-0.1", "1.1", "nan", "2%"))])
def test_a_rate_that_is_no_share_is_a_configuration_error(environment: dict[str, str]) -> None:
    with pytest.raises(app.ConfigurationError, match="AUDIT_RATE must be a number from 0 to 1"):
        app.audit_rate_of(environment)

from datetime import timedelta

import pytest

from functions.drift import app
from tests.messages import exactly


@pytest.mark.parametrize(("text", "hours"), [("1", 1), ("24", 24), ("168", 168)])
def test_the_window_may_be_from_1_to_168_hours(text: str, hours: int) -> None:
    assert app.window_of({"WINDOW_HOURS": text}) == timedelta(hours=hours)


@pytest.mark.parametrize("text", [None, "", "0", "169", "-1", "1.5", "²", "NaN"])
def test_a_bad_window_is_refused_by_the_variables_name(text: str | None) -> None:
    message = f"WINDOW_HOURS must be a whole number from 1 to 168, not {text or ''!r}."
    with pytest.raises(app.ConfigurationError, match=exactly(message)):
        app.window_of({} if text is None else {"WINDOW_HOURS": text})


@pytest.mark.parametrize(("text", "error"), [("0.02", 0.02), ("0.001", 0.001), ("0.499", 0.499)])
def test_the_promised_error_may_be_above_0_and_below_a_half(text: str, error: float) -> None:
    assert app.max_error_of({"MAX_ERROR": text}) == error


@pytest.mark.parametrize("text", [None, "", "0", "0.5", "-0.1", "nan", "2%"])
def test_a_bad_promised_error_is_refused_by_the_variables_name(text: str | None) -> None:
    message = f"MAX_ERROR must be a number above 0 and below 0.5, not {text or ''!r}."
    with pytest.raises(app.ConfigurationError, match=exactly(message)):
        app.max_error_of({} if text is None else {"MAX_ERROR": text})


@pytest.mark.parametrize("environment", [{}, {"DATA_BUCKET": "", "ENDPOINT_NAME": ""}])
def test_a_missing_bucket_or_endpoint_is_refused_by_the_variables_name(environment: dict[str, str]) -> None:
    message = "DATA_BUCKET must name the bucket of baselines and captured data."
    with pytest.raises(app.ConfigurationError, match=exactly(message)):
        app.bucket_of(environment)
    with pytest.raises(app.ConfigurationError, match=exactly("ENDPOINT_NAME must name the endpoint to watch.")):
        app.endpoint_of(environment)


def test_the_bucket_and_the_endpoint_are_those_that_the_variables_name() -> None:
    environment = {"DATA_BUCKET": "data", "ENDPOINT_NAME": "pedals"}
    assert (app.bucket_of(environment), app.endpoint_of(environment)) == ("data", "pedals")

"""What the report is about is named before any figure."""

from dataclasses import replace
from datetime import timedelta

import pytest

from monitoring.capture.completeness import Completeness
from monitoring.report.figures import figures
from monitoring.report.subject import Fact, TrainedModel, facts
from tests.unit.monitoring.quality.evaluated import RELEASE, answers, evaluated
from tests.unit.samples import START, execution

MODEL = TrainedModel("pedals-2026-11-23", "pedals", RELEASE)
ANSWERED = [execution(number, release=RELEASE) for number in range(3)]


def named(*arguments: object, **others: object) -> dict[str, tuple[str, str]]:
    found = facts(*arguments, **others)  # type: ignore[arg-type]
    return {one.name: (one.value, one.note) for one in found}


def test_model_data_set_release_endpoint_time_and_images_are_named_in_this_order() -> None:
    executions = [*ANSWERED, execution(3, "REJECTED")]
    found = facts(executions, figures(executions, Completeness()), MODEL, evaluated(answers(10)))
    assert found == [
        Fact("Model", "pedals-2026-11-23", "training job"),
        Fact("Data set", "pedals", "200 images to train, 20 to test"),
        Fact("Release", RELEASE),
        Fact("Endpoint and variant", "pedals / AllTraffic"),
        Fact("Time", "2026-11-23 09:00:00 to 09:00:03 UTC"),
        Fact("Images", "4", "3 of them classified"),
    ]


def test_a_model_that_did_not_answer_is_not_named_as_if_it_had() -> None:
    executions = [replace(one, release="0000") for one in ANSWERED]
    found = named(executions, figures(executions, Completeness()), MODEL)
    assert found["Model"] == ("not known", "model.json describes another release than the one that answered")
    assert found["Release"][0] == "0000"
    assert "Data set" not in found


def test_captured_records_name_every_release_with_its_images_and_the_data_set_of_the_baseline() -> None:
    executions = [execution(n, seconds=None, release=name) for n, name in enumerate(["a", "b", "b", None])]
    found = named(executions, figures(executions, Completeness()), dataset="pedals")
    assert found["Model"] == ("not known", "there is no model.json")
    assert found["Data set"] == ("pedals", "")
    assert found["Releases"] == ("b (2), a (1), not named (1)", "and how many images each answered")
    assert found["Images"] == ("4", "captured records, which tell nothing of rejections and failures")


@pytest.mark.parametrize(
    ("lasts", "text"),
    [
        (timedelta(0), "2026-11-23 09:00:00 UTC"),
        (timedelta(hours=2), "2026-11-23 09:00:00 to 11:00:00 UTC"),
        (timedelta(days=1), "2026-11-23 09:00:00 to 2026-11-24 09:00:00 UTC"),
    ],
)
def test_the_time_has_no_more_words_than_it_needs(lasts: timedelta, text: str) -> None:
    executions = [execution(1, started=START.isoformat()), execution(2, started=(START + lasts).isoformat())]
    assert named(executions, figures(executions, Completeness()))["Time"][0] == text


def test_a_model_that_names_no_release_is_the_one_that_was_trained_last() -> None:
    executions = [execution(1)]
    found = named(executions, figures(executions, Completeness()), replace(MODEL, release=None))
    assert found["Model"] == ("pedals-2026-11-23", "training job")
    assert found["Release"] == ("not named", "the answers don't say")

import json
from typing import Any

import pytest

from contracts.answer import (
    Answer,
    InvalidAnswer,
    LabelsDisagree,
    LabelsUnknown,
    ThresholdUnknown,
    parse_answer,
    read_answer,
)
from tests.messages import exactly

LABELS = ("bicycle", "motorcycle")
DESCRIBED = {
    "probabilities": [0.25, 0.75],
    "labels": ["bicycle", "motorcycle"],
    "release": "3fa4c0d1e2b7",
    "threshold": 0.93,
    "familiarity": 0.41,
    "familiarity_limit": 0.05,
}


def body(**changes: Any) -> bytes:
    return json.dumps(DESCRIBED | changes).encode()


def without(*keys: str) -> bytes:
    return json.dumps({key: value for key, value in DESCRIBED.items() if key not in keys}).encode()


@pytest.mark.parametrize("labels", [(), LABELS, list(LABELS)])
def test_an_answer_that_describes_itself_brings_its_labels_and_threshold(labels: tuple[str, ...]) -> None:
    answer = parse_answer(body(), labels)
    assert answer == Answer((0.25, 0.75), LABELS, "3fa4c0d1e2b7", 0.93, 0.41, 0.05)
    assert (answer.label, answer.confidence, answer.best) == ("motorcycle", 0.75, 1)
    assert answer.describes_itself


def test_a_threshold_of_null_is_an_answer_of_a_release_that_accepts_nothing() -> None:
    answer = parse_answer(body(threshold=None))
    assert answer.threshold is None
    assert answer.describes_itself


@pytest.mark.parametrize(
    "given", [without("familiarity", "familiarity_limit"), body(familiarity=None, familiarity_limit=None)]
)
def test_familiarity_may_be_unknown(given: bytes) -> None:
    answer = parse_answer(given)
    assert (answer.familiarity, answer.familiarity_limit) == (None, None)


def test_an_explanation_is_a_grid() -> None:
    assert parse_answer(body(explanation=[[0.5, 0.25, 0], [0.25, 0.0, 0]])).explanation == (
        (0.5, 0.25, 0),
        (0.25, 0, 0),
    )
    assert parse_answer(body(explanation=None)).explanation is None


def test_what_a_later_release_adds_is_no_fault() -> None:
    assert parse_answer(body(mood="fine")) == parse_answer(body())


@pytest.mark.parametrize(
    ("given", "probabilities"),
    [
        (b"[0.25, 0.75]", (0.25, 0.75)),
        (b"[0, 1]", (0.0, 1.0)),
        (b"[0.2504, 0.7501]", (0.2504, 0.7501)),
        (b" [1.0, 0.0]\n", (1.0, 0.0)),
    ],
)
def test_a_plain_list_has_the_labels_of_its_caller(given: bytes, probabilities: tuple[float, ...]) -> None:
    answer = parse_answer(given, LABELS)
    assert answer == Answer(probabilities, LABELS)
    assert {type(value) for value in answer.probabilities} == {float}
    assert not answer.describes_itself


def test_a_plain_list_without_labels_is_refused_by_name() -> None:
    with pytest.raises(LabelsUnknown, match="names no labels"):
        parse_answer(b"[0.25, 0.75]")
    assert read_answer(b"[0.25, 0.75]") == Answer((0.25, 0.75))


@pytest.mark.parametrize(
    ("answer", "override", "threshold"),
    [
        (parse_answer(body()), None, 0.93),
        (parse_answer(body(threshold=None)), None, None),
        (parse_answer(body()), 0.5, 0.5),
        (parse_answer(body(threshold=None)), 0.0, 0.0),
        (read_answer(b"[0.5, 0.5]"), 0.0, 0.0),
    ],
)
def test_the_threshold_is_the_releases_own_unless_it_is_overridden(
    answer: Answer, override: float | None, threshold: float | None
) -> None:
    assert answer.threshold_under(override) == threshold


def test_a_plain_list_has_no_threshold() -> None:
    with pytest.raises(ThresholdUnknown, match="names no threshold"):
        read_answer(b"[0.5, 0.5]").threshold_under(None)


@pytest.mark.parametrize("labels", [("motorcycle", "bicycle"), ("bicycle", "car"), ("bicycle", "motorcycle", "car")])
def test_labels_other_than_those_expected_are_refused_by_name(labels: tuple[str, ...]) -> None:
    message = f"The model's labels are bicycle,motorcycle, and {','.join(labels)} were expected."
    with pytest.raises(LabelsDisagree, match=exactly(message)):
        parse_answer(body(), labels)


def test_of_equal_probabilities_the_first_wins() -> None:
    assert parse_answer(b"[0.5, 0.5]", LABELS).label == "bicycle"


NOT_JSON = "The model's answer isn't JSON."
NOT_AN_ANSWER = "The model's answer is neither a list of probabilities nor an object with them."
TOO_FEW = "The model's answer isn't a list of 2 or more probabilities."
NOT_A_NUMBER = "The model's answer has a value that isn't a number from 0 to 1."
NOT_NAMES = "The labels of the model's answer aren't a list of names."
NOT_DIFFERENT = "The model's answer doesn't name 2 different labels for its 2 probabilities."
NO_RELEASE = "The release of the model's answer isn't 1 to 64 letters, digits or ._-."
NO_GRID = "The explanation of the model's answer isn't a grid of numbers from 0 to 1."
HALF = "The model's answer has only one of familiarity and familiarity_limit."


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (b"", NOT_JSON),
        (b"not json", NOT_JSON),
        (b"\xff\xfe\x00", NOT_JSON),
        (b"[" * 200_000, NOT_JSON),
        (b"[" * 200_000 + b"]" * 200_000, NOT_JSON),
        (b'{"a":' * 100_000, NOT_JSON),
        (b"0.5", NOT_AN_ANSWER),
        (b"null", NOT_AN_ANSWER),
        (b"[]", TOO_FEW),
        (b"[1.0]", TOO_FEW),
        (b"[0.2, 0.3, 0.5]", "The model's answer isn't a list of 2 probabilities."),
        (b"[[0.2, 0.8]]", TOO_FEW),
        (b'["0.2", "0.8"]', NOT_A_NUMBER),
        (b"[true, false]", NOT_A_NUMBER),
        (b"[null, 1.0]", NOT_A_NUMBER),
        (b"[NaN, 1.0]", NOT_A_NUMBER),
        (b"[Infinity, 0.0]", NOT_A_NUMBER),
        (b"[-0.1, 1.1]", NOT_A_NUMBER),
        (b"[0.0, 1.0005]", NOT_A_NUMBER),
        (b"[0.5, 0.4985]", "The model's probabilities sum to 0.9985, not 1."),
        (b"[0.5, 0.5015]", "The model's probabilities sum to 1.0015, not 1."),
        (b"{}", "The model's answer has no probabilities."),
        (without("labels"), "The model's answer has no labels."),
        (without("release"), "The model's answer has no release."),
        (without("threshold"), "The model's answer has no threshold."),
        (body(probabilities=[0.25, 0.7]), "The model's probabilities sum to 0.9500, not 1."),
        (body(probabilities={"a": 1}), TOO_FEW),
        (body(labels="bicycle,motorcycle"), NOT_NAMES),
        (body(labels=["bicycle", 1]), NOT_NAMES),
        (body(labels=["bicycle", ""]), NOT_NAMES),
        (body(labels=["bicycle", "motor\ncycle"]), NOT_NAMES),
        (body(labels=["bicycle", "\ud800"]), NOT_NAMES),
        (body(labels=["bicycle", "bicycle"]), NOT_DIFFERENT),
        (body(labels=["bicycle"]), NOT_DIFFERENT),
        (body(labels=["a", "b", "c"]), NOT_DIFFERENT),
        (body(release=None), NO_RELEASE),
        (body(release=""), NO_RELEASE),
        (body(release="a/../b"), NO_RELEASE),
        (body(release="r" * 65), NO_RELEASE),
        (body(threshold=1.01), "The threshold of the model's answer isn't a number from 0 to 1."),
        (body(threshold="0.9"), "The threshold of the model's answer isn't a number from 0 to 1."),
        (body(threshold=True), "The threshold of the model's answer isn't a number from 0 to 1."),
        (body(familiarity=-0.1), "The familiarity of the model's answer isn't a number from 0 to 1."),
        (body(familiarity_limit=5), "The familiarity_limit of the model's answer isn't a number from 0 to 1."),
        (body(familiarity=None), HALF),
        (without("familiarity_limit"), HALF),
        (body(explanation=[]), NO_GRID),
        (body(explanation=[[]]), NO_GRID),
        (body(explanation=[[0.5, 0.5], [0.5]]), NO_GRID),
        (body(explanation=[[10**400]]), NO_GRID),
        (body(explanation=[["1"]]), NO_GRID),
        (body(explanation="map"), NO_GRID),
    ],
)
def test_anything_else_is_an_invalid_answer(given: bytes, message: str) -> None:
    with pytest.raises(InvalidAnswer, match=exactly(message)):
        parse_answer(given, LABELS)


@pytest.mark.parametrize("labels", [("a",), ("a", "b", "c")])
def test_a_plain_list_of_another_length_than_its_labels_is_invalid(labels: tuple[str, ...]) -> None:
    with pytest.raises(InvalidAnswer, match=f"isn't a list of {len(labels)} probabilities"):
        parse_answer(b"[0.5, 0.5]", labels)

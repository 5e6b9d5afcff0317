"""What training left of the test images is read line by line, or refused by name."""

import json
from typing import Any

import pytest

from contracts.judged import JudgedError, parse_judged

ANSWER = {
    "probabilities": [0.25, 0.75],
    "labels": ["bicycle", "motorcycle"],
    "release": "3fa4c0d1e2b7",
    "threshold": 0.7,
    "familiarity": 0.41,
    "familiarity_limit": 0.05,
}


def line(digit: str = "a", truth: str = "motorcycle", **changes: Any) -> str:
    row = {"file": f"{digit}.png", "class": truth, "sha256": digit * 64, "answer": ANSWER | changes}
    return json.dumps(row) + "\n"


@pytest.mark.parametrize(
    ("changes", "accepted"),
    [
        ({}, True),
        ({"threshold": 0.75}, True),
        ({"threshold": 0.76}, False),
        ({"threshold": None}, False),
        ({"familiarity": 0.05}, True),
        ({"familiarity": 0.04}, False),
    ],
    ids=["confident", "equal to the threshold", "below", "accepts nothing", "equal to the limit", "unfamiliar"],
)
def test_an_image_is_accepted_as_in_the_workflow(changes: dict[str, Any], accepted: bool) -> None:
    (judged,) = parse_judged(line(**changes), "a")
    assert (judged.right, judged.accepted) == (True, accepted)


def test_an_answer_is_right_where_its_label_is_the_class() -> None:
    assert [one.right for one in parse_judged(line() + line("b", "bicycle"), "a")] == [True, False]


def test_an_image_that_is_there_twice_counts_once() -> None:
    assert [one.file for one in parse_judged(line("b") + line("a") + line("b", "bicycle"), "a")] == ["b.png", "a.png"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "of job has no images"),
        ("{}\n", "is not what training writes"),
        ("[1]\n", "is not what training writes"),
        ("no JSON\n", "is not what training writes"),
        (line(release=None), "is not what training writes"),
        (line(probabilities=[0.5, 0.7]), "is not what training writes"),
        (line("g"), "is not what training writes"),
        (line().replace('"a.png"', "7"), "is not what training writes"),
        (json.dumps({"file": "a", "class": "b", "sha256": "a" * 64, "answer": [0.5, 0.5]}), "its release"),
    ],
)
def test_anything_else_is_refused_by_name(text: str, reason: str) -> None:
    with pytest.raises(JudgedError, match=reason):
        parse_judged(text, "job")

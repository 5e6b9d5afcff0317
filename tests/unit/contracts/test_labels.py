import dataclasses
import json
from typing import Any

import pytest

from contracts.dataset import DatasetError
from contracts.labels import (
    LONGEST_NAME,
    Decision,
    InvalidLabels,
    LabelledImage,
    ModelAnswer,
    label_key,
    labels_folder,
)
from contracts.outcomes import ReviewReason

SHA = "0f" * 32
ANSWER = ModelAnswer("3fa4c0d1e2b7", "cat", 0.7, 0.93, 0.41, (0.7, 0.3), ("cat", "dog"))


def decision(label: str | None = "cat", reviewer: str = "ann", second: int = 0, *, undone: bool = False) -> Decision:
    when = f"2026-11-25T10:00:{second:02}+00:00"
    return Decision(label, reviewer, when, 1.5, ReviewReason.LOW_CONFIDENCE, ANSWER, undone)


def image(*decisions: Decision) -> LabelledImage:
    return LabelledImage(SHA, "bucket", "incoming/a b.jpg", None, decisions)


def test_a_record_survives_being_written_and_read() -> None:
    written = image(decision(), decision(None, "bob", 1, undone=True))
    assert LabelledImage.from_json(written.to_json(), "here") == written
    unknown = dataclasses.replace(ANSWER, release=None, threshold=None, familiarity=None)
    audited = dataclasses.replace(decision(), seconds=None, reason=ReviewReason.AUDIT, model=unknown)
    assert LabelledImage.from_json(image(audited).to_json(), "here") == image(audited)


def test_a_record_has_the_keys_that_other_tools_read() -> None:
    record = json.loads(image(decision(None)).to_json())
    assert [*record] == ["sha256", "s3_bucket", "s3_key", "s3_version_id", "decisions"]
    (only,) = record["decisions"]
    assert [*only] == ["label", "reviewer", "decided_at", "seconds", "reason", "model", "undone"]
    assert only["reason"] == "low confidence"
    assert only["label"] is None
    assert [*only["model"]] == [
        "release",
        "label",
        "confidence",
        "threshold",
        "familiarity",
        "inferences",
        "labels",
    ]


@pytest.mark.parametrize(
    ("decisions", "label", "disputed"),
    [
        ([], "-", False),
        ([decision("cat")], "cat", False),
        ([decision(None)], None, False),
        ([decision("cat", undone=True)], "-", False),
        ([decision("cat"), decision("dog", second=1)], "dog", False),
        ([decision("cat"), decision("dog", second=1, undone=True)], "cat", False),
        ([decision("cat"), decision("cat", "bob", 1)], "cat", False),
        ([decision("cat"), decision("dog", "bob", 1)], "-", True),
        ([decision("cat"), decision(None, "bob", 1)], "-", True),
        ([decision("cat"), decision("dog", "bob", 1), decision("dog", "eve", 2)], "dog", False),
        ([decision("cat"), decision("dog", "bob", 1), decision(None, "eve", 2)], "-", True),
        ([decision("cat"), decision("dog", "bob", 1), decision("cat", "bob", 2)], "cat", False),
    ],
)
def test_each_person_has_one_vote_and_the_label_with_most_votes_counts(
    decisions: list[Decision], label: str | None, disputed: bool
) -> None:
    found = image(*decisions)
    assert found.disputed is disputed
    assert (found.settled.label if found.settled else "-") == label


def test_the_last_decision_of_those_that_agree_is_the_settled_one() -> None:
    assert image(decision(), decision(reviewer="bob", second=1)).settled == decision(reviewer="bob", second=1)


def changed(place: str, value: Any) -> str:
    record: Any = json.loads(image(decision()).to_json())
    *path, last = place.split(".")
    target = record
    for part in path:
        target = target[int(part)] if part.isdigit() else target[part]
    if value is KeyError:
        del target[last]
    else:
        target[last] = value
    return json.dumps(record)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("sha256", "0F" * 32),
        ("sha256", SHA[:-1]),
        ("sha256", "../" + SHA),
        ("s3_bucket", ""),
        ("s3_key", None),
        ("s3_version_id", ""),
        ("decisions", None),
        ("decisions", {}.fromkeys("ab")),
        ("decisions.0.label", "fox"),
        ("decisions.0.label", ["cat"]),
        ("decisions.0.label", KeyError),
        ("decisions.0.reviewer", ""),
        ("decisions.0.reviewer", "a\nb"),
        ("decisions.0.reviewer", "a" * (LONGEST_NAME + 1)),
        ("decisions.0.decided_at", "2026-11-25T10:00:00"),
        ("decisions.0.decided_at", "2026-11-25T10:00:00+01:00"),
        ("decisions.0.decided_at", "yesterday"),
        ("decisions.0.decided_at", 5),
        ("decisions.0.seconds", -1),
        ("decisions.0.seconds", True),
        ("decisions.0.reason", "curiosity"),
        ("decisions.0.undone", 0),
        ("decisions.0.model", None),
        ("decisions.0.model.labels", []),
        ("decisions.0.model.labels", ["cat", "cat"]),
        ("decisions.0.model.labels", ["cat", ""]),
        ("decisions.0.model.labels", [{}, "cat"]),
        ("decisions.0.model.inferences", [0.7]),
        ("decisions.0.model.inferences", [0.7, 1.3]),
        ("decisions.0.model.inferences", "ab"),
        ("decisions.0.model.label", "fox"),
        ("decisions.0.model.confidence", None),
        ("decisions.0.model.threshold", 2),
        ("decisions.0.model.familiarity", "high"),
        ("decisions.0.model.release", 5),
        ("decisions.0.model.release", KeyError),
    ],
)
def test_a_record_that_makes_no_sense_is_refused_by_its_place(place: str, value: Any) -> None:
    with pytest.raises(InvalidLabels, match=r"^s3://bucket/key is not a record"):
        LabelledImage.from_json(changed(place, value), "s3://bucket/key")


@pytest.mark.parametrize("text", ["", "[]", "null", "{", b"\xff", "[" * 100_000])
def test_a_text_that_is_no_record_is_refused(text: str | bytes) -> None:
    with pytest.raises(InvalidLabels, match=r"^there is not"):
        LabelledImage.from_json(text, "there")


def test_a_key_is_below_its_data_set_and_nowhere_else() -> None:
    assert label_key("pets", SHA) == f"labels/pets/{SHA}.json"
    for name in ("", "..", "a/b", "Pets", "a" * 64):
        with pytest.raises(DatasetError):
            labels_folder(name)
    for sha in ("", "../x", SHA.upper(), SHA + "0"):
        with pytest.raises(InvalidLabels):
            label_key("pets", sha)

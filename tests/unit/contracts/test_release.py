"""What a release says of itself: read as training wrote it, refused where it can't be."""

import json
from dataclasses import asdict
from typing import Any

import pytest

from contracts.release import InvalidRelease, Release, Threshold, parse_release

RECORD: dict[str, Any] = {
    "format": 2,
    "release": "3fa4c0d1e2b7",
    "labels": ["cat", "dog"],
    "features": "backbone",
    "network": {"name": "EfficientNet-Lite2", "sha256": "0" * 64},
    "threshold": {
        "value": 0.93,
        "max_error": 0.02,
        "confidence_level": 0.95,
        "images": 800,
        "accepted": 700,
        "wrong": 8,
        "error_upper": 0.0194,
    },
    "familiarity_limit": 0.05,
    "dataset_sha256": "a" * 64,
    "metrics": {"train-accuracy": 0.99},
}


def changed(**changes: Any) -> bytes:
    return json.dumps(RECORD | changes).encode()


def nothing_accepted(images: int) -> dict[str, Any]:
    return {**RECORD["threshold"], "value": None, "images": images, "accepted": 0, "wrong": 0, "error_upper": 1.0}


def test_a_release_is_read_and_written_without_loss() -> None:
    release = parse_release(changed())
    assert release is not None
    assert (release.release, release.labels, release.network) == ("3fa4c0d1e2b7", ("cat", "dog"), "EfficientNet-Lite2")
    assert release.threshold == Threshold(0.93, 0.02, 0.95, 800, 700, 8, 0.0194)
    assert Release.from_record(json.loads(json.dumps(asdict(release)))) == release


def test_without_pretraining_there_is_no_network() -> None:
    release = parse_release(changed(network=None))
    assert release is not None
    assert release.network is None


@pytest.mark.parametrize("text", [b"", b"[]", b"{}", b"\xff", b"[" * 100_000, b'{"layers": 18}'])
def test_what_another_algorithm_keeps_under_the_same_name_is_no_release(text: bytes) -> None:
    assert parse_release(text) is None


@pytest.mark.parametrize(
    "change",
    [
        {"release": ""},
        {"release": 7},
        {"labels": "cat,dog"},
        {"labels": ["cat"]},
        {"labels": ["cat", "d\x1bog"]},
        {"features": None},
        {"network": {}},
        {"network": {"name": 3}},
        {"threshold": None},
        {"threshold": RECORD["threshold"] | {"value": 1.01}},
        {"threshold": RECORD["threshold"] | {"value": "0.9"}},
        {"threshold": RECORD["threshold"] | {"accepted": 801}},
        {"threshold": RECORD["threshold"] | {"wrong": 701}},
        {"threshold": RECORD["threshold"] | {"images": 0, "accepted": 0, "wrong": 0}},
        {"threshold": RECORD["threshold"] | {"max_error": 0}},
        {"threshold": RECORD["threshold"] | {"confidence_level": 1}},
        {"threshold": RECORD["threshold"] | {"wrong": True}},
        {"familiarity_limit": float("nan")},
        {"dataset_sha256": None},
        {"metrics": []},
        {"metrics": {"accuracy": "high"}},
    ],
    ids=str,
)
def test_a_release_that_cannot_be_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(InvalidRelease, match="doesn't describe a release"):
        parse_release(changed(**change))


def test_a_threshold_says_what_it_promises_and_what_that_rests_on() -> None:
    release = parse_release(changed())
    assert release is not None
    assert release.threshold.sentence == (
        "The threshold 0.93 accepts 0.88 of images at an error of at most 2% (8 wrong of 700, upper bound 1.9%)."
    )


@pytest.mark.parametrize(
    ("images", "why"),
    [
        (100, "as that takes 149 images accepted without an error, and there are 100 training images."),
        (149, "as too many of the surest answers on the 149 training images are wrong."),
    ],
)
def test_where_nothing_is_accepted_it_says_why(images: int, why: str) -> None:
    release = parse_release(changed(threshold=nothing_accepted(images)))
    assert release is not None
    assert release.threshold.sentence.startswith("Everything goes to review: no threshold keeps the error at 2%")
    assert release.threshold.sentence.endswith(why)

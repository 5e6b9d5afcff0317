"""Pictures changed at random: each ends as a picture or is refused by name, in bounded time and memory."""

import pytest

from imaging.decoding import squash
from tests import fuzzing
from tests.fuzzing import changed, fuzz, originals


@pytest.mark.drill("Hostile files")
def test_changed_pictures_end_as_pictures_or_are_refused_by_name() -> None:
    findings, ends = fuzz(400)
    assert findings == []
    # Neither so little that nothing is tried, nor so much that no decoder gets beyond the header.
    assert ends["a picture"] > 40
    assert ends["refused"] > 200


def test_every_original_is_a_picture_before_it_is_changed() -> None:
    for data in originals():
        assert squash(data, 32)[0].size == (32, 32)
    assert len({data[:4] for data in originals()}) >= 5


def test_a_number_stands_for_one_change() -> None:
    assert changed(7, originals()) == changed(7, originals())
    assert changed(7, originals()) != changed(8, originals())


@pytest.mark.parametrize(
    ("result", "complaints"),
    [
        ((["a picture", "refused"], 2.0, 1_500_000_000), []),
        ((["IndexError: x", "refused"], 0.1, 0), ["IndexError: x"]),
        ((["refused", "refused"], 2.1, 0), ["took 2.1 s"]),
        ((["refused", "refused"], 0.0, 1_500_000_001), ["took 1,500 MB"]),
        ("the process ended with -11", ["the process ended with -11"]),
    ],
)
def test_what_must_not_happen_is_a_finding(result: object, complaints: list[str]) -> None:
    assert fuzzing._complaints(result) == complaints  # type: ignore[arg-type]

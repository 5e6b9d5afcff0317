"""Where ways cross, exact to the image."""

from dataclasses import replace

import pytest

from inference.costs.crossings import Crossing, crossings, grid, most_images
from inference.costs.month import Month
from inference.costs.ways import WAYS
from tests.unit.inference.costs.months import month


def total(at: Month, name: str, images_a_day: int) -> float:
    return WAYS[name](replace(at, images_a_day=images_a_day)).total


def of(found: list[Crossing], *pair: str) -> list[Crossing]:
    return [one for one in found if {one.dearer, one.cheaper} == {*pair}]


def test_on_one_side_of_a_crossing_the_one_costs_more_and_on_the_other_it_does_not() -> None:
    at = month(1)
    found = crossings(at)
    assert found
    for one in found:
        assert total(at, one.dearer, one.images_a_day) > total(at, one.cheaper, one.images_a_day)
        assert total(at, one.dearer, one.images_a_day - 1) <= total(at, one.cheaper, one.images_a_day - 1)
        assert one.total == total(at, one.dearer, one.images_a_day)


def test_serverless_gets_dearer_than_instances_where_its_work_costs_as_much_as_their_hours() -> None:
    at = month(1)
    # By hand: 240 USD of instances, against an alarm, a metric, 0.0004 USD of work and 0.00007 of a put an image.
    (one,) = of(crossings(at), "serverless", "instance")
    assert one.dearer == "serverless"
    assert one.images_a_day == int((240 - 0.13 - 0.12) / (10 * (0.04 * 0.01 + 0.00007))) + 1


def test_a_crossing_does_not_depend_on_the_number_of_images_asked_about() -> None:
    assert crossings(month(1)) == crossings(month(123_456))


def test_nothing_is_looked_for_past_what_the_instances_can_answer() -> None:
    assert most_images(month(1)) == 8_640_000
    assert all(1 < one.images_a_day <= most_images(month(1)) for one in crossings(month(1)))


@pytest.mark.parametrize("most", [1, 2, 10, 8_640_000])
def test_the_grid_goes_from_one_to_the_most(most: int) -> None:
    places = grid(most)
    assert places[0] == 1
    assert places[-1] == most
    assert places == sorted(set(places))

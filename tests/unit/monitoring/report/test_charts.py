"""What the charts draw of a few images and of many, and what their titles say."""

import io
from collections.abc import Sequence
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from contracts.outcomes import Outcome
from inference.executions import Execution
from monitoring.quality.calibration import CalibrationBin, merged, operating_point
from monitoring.report import chart_style, confusion_chart, time_charts, titles
from monitoring.report.confidence_charts import by_label, fewest_in_box, labels
from monitoring.report.figures import classified_table, outcome_table
from monitoring.report.palette import LIGHT
from monitoring.report.panels import sketches
from tests.unit.monitoring.report.scenes import classes_of, diagnosed, executions
from tests.unit.samples import START, execution


def drawn(images: int, classes: int, lasts: timedelta) -> dict[str, str]:
    """The charts' names and titles."""
    names = classes_of(classes)
    found = sketches(executions(images, names, lasts), names, 0.9, diagnosed(50, names).evaluation)
    return {sketch.name: sketch.title for sketch in found}


def test_a_run_of_a_moment_has_no_course_over_time() -> None:
    assert [*drawn(30, 2, timedelta(seconds=100))] == ["histogram", "labels", "confusion", "coverage", "reliability"]
    assert [*drawn(30, 2, timedelta(days=1))][:3] == ["outcomes", "confidence", "histogram"]


def spread(images: int, lasts: timedelta) -> "pd.Series[pd.Timestamp]":
    moments = [START + number * lasts / max(images - 1, 1) for number in range(images)]
    return pd.Series(pd.to_datetime(moments, utc=True))


@pytest.mark.parametrize(
    ("images", "lasts", "words"),
    [
        (1000, timedelta(minutes=40), "minute"),
        (1000, timedelta(hours=5), "10 minutes"),
        (12, timedelta(hours=5), "hour"),
        (100_000, timedelta(days=7), "6 hours"),
        (30, timedelta(days=9), "day"),
        (1000, timedelta(days=300), "7 days"),
        (1000, timedelta(days=40_000), "year"),
    ],
)
def test_bars_of_time_are_few_and_have_images(images: int, lasts: timedelta, words: str) -> None:
    assert chart_style.duration(chart_style.time_step(spread(images, lasts))) == words


@pytest.mark.parametrize("images", [time_charts.MOST_POINTS, time_charts.MOST_POINTS + 1])
def test_few_images_are_points_and_many_are_bands(images: int) -> None:
    table = classified_table(executions(2 * images, classes_of(2), timedelta(days=2))).iloc[:images]
    picture = Image.open(io.BytesIO(time_charts.confidence(table, 0.9, LIGHT))).convert("RGB")
    seen = {color for _, color in picture.getcolors(1 << 24) or []}
    points = tuple(int(LIGHT.review[place : place + 2], 16) for place in (1, 3, 5))
    assert (points in seen) == (images <= time_charts.MOST_POINTS)


def test_labels_come_least_sure_first_and_every_number_of_images_can_be_drawn() -> None:
    images = [
        execution(number, confidence=0.9 - place / 10, label=name)
        for place, (name, count) in enumerate([("sure", 1), ("many", 200), ("few", 40)])
        for number in range(count)
    ]
    table = classified_table(images)
    assert [*by_label(table)] == ["few", "many", "sure"]
    assert labels(table, None, LIGHT).startswith(b"\x89PNG")


@pytest.mark.parametrize(("counts", "boxes"), [((40, 3), 0), ((41, 10, 9), 2)])
def test_labels_are_boxes_only_where_one_has_too_many_images_for_points(counts: tuple[int, ...], boxes: int) -> None:
    assert sum(count >= fewest_in_box(counts) for count in counts) == boxes


@pytest.mark.parametrize(("classes", "has_pairs"), [(4, False), (8, False), (9, True)])
def test_where_numbers_find_no_room_the_matrix_is_taller_by_the_most_confused_pairs(
    classes: int, has_pairs: bool
) -> None:
    def height(mistakes: int) -> int:
        counts = np.eye(classes, dtype=np.int64) * 50
        counts[0, 1 : 1 + mistakes] = 7
        return Image.open(io.BytesIO(confusion_chart.confusion(counts, classes_of(classes), LIGHT))).height

    assert (height(mistakes=3) > height(mistakes=1)) == has_pairs


def test_the_most_confused_pairs_come_first_and_right_answers_are_none_of_them() -> None:
    counts = np.array([[90, 7, 0], [2, 5, 0], [0, 9, 80]])
    assert confusion_chart.most_confused(counts) == [(2, 1, 9), (0, 1, 7), (1, 0, 2)]
    assert confusion_chart.most_confused(np.eye(3, dtype=np.int64)) == []


def bins(*counts: int) -> list[CalibrationBin]:
    return [CalibrationBin(n / 10, (n + 1) / 10, count, n / 10 + 0.05, 0.5) for n, count in enumerate(counts)]


@pytest.mark.parametrize(
    ("counts", "expected"),
    [((10, 10), [10, 10]), ((3, 8, 20), [11, 20]), ((20, 3, 4), [27]), ((4, 3), [7]), ((5,), [5]), ((9, 1, 9), [19])],
)
def test_bins_are_joined_until_each_has_enough_images(counts: Sequence[int], expected: list[int]) -> None:
    found = merged(bins(*counts), 10)
    assert [one.count for one in found] == expected
    assert (found[0].low, found[-1].high) == (0.0, bins(*counts)[-1].high)
    total = sum(one.count * one.confidence for one in bins(*counts))
    assert sum(one.count * one.confidence for one in found) == pytest.approx(total)


def reviewed(first: int, last: int, of: int = 100) -> list[Execution]:
    """The course of a run whose halves have these numbers of reviews."""
    ends = [Outcome.REVIEW] * first + [Outcome.ACCEPTED] * (of - first)
    ends += [Outcome.REVIEW] * last + [Outcome.ACCEPTED] * (of - last)
    return [execution(number, end, 0.9 if end is Outcome.ACCEPTED else 0.6) for number, end in enumerate(ends)]


@pytest.mark.parametrize(
    ("ends", "title"),
    [
        (reviewed(5, 30), "The share of reviews rises: 5% in the first half, 30% in the second"),
        (reviewed(60, 20), "The share of reviews falls: 60% in the first half, 20% in the second"),
        (reviewed(5, 9), "7% go to review, with no clear change over time"),
        (reviewed(0, 2, of=10), "10% go to review, with no clear change over time"),
    ],
)
def test_the_share_of_reviews_moves_only_where_its_intervals_say_so(ends: list[Execution], title: str) -> None:
    assert titles.on_outcomes(outcome_table(ends)) == title


def test_titles_say_what_the_charts_show() -> None:
    table = classified_table(reviewed(20, 80))
    assert titles.on_course(table) == "The confidence falls: a median of 90%, then 60% in the second half"
    assert titles.on_confidence(table) == "None of 200 labels is wrong"
    alike = "No label is answered with clearly less confidence than others: medians from 75% to 75%"
    assert titles.on_labels(table) == alike
    unlike = pd.concat([table, classified_table([execution(n, confidence=0.9, label="cat") for n in range(10)])])
    assert titles.on_labels(unlike) == "bicycle is answered with the least confidence: a median of 75%"
    assert titles.on_labels(table.iloc[:9]) == "No label has 10 images or more: too few to compare them"
    names = ("cat", "dog")
    assert titles.on_confusion(np.array([[9, 4], [1, 9]]), names) == "Most often, cat is taken for dog: 4 of 13 times"
    assert titles.on_confusion(np.array([[9, 1], [1, 9]]), names) == "No mistake was made more than once"
    assert titles.on_confusion(np.eye(2, dtype=np.int64), names) == "No class is taken for another"
    point = operating_point(0.9, 200, 160, 4)
    assert (
        titles.on_coverage(0.1, point, 0.02) == "The threshold accepts 80%, of which 2.5% are wrong; 2.0% are tolerated"
    )
    assert titles.on_coverage(0.1, None, 0.02) == "If everything were accepted, 10.0% would be wrong"
    said, right = np.full(100, 0.9), np.arange(100)
    assert titles.on_reliability(said, right < 90).startswith("The model is right about as often as it says: ")
    assert titles.on_reliability(said, right < 60).startswith("The model is surer than it should be: ")
    assert titles.on_reliability(said, right < 99).startswith("The model is less sure than it could be: ")


def test_wrong_labels_that_people_see_are_counted() -> None:
    wrong = [execution(1, "REVIEW", 0.6, truth="motorcycle"), execution(2, "ACCEPTED", 0.9, truth="motorcycle")]
    assert titles.on_confidence(classified_table(wrong)) == "1 of 2 wrong labels goes to review"
    assert titles.on_confidence(classified_table(wrong[:1] * 3)) == "All 3 wrong labels go to review"
    unknown = [execution(number, truth=None) for number in range(3)]
    assert titles.on_confidence(classified_table(unknown)) == "Half of the images have a confidence of 90% or more"

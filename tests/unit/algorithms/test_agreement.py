"""The container's program imports nothing of the workflow: what both say of the same input must agree."""

from pathlib import Path

import numpy as np
import pytest

from classifier.channels import read_list
from classifier.errors import DataError
from classifier.features import KINDS
from classifier.metrics import coverage
from classifier.threshold import recommend
from contracts.coverage import coverage_at_error, coverage_curve
from contracts.dataset import DatasetError, parse_lst
from monitoring.quality import calibration
from training.sagemaker.recipes import Features

LISTS = [
    "",
    "\n",
    "0\t0\ta.png\n",
    "0\t0\ta.png",
    "0\t0\ta.png\r\n1\t1\tb.png\r\n",
    "0\t0\ta.png\n\n1\t1\tb.png\n",
    "0\t0\ta.png\n\n",
    "0\t0\ta.png\n0\t1\tb.png\n",
    "0\t0\ta.png\n00\t1\tb.png\n",
    "3\t1\tfolder/b c\x0b\u2028.png\n",
    "0 0 a.png\n",
    "0\t0\n",
    "0\t0\t\n",
    "0\t0\ta\tb\n",
    "0\t0\ta\0b\n",
    "x\t0\ta.png\n",
    "-1\t0\ta.png\n",
    "+1\t0\ta.png\n",
    "1_0\t0\ta.png\n",
    " 1\t0\ta.png\n",
    "²\t0\ta.png\n",
    "٣\t0\ta.png\n",
    f"{'9' * 18}\t0\ta.png\n",
    f"{'9' * 19}\t0\ta.png\n",
    "0\t1\ta.png\n",
    "0\t2\ta.png\n",
    "0\t-1\ta.png\n",
    "0\t0\t/a.png\n",
    "0\t0\t../a.png\n",
    "0\t0\ta/../b.png\n",
    "0\t0\t.\n",
    "0\t0\ta..png\n",
]


@pytest.mark.parametrize("text", LISTS)
def test_a_list_is_read_by_the_program_as_it_is_staged(text: str, tmp_path: Path) -> None:
    path = tmp_path / "train.lst"
    path.write_bytes(text.encode())
    try:
        expected = [(entry.file, entry.label) for entry in parse_lst(text, 2, "here")]
    except DatasetError:
        with pytest.raises(DataError):
            read_list(path, 2)
    else:
        assert read_list(path, 2) == expected


def answers(scores: list[float], wrong: set[int]) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities of two classes whose larger is the score, and the true classes."""
    probabilities = np.array([[score, 1 - score] for score in scores])
    return probabilities, np.array([int(place in wrong) for place in range(len(scores))])


@pytest.mark.parametrize("max_error", [0.0, 0.02, 0.05, np.nextafter(0.1, 0), 0.1, 0.29, 0.5])
@pytest.mark.parametrize(
    ("scores", "wrong"),
    [
        ([0.9] * 10, {9}),
        ([0.9] * 10, {0}),
        ([0.9] * 100, set(range(29))),
        ([0.99, 0.9, 0.9, 0.9, 0.8], {2}),
        ([0.99, 0.9, 0.9, 0.9, 0.8], {0}),
        ([0.8, 0.9, 0.7, 0.9], {1, 2}),
        ([0.6], {0}),
        ([0.6], set()),
    ],
)
def test_the_program_measures_coverage_as_thresholds_accept(
    scores: list[float], wrong: set[int], max_error: float
) -> None:
    probabilities, codes = answers(scores, wrong)
    curve = coverage_curve(scores, [place not in wrong for place in range(len(scores))])
    assert coverage(probabilities, codes, max_error) == coverage_at_error(curve, max_error)


def test_coverage_agrees_on_many_answers_with_ties() -> None:
    rng = np.random.default_rng(3)
    for count in (1, 2, 30, 400):
        scores = (rng.integers(50, 70, count) / 70).tolist()
        wrong = {int(place) for place in np.flatnonzero(rng.uniform(size=count) < 0.1)}
        probabilities, codes = answers(scores, wrong)
        correct = probabilities.argmax(1) == codes
        curve = coverage_curve(probabilities.max(1), correct)
        assert coverage(probabilities, codes, 0.08) == coverage_at_error(curve, 0.08)


def test_the_features_that_can_be_asked_for_are_those_that_there_are() -> None:
    assert [*Features] == [*KINDS]


@pytest.mark.parametrize("max_error", [0.005, 0.02, 0.05, 0.3])
@pytest.mark.parametrize("count", [1, 148, 149, 400, 2000])
def test_training_and_evaluation_recommend_the_same_threshold(count: int, max_error: float) -> None:
    rng = np.random.default_rng(count)
    # Ties, and numbers whose shortest separating decimal is not one of them.
    scores = np.round(rng.uniform(0.5, 1, count), 3).tolist()
    wrong = {place for place, score in enumerate(scores) if rng.uniform() > score**0.1}
    probabilities, codes = answers(scores, wrong)
    curve = coverage_curve(scores, [place not in wrong for place in range(count)])
    trained, value = recommend(probabilities, codes, max_error), calibration.recommend(curve, max_error)
    assert trained.value == value
    point = calibration.at_threshold(curve, value)
    assert (trained.accepted, trained.wrong) == (point.accepted, point.wrong)
    assert trained.error_upper == pytest.approx(point.error_upper)


def test_both_recommend_at_the_boundary_of_the_upper_bound() -> None:
    for right, expected in ((148, None), (149, 0.9)):
        probabilities, codes = answers([0.9] * right, set())
        assert recommend(probabilities, codes, 0.02).value == expected
        assert calibration.recommend(coverage_curve([0.9] * right, [True] * right), 0.02) == expected

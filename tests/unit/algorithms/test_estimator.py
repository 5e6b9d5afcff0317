"""The classifier: scikit-learn's contract, the leave-one-out algebra, calibration, mirroring."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.utils.estimator_checks import estimator_checks_generator

from classifier.estimator import JITTER, MirrorKernelRidge
from classifier.kernel import mirror_kernel, softmax
from classifier.metrics import calibration_error

Problem = tuple[NDArray[np.float64], NDArray[np.intp]]


def clouds(count: int, classes: int = 2, columns: int = 6, spread: float = 1.5, seed: int = 0) -> Problem:
    draw = np.random.default_rng(seed)
    centres = draw.normal(size=(classes, columns)) * 1.2
    codes = draw.permutation(np.arange(count) % classes)
    return centres[codes] + spread * draw.normal(size=(count, columns)), codes


def checks() -> list[Any]:
    estimators = [MirrorKernelRidge(), MirrorKernelRidge(landmarks=20, random_state=0)]
    # SCIPY_ARRAY_API is not set: scikit-learn then skips its check for arrays of other libraries.
    return [
        pytest.param(estimator, check, id=f"{check.func.__name__}-{estimator.landmarks}")
        for template in estimators
        for estimator, check in estimator_checks_generator(template)
        if check.func.__name__ != "check_array_api_input"
    ]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.DataConversionWarning")
@pytest.mark.parametrize(("estimator", "check"), checks())
def test_it_keeps_scikit_learns_contract(estimator: MirrorKernelRidge, check: Callable[..., None]) -> None:
    check(estimator)


def test_out_of_fold_probabilities_are_those_of_regressions_without_the_row() -> None:
    rows, codes = clouds(40)
    fitted = MirrorKernelRidge(ridges=(0.1,)).fit(rows, codes)
    landmarks = fitted.landmarks_.astype(np.float64)
    kernel = mirror_kernel(landmarks, landmarks, np.square(landmarks).sum(1), 0, fitted.gamma)
    kernel += JITTER * np.eye(len(rows))
    targets = np.eye(2)[codes] - fitted.intercept_
    for row in range(len(rows)):
        others = np.delete(np.arange(len(rows)), row)
        weights = np.linalg.solve(kernel[np.ix_(others, others)] + 0.1 * np.eye(len(others)), targets[others])
        score = kernel[row, others] @ weights + fitted.intercept_
        # The landmarks are the rows in half precision: that much they differ.
        np.testing.assert_allclose(fitted.out_of_fold_proba_[row], softmax(fitted.slope_ * score), atol=0.01)


def test_a_column_of_twice_the_share_counts_as_two() -> None:
    rows, codes = clouds(60, columns=3)
    repeated = MirrorKernelRidge().fit(rows[:, [0, 0, 1, 2]], codes).predict_proba(rows[:, [0, 0, 1, 2]])
    shared = MirrorKernelRidge(shares=[0.5, 0.25, 0.25]).fit(rows, codes).predict_proba(rows)
    np.testing.assert_allclose(shared, repeated, atol=0.005)


@pytest.mark.parametrize("shares", [[0.5, 0.5], [0.5, 0.5, 0.0], [[0.2, 0.4, 0.4]]])
def test_shares_must_be_one_above_0_for_each_column(shares: list[Any]) -> None:
    with pytest.raises(ValueError, match="shares needs 3 numbers above 0"):
        MirrorKernelRidge(shares=shares).fit(*clouds(20, columns=3))


def test_probabilities_are_calibrated_on_rows_never_seen() -> None:
    rows, codes = clouds(2400, classes=3)
    fitted = MirrorKernelRidge(landmarks=400, random_state=0).fit(rows[:400], codes[:400])
    unseen = fitted.predict_proba(rows[400:])
    assert calibration_error(unseen, codes[400:]) < 0.05
    assert calibration_error(fitted.out_of_fold_proba_, codes[:400]) < 0.08


def test_out_of_fold_accuracy_foretells_accuracy_where_training_accuracy_does_not() -> None:
    rows, codes = clouds(2400, spread=3.0)
    fitted = MirrorKernelRidge(ridges=(1e-3,)).fit(rows[:400], codes[:400])
    unseen = (fitted.predict(rows[400:]) == codes[400:]).mean()
    foretold = (fitted.out_of_fold_proba_.argmax(1) == codes[:400]).mean()
    seen = (fitted.predict(rows[:400]) == codes[:400]).mean()
    assert abs(foretold - unseen) < 0.06
    assert seen > unseen + 0.1


def test_a_row_and_its_mirror_image_get_the_same_probabilities() -> None:
    rows, codes = clouds(60)
    fitted = MirrorKernelRidge(mirrored=True).fit(rows, codes)
    turned = rows * [1, 1, 1, -1, -1, -1]
    np.testing.assert_allclose(fitted.predict_proba(turned), fitted.predict_proba(rows), atol=1e-9)


def test_mirrored_training_rows_leave_the_fit_as_it_was() -> None:
    rows, codes = clouds(60)
    turned = rows * np.where(np.arange(60) % 2, 1, -1)[:, np.newaxis] ** [0, 0, 0, 1, 1, 1]
    fit = [MirrorKernelRidge(mirrored=True).fit(version, codes) for version in (rows, turned)]
    np.testing.assert_allclose(fit[0].predict_proba(rows), fit[1].predict_proba(rows), atol=1e-6)


def test_columns_that_cannot_be_halved_are_refused_where_half_of_them_mirror() -> None:
    rows, codes = clouds(20, columns=5)
    with pytest.raises(ValueError, match="even number of columns"):
        MirrorKernelRidge(mirrored=True).fit(rows, codes)


def test_fewer_landmarks_than_rows_cost_little_accuracy() -> None:
    rows, codes = clouds(600)
    whole, part = (MirrorKernelRidge(landmarks=m, random_state=0).fit(rows[:400], codes[:400]) for m in (400, 100))
    assert part.weights_.shape == (100, 2)
    assert part.score(rows[400:], codes[400:]) > whole.score(rows[400:], codes[400:]) - 0.03


def test_a_hundred_classes_get_a_hundred_probabilities() -> None:
    rows, codes = clouds(600, classes=100, columns=20, spread=0.3)
    fitted = MirrorKernelRidge(random_state=0).fit(rows[:500], codes[:500])
    probabilities = fitted.predict_proba(rows[500:])
    np.testing.assert_allclose(probabilities.sum(1), 1)
    assert (probabilities.argmax(1) == codes[500:]).mean() > 0.8


def test_one_class_is_refused() -> None:
    with pytest.raises(ValueError, match="one class only: 3"):
        MirrorKernelRidge().fit(np.eye(4), [3, 3, 3, 3])

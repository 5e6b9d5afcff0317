"""Kernel ridge classification whose probabilities are calibrated on rows that each fit left out."""

from collections.abc import Iterator
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import eigh, solve_triangular
from scipy.optimize import minimize_scalar
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from classifier.kernel import mirror_kernel, softmax

JITTER = 1e-6
CHUNK = 2048
RIDGES = tuple(float(ridge) for ridge in 10.0 ** np.arange(-3, 1.01, 0.5))


class MirrorKernelRidge(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn ships no types
    """One ridge regression a class on a Gaussian kernel, then a softmax with one slope.

    Leave-one-out scores have a closed form, so the ridge and the slope are chosen on rows that took no part in the
    regression they are judged by. With more rows than landmarks the kernel is approximated (Nystroem).

    Args:
        mirrored: the second half of the columns changes sign when an image is mirrored, and the answer must not
        gamma: inverse width of the kernel, per mean squared difference of standardised columns
        shares: array of shape (d,), the share of each column in that mean; by default all have the same
        ridges: candidates for the penalty; the one with the smallest leave-one-out log loss is taken
        landmarks: most training rows that the kernel is taken to; memory and model grow with it
        random_state: draws the landmarks where there are more rows

    Attributes:
        classes_: array of shape (k,)
        mean_, scale_: arrays of shape (d,), of the training rows
        landmarks_: array of shape (m, d), standardised, half precision
        weights_: array of shape (m, k)
        intercept_: array of shape (k,), share of each class
        ridge_, slope_: the penalty and the slope of the softmax that were chosen
        out_of_fold_proba_: array of shape (n, k), probabilities of the training rows, each from the others
    """

    def __init__(
        self,
        *,
        mirrored: bool = False,
        gamma: float = 0.1,
        shares: ArrayLike | None = None,
        ridges: tuple[float, ...] = RIDGES,
        landmarks: int = 1500,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.mirrored = mirrored
        self.gamma = gamma
        self.shares = shares
        self.ridges = ridges
        self.landmarks = landmarks
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:  # noqa: N803 - scikit-learn's name
        """Fit to rows X of shape (n, d) and labels y of shape (n,); ValueError for fewer than two classes."""
        rows, labels = validate_data(self, X, y, dtype=np.float32, ensure_min_samples=2)
        check_classification_targets(labels)
        self.classes_, codes = np.unique(labels, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(
                f"A classifier needs at least 2 classes; the labels hold one class only: {self.classes_[0]}."
            )
        if self.mirrored and rows.shape[1] % 2:
            raise ValueError(f"mirrored needs an even number of columns; there are {rows.shape[1]}.")
        shares = np.full(rows.shape[1], 1 / rows.shape[1]) if self.shares is None else np.asarray(self.shares)
        if shares.shape != rows.shape[1:] or shares.min() <= 0:
            raise ValueError(f"shares needs {rows.shape[1]} numbers above 0; it has the shape {shares.shape}.")
        self._standardise(rows, shares)
        targets = np.eye(len(self.classes_))[codes]
        self.intercept_ = targets.mean(0)
        chosen = self._choose_landmarks(len(rows))
        self.landmarks_ = self._standardised(rows[chosen]).astype(np.float16)
        self._regress(rows, targets - self.intercept_, codes)
        return self

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float64]:  # noqa: N803 - scikit-learn's name
        """Probabilities of shape (n, k) for rows X of shape (n, d), columns in the order of `classes_`."""
        check_is_fitted(self)
        rows = validate_data(self, X, dtype=np.float32, reset=False)
        scores = np.concatenate([kernel @ self.weights_ for kernel in self._kernels(rows)]) + self.intercept_
        return softmax(self.slope_ * scores)

    def predict(self, X: ArrayLike) -> NDArray[Any]:  # noqa: N803 - scikit-learn's name
        """Most probable class of each row, shape (n,)."""
        probabilities = self.predict_proba(X)
        labels: NDArray[Any] = self.classes_[probabilities.argmax(1)]
        return labels

    def _standardise(self, rows: NDArray[np.float32], shares: NDArray[np.float64]) -> None:
        """Learn mean and scale so that a squared distance is about 2; a pair of columns has one scale."""
        mean = rows.mean(0, dtype=np.float64)
        square = np.einsum("nd,nd->d", rows, rows, dtype=np.float64) / len(rows)
        if self.mirrored:
            half = rows.shape[1] // 2
            mean[half:] = 0
            square[:] = np.tile((square - mean**2).reshape(2, half).mean(0), 2)
            deviation = np.sqrt(square)
        else:
            deviation = np.sqrt(np.maximum(square - mean**2, 0))
        self.mean_ = mean.astype(np.float32)
        floor = 1e-6 * (1 + np.abs(mean))
        self.scale_ = (np.where(deviation > floor, deviation, 1) / np.sqrt(shares)).astype(np.float32)

    def _standardised(self, rows: NDArray[np.float32]) -> NDArray[np.float64]:
        scaled: NDArray[np.float64] = (rows.astype(np.float64) - self.mean_) / self.scale_
        return scaled

    def _choose_landmarks(self, count: int) -> NDArray[np.intp]:
        if count <= self.landmarks:
            return np.arange(count)
        drawn = check_random_state(self.random_state).choice(count, self.landmarks, replace=False)
        return np.sort(drawn)

    def _kernels(self, rows: NDArray[np.float32]) -> Iterator[NDArray[np.float64]]:
        """Kernel of rows to landmarks, chunk by chunk: (chunk, m)."""
        for start in range(0, len(rows), CHUNK):
            yield self._kernel(self._standardised(rows[start : start + CHUNK]))

    def _kernel(self, standardised: NDArray[np.float64]) -> NDArray[np.float64]:
        landmarks = self.landmarks_.astype(np.float64)
        odd = landmarks.shape[1] // 2 if self.mirrored else 0
        return mirror_kernel(standardised, landmarks, np.square(landmarks).sum(1), odd, self.gamma)

    def _regress(self, rows: NDArray[np.float32], targets: NDArray[np.float64], codes: NDArray[np.intp]) -> None:
        """Solve for every ridge at once by one eigendecomposition and keep the best by leave-one-out log loss."""
        gram = self._kernel(self.landmarks_.astype(np.float64))
        lower = np.linalg.cholesky(gram + JITTER * np.eye(len(gram)))
        mapped = np.concatenate([solve_triangular(lower, k.T, lower=True).T for k in self._kernels(rows)])
        values, vectors = eigh(mapped.T @ mapped)
        rotated = mapped @ vectors
        moments = rotated.T @ targets
        best = np.inf
        for ridge in self.ridges:
            shrunk = 1 / (np.maximum(values, 0) + ridge)
            leverage = np.square(rotated) @ shrunk
            fitted = rotated @ (shrunk[:, None] * moments)
            # Leaving a row out of a ridge regression changes its own fitted value by this factor.
            left_out = targets - (targets - fitted) / np.maximum(1 - leverage, 1e-9)[:, None] + self.intercept_
            slope, loss = _calibrate(left_out, codes)
            if loss < best:
                best, self.ridge_, self.slope_ = loss, ridge, slope
                self.out_of_fold_proba_ = softmax(slope * left_out)
                weights = vectors @ (shrunk[:, None] * moments)
        self.weights_ = solve_triangular(lower, weights, lower=True, trans="T").astype(np.float32)


def _calibrate(scores: NDArray[np.float64], codes: NDArray[np.intp]) -> tuple[float, float]:
    """Slope of the softmax with the smallest mean log loss, between 0.1 and 1000, and that loss."""

    def loss(log_slope: float) -> float:
        own = np.take_along_axis(softmax(np.exp(log_slope) * scores), codes[:, None], 1)
        return float(-np.log(np.maximum(own, 1e-300)).mean())

    found = minimize_scalar(loss, bounds=np.log([0.1, 1000.0]), method="bounded")
    return float(np.exp(found.x)), float(found.fun)

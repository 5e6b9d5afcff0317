"""The threshold of confidence that training recommends, and what it rests on."""

from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv

CONFIDENCE_LEVEL = 0.95
"""Of the upper bound of the error among accepted images."""


@dataclass(frozen=True)
class Threshold:
    """A threshold of confidence and the out-of-fold predictions that it rests on.

    Attributes:
        value: images of at least this confidence are accepted; None accepts none, as no threshold keeps max_error
        max_error: the error among accepted images that the upper bound must not pass
        images: how many out-of-fold predictions there were
        accepted, wrong: how many of them value accepts, and how many of those are wrong
        error_upper: one-sided upper bound of the error among accepted images; 1 where none is accepted
    """

    value: float | None
    max_error: float
    images: int
    accepted: int
    wrong: int
    error_upper: float


def recommend(probabilities: NDArray[np.float64], codes: NDArray[np.intp], max_error: float) -> Threshold:
    """Choose the lowest threshold that keeps the error among accepted images at most max_error.

    The error of images to come is judged by its upper bound: few images without an error are no evidence of a low
    error. At 2% at least 149 images must be accepted without an error.

    Args:
        probabilities: array of shape (n, k), out-of-fold: each row predicted by a fit that left it out
        codes: array of shape (n,), the true classes
        max_error: above 0 and below 1
    """
    confidence = probabilities.max(1)
    order = np.argsort(-confidence, kind="stable")
    ranked = confidence[order]
    wrong = np.cumsum(probabilities.argmax(1)[order] != codes[order])
    accepted = np.arange(1, len(codes) + 1)
    upper = error_upper(wrong, accepted)
    # A threshold accepts all images of one confidence or none: only the last of each run can be its end.
    last = np.append(np.diff(ranked) != 0, True)
    ends = np.flatnonzero(last & (upper <= max_error))
    if not len(ends):
        return Threshold(None, max_error, len(codes), 0, 0, 1.0)
    end = int(ends[-1])
    following = float(ranked[end + 1]) if end + 1 < len(ranked) else 0.0
    return Threshold(
        value=_shortest(following, float(ranked[end])),
        max_error=max_error,
        images=len(codes),
        accepted=int(accepted[end]),
        wrong=int(wrong[end]),
        error_upper=float(upper[end]),
    )


def error_upper(wrong: NDArray[np.intp], accepted: NDArray[np.intp]) -> NDArray[np.float64]:
    """Clopper and Pearson's one-sided upper bound of a share, 95%: 1 where all or none of the images are wrong."""
    bound: NDArray[np.float64] = np.ones(len(wrong))
    some = wrong < accepted
    bound[some] = betaincinv(wrong[some] + 1, accepted[some] - wrong[some], CONFIDENCE_LEVEL)
    return bound


def _shortest(below: float, above: float) -> float:
    """The number with the fewest decimals that is above `below` and at most `above`."""
    exact = Decimal(repr(above))
    decimals = 0
    while (candidate := float(exact.quantize(Decimal(1).scaleb(-decimals), ROUND_FLOOR))) <= below:
        decimals += 1
    return candidate

"""Do two samples come from one distribution? Each answer is how far apart they are, and how likely chance alone is.

A distance lies between 0 (alike) and 1 (nothing in common). A p-value alone would call every large window different,
however little; a distance alone would call every small one different.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

# Its part `stats`, which takes most of a second, is imported at the first use.
import scipy

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.str_]

QUANTILES = 10
# Half a record, so that an empty bin has a logarithm.
PSEUDOCOUNT = 0.5
# Chi-square's approximation wants about this many expected in each cell; rarer classes are taken together.
FEWEST_EXPECTED = 5
# Of a feature's variance: keeps the discriminant stable where there are few records for so many features.
SHRINKAGE = 0.1


@dataclass(frozen=True)
class Comparison:
    """Two samples held against each other.

    `psi` is the population stability index and `psi_by_chance` what 99 in 100 undrifted samples of this size stay
    below; both are None where they mean nothing.
    """

    distance: float
    p_value: float
    psi: float | None = None
    psi_by_chance: float | None = None


def compare_values(reference: Floats, window: Floats) -> Comparison:
    """Kolmogorov-Smirnov's test of two samples of shapes (m,) and (n,), and the PSI over the reference's deciles."""
    if np.ptp(np.concatenate([reference, window])) == 0:
        return Comparison(0.0, 1.0, 0.0, 0.0)
    test = scipy.stats.ks_2samp(reference, window, method="asymp")
    edges = _edges(reference)
    bins = [np.searchsorted(edges, sample) for sample in (reference, window)]
    counts = [np.bincount(numbers, minlength=len(edges) + 1).astype(float) for numbers in bins]
    return Comparison(float(test.statistic), float(test.pvalue), *_psi(*counts))


def compare_labels(reference: Labels, window: Labels) -> Comparison:
    """The chi-square test of the mixes of two samples of labels, of shapes (m,) and (n,).

    The distance is the total variation, half the sum of the differences.
    """
    names = np.union1d(reference, window)
    numbers = [np.searchsorted(names, sample) for sample in (reference, window)]
    counts = np.array([np.bincount(number, minlength=len(names)) for number in numbers], dtype=float)
    expected = counts.sum(axis=0) * counts.sum(axis=1).min() / counts.sum()
    rare = expected < FEWEST_EXPECTED
    if rare.any():
        counts = np.column_stack([counts[:, ~rare], counts[:, rare].sum(axis=1)])
    if counts.shape[1] < 2:
        return Comparison(0.0, 1.0, 0.0, 0.0)
    shares = counts / counts.sum(axis=1, keepdims=True)
    p_value = float(scipy.stats.chi2_contingency(counts, correction=False).pvalue)
    return Comparison(float(np.abs(shares[0] - shares[1]).sum() / 2), p_value, *_psi(*counts))


def compare_descriptions(reference: Floats, window: Floats, seed: int = 0) -> Comparison:
    """A classifier two-sample test of shapes (m, d) and (n, d): can a classifier tell which sample a record is of?

    Fisher's linear discriminant is fitted to one half and ranks the other; Mann and Whitney's test asks whether the
    ranks are better than chance. The halves share nothing, so that the test is exact, which cross-validation's is not.
    The distance is Somers' D, 2 AUC - 1, or 0 below chance. Samples of at least four each.
    After Lopez-Paz and Oquab, "Revisiting classifier two-sample tests", 2017.
    """
    rows = np.concatenate([reference, window])
    if not np.ptp(rows, axis=0).any():
        return Comparison(0.0, 1.0)
    rows = (rows - rows.mean(axis=0)) / np.where(np.ptp(rows, axis=0) > 0, rows.std(axis=0), 1)
    random = np.random.default_rng(seed)
    first, second = (random.permutation(part) for part in (rows[: len(reference)], rows[len(reference) :]))
    m, n = len(first) // 2, len(second) // 2
    direction = _discriminant(first[:m], second[:n])
    test = scipy.stats.mannwhitneyu(
        second[n:] @ direction, first[m:] @ direction, alternative="greater", method="asymptotic"
    )
    return Comparison(
        max(0.0, 2 * float(test.statistic) / ((len(second) - n) * (len(first) - m)) - 1), float(test.pvalue)
    )


def _discriminant(reference: Floats, window: Floats) -> Floats:
    """The direction of shape (d,) along which two samples lie furthest apart for their spread."""
    covariance = (np.atleast_2d(np.cov(reference.T)) + np.atleast_2d(np.cov(window.T))) / 2
    apart = window.mean(axis=0) - reference.mean(axis=0)
    direction: Floats = np.linalg.solve(covariance + SHRINKAGE * np.eye(len(covariance)), apart)
    return direction


def _edges(reference: Floats) -> Floats:
    """The upper bounds of all bins but the last; a value that fills several deciles gets a bin of its own."""
    deciles = np.quantile(reference, np.linspace(0, 1, QUANTILES + 1)[1:-1])
    values, counts = np.unique(deciles, return_counts=True)
    return np.union1d(values, np.nextafter(values[counts > 1], -np.inf))


def _psi(reference: Floats, window: Floats) -> tuple[float, float]:
    """The index of two rows of counts, and its 99% quantile where nothing has drifted.

    Without drift it is distributed as chi-square over the harmonic sample size (Yurdakul, "Statistical properties of
    population stability index", 2018).
    """
    bins = len(reference)
    p = (reference + PSEUDOCOUNT) / (reference.sum() + PSEUDOCOUNT * bins)
    q = (window + PSEUDOCOUNT) / (window.sum() + PSEUDOCOUNT * bins)
    by_chance = scipy.stats.chi2.ppf(0.99, max(bins - 1, 1)) * (1 / reference.sum() + 1 / window.sum())
    return float(((q - p) * np.log(q / p)).sum()), float(by_chance)

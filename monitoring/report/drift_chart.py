"""The drift panel's chart: each measure of the window against the baseline."""

from collections import Counter
from itertools import zip_longest

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from monitoring.drift.measures import MEASURES
from monitoring.drift.result import Verdict
from monitoring.drift.verdict import FEATURES, LABELS, Check, Drift
from monitoring.drift.window import Sample
from monitoring.report.chart_style import DPI, WIDTH, plain, png, styled
from monitoring.report.palette import Palette

COLUMNS = 2
ROW = 1.55
BINS = 24
LABELS_SHOWN = 6
LONGEST_NAME = 12
# The baseline is drawn paler, behind the window, with an outline that can be seen.
SHADE = 0.4


def drift_histograms(drift: Drift, reference: Sample, window: Sample, palette: Palette) -> bytes:
    """Histograms of *reference* (grey) and *window* (coloured) for every check that could be made, as PNG."""
    checks = [check for check in drift.checks if check.comparison is not None and check.name != FEATURES]
    rows = -(-len(checks) // COLUMNS)
    figure = Figure(figsize=(WIDTH, 0.35 + ROW * rows), dpi=DPI, facecolor=palette.background, layout="constrained")
    for axes, check in zip_longest(figure.subplots(rows, COLUMNS, squeeze=False).flat, checks):
        if check is None:
            axes.set_visible(False)
            continue
        styled(axes, palette)
        color = palette.wrong if check.verdict is Verdict.DRIFT else palette.accent
        if check.name == LABELS:
            _shares(axes, reference.labels, window.labels, color, palette)
        else:
            _histograms(axes, _values(reference, check), _values(window, check), color, palette)
        moved = " drifted" if check.verdict is Verdict.DRIFT else ""
        axes.set_title(f"{check.name}{moved}", fontsize=10, color=color if moved else palette.ink, loc="left")
        axes.set_yticks([])
    return png(figure)


def _values(sample: Sample, check: Check) -> npt.NDArray[np.float64]:
    return sample.measures[:, MEASURES.index(check.name)] if check.name in MEASURES else sample.confidence


def _histograms(
    axes: Axes,
    reference: npt.NDArray[np.float64],
    window: npt.NDArray[np.float64],
    color: str,
    palette: Palette,
) -> None:
    low, high = min(reference.min(), window.min()), max(reference.max(), window.max())
    # All values alike still need a bin of some width.
    bins = np.linspace(low, high, BINS + 1) if high > low else np.linspace(low - 0.5, low + 0.5, BINS + 1)
    axes.hist(reference, list(bins), density=True, color=palette.muted, alpha=SHADE)
    axes.hist(reference, list(bins), density=True, histtype="step", linewidth=0.8, color=palette.muted)
    axes.hist(window, list(bins), density=True, histtype="step", linewidth=1.4, color=color)
    axes.xaxis.set_major_locator(MaxNLocator(4))


def _shares(axes: Axes, reference: tuple[str, ...], window: tuple[str, ...], color: str, palette: Palette) -> None:
    counts = [Counter(labels) for labels in (reference, window)]
    names = [name for name, _ in (counts[0] + counts[1]).most_common(LABELS_SHOWN)]
    place = np.arange(len(names))
    for offset, count, shade, alpha in ((-0.2, counts[0], palette.muted, SHADE), (0.2, counts[1], color, 1.0)):
        shares = [count[name] / count.total() for name in names]
        axes.bar(place + offset, shares, 0.4, color=shade, alpha=alpha)
        axes.bar(place + offset, shares, 0.4, fill=False, edgecolor=shade, linewidth=0.8)
    axes.set_xticks(place, [plain(name, LONGEST_NAME) for name in names], rotation=0 if len(names) <= 2 else 45)

"""The chart of what is taken for what."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, to_hex
from matplotlib.figure import Figure

from monitoring.report.chart_style import DPI, HEIGHT, WIDTH, blank, plain, png, styled
from monitoring.report.palette import Palette, contrast

# More classes than these have no room for their counts, for their shares, or for their names.
CLASSES_WITH_COUNTS = 4
CLASSES_WITH_SHARES = 8
CLASSES_WITH_NAMES = 24
PAIRS_SHOWN = 8
SHORT_NAME = 14
# The rarest mistake, as a share of its row, that has the full colour.
SMALLEST_FULL = 0.02
# On any colour one of them has a contrast of at least 4.5.
BLACK, WHITE = "#000000", "#ffffff"


def confusion(counts: npt.NDArray[np.int64], classes: Sequence[str], palette: Palette) -> bytes:
    """Truth (rows) against prediction (columns); *counts* has shape (classes, classes).

    Where numbers find no room, the pairs that are most often confused follow below.
    """
    totals = counts.sum(axis=1, keepdims=True)
    shares = np.divide(counts, totals, out=np.zeros(counts.shape), where=totals > 0)
    if len(classes) <= CLASSES_WITH_SHARES:
        figure, axes = blank(palette, max(HEIGHT, 1.1 + 0.3 * len(classes)))
        _matrix(axes, shares, classes, palette)
        _cells(axes, counts, shares, palette)
        return png(figure)
    pairs = most_confused(counts)
    side, bars = 0.6 + 0.15 * min(len(classes), CLASSES_WITH_NAMES), 0.1 + 0.36 * max(len(pairs), 1)
    figure = Figure(figsize=(WIDTH, side + bars), dpi=DPI, facecolor=palette.background, layout="constrained")
    # Each has the whole width for its own words.
    above, below = figure.subfigures(2, 1, squeeze=False, height_ratios=[side, bars]).flat
    matrix, bars_below = above.add_subplot(), below.add_subplot()
    for plot in (matrix, bars_below):
        styled(plot, palette)
    _matrix(matrix, shares, classes, palette)
    _pairs(bars_below, pairs, shares, classes, palette)
    return png(figure)


def most_confused(counts: npt.NDArray[np.int64]) -> list[tuple[int, int, int]]:
    """Truth, label and number of images of the most frequent mistakes, at most PAIRS_SHOWN, the most frequent first."""
    mistakes = counts - np.diag(np.diag(counts))
    places = np.argsort(-mistakes, axis=None, kind="stable")[:PAIRS_SHOWN]
    found = [(int(row), int(column)) for row, column in zip(*np.unravel_index(places, counts.shape), strict=True)]
    return [(row, column, int(mistakes[row, column])) for row, column in found if mistakes[row, column]]


def tint(palette: Palette, color: str, share: float) -> str:
    """The colour of a cell: from the background at a *share* of 0 to *color* at 1."""
    red, green, blue, _ = _scale(palette, color)(share)
    return to_hex((float(red), float(green), float(blue)))


def text_color(behind: str) -> str:
    """Black or white, whichever is easier to read on the colour *behind* it."""
    return max((BLACK, WHITE), key=lambda color: contrast(color, behind))


def _matrix(axes: Axes, shares: npt.NDArray[np.float64], classes: Sequence[str], palette: Palette) -> None:
    """Shares of each truth: right ones in one colour, mistakes in another, which is full at the worst of them."""
    mistakes = shares - np.diag(np.diag(shares))
    for values, color, full in (
        (np.where(np.eye(len(classes), dtype=bool), shares, np.nan), palette.accent, 1.0),
        (np.where(mistakes > 0, mistakes, np.nan), palette.wrong, max(float(mistakes.max()), SMALLEST_FULL)),
    ):
        axes.imshow(values, cmap=_scale(palette, color), vmin=0, vmax=full, aspect="auto")
    axes.grid(visible=False)
    named = len(classes) <= CLASSES_WITH_NAMES
    ticks = list(range(len(classes))) if named else []
    axes.set_yticks(ticks, [plain(name) for name in classes] if named else [])
    axes.tick_params(length=0)
    if len(classes) <= CLASSES_WITH_SHARES:
        upright = len(classes) <= 3
        names = [plain(name, SHORT_NAME) for name in classes]
        axes.set_xticks(ticks, names, rotation=0 if upright else 45, ha="center" if upright else "right")
        axes.set_xlabel("predicted")
        axes.set_ylabel("truth")
    else:
        axes.set_xticks([])
        axes.set_xlabel("predicted, in the same order")


def _cells(axes: Axes, counts: npt.NDArray[np.int64], shares: npt.NDArray[np.float64], palette: Palette) -> None:
    worst = max(float((shares - np.diag(np.diag(shares))).max()), SMALLEST_FULL)
    for row, column in np.ndindex(*counts.shape):
        if not counts[row, column]:
            continue
        share = float(shares[row, column])
        behind = tint(palette, palette.accent, share) if row == column else tint(palette, palette.wrong, share / worst)
        text = f"{share:.0%}"
        if len(counts) <= CLASSES_WITH_COUNTS:
            text = f"{counts[row, column]:,}\n{text}"
        axes.text(column, row, text, ha="center", va="center", color=text_color(behind))


def _pairs(
    axes: Axes,
    pairs: Sequence[tuple[int, int, int]],
    shares: npt.NDArray[np.float64],
    classes: Sequence[str],
    palette: Palette,
) -> None:
    """The most frequent mistakes as bars, each below its words."""
    axes.grid(visible=False)
    axes.set_yticks([])
    axes.set_xticks([])
    for spine in axes.spines.values():
        spine.set_visible(False)
    for place, (truth, label, count) in enumerate(pairs):
        axes.barh(place + 0.2, count, 0.3, color=palette.wrong)
        names = f"{plain(classes[truth], SHORT_NAME)} taken for {plain(classes[label], SHORT_NAME)}"
        words = f"{names}: {count:,} ({shares[truth, label]:.0%})"
        axes.text(0, place - 0.02, words, va="bottom", color=palette.ink).set_in_layout(False)
    axes.set_ylim(max(len(pairs), 1) - 0.5, -0.55)
    axes.set_xlim(left=0)


def _scale(palette: Palette, color: str) -> LinearSegmentedColormap:
    return LinearSegmentedColormap.from_list("shares", [palette.background, color])

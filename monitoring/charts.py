"""The report's charts as PNG files, in colours for a light and for a dark page."""

import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from monitoring.quality import CalibrationBin, CoverageCurve, OperatingPoint

# Sized so that the letters can still be read where the picture is as wide as a telephone.
SIZE = (4.9, 3.15)
LARGE = (4.9, 4.7)
DPI = 180
ROLLING = 25
# More classes than these have no room for their counts, or not for their names.
CLASSES_WITH_COUNTS = 10
CLASSES_WITH_NAMES = 40


@dataclass(frozen=True)
class Palette:
    """The colours of one colour scheme."""

    background: str
    ink: str
    muted: str
    grid: str
    accent: str
    accepted: str
    review: str
    wrong: str


LIGHT = Palette("#ffffff", "#1b2430", "#5d6b7a", "#e2e7ed", "#3d4fc4", "#12805c", "#b86e00", "#c4262e")
DARK = Palette("#1a2129", "#e8ecf1", "#9ba8b6", "#323c47", "#94a3ff", "#45d0a0", "#f3b04c", "#ff7a7a")


def confidence(table: pd.DataFrame, threshold: float | None, palette: Palette) -> bytes:
    """Confidence over time, with the threshold and a rolling median.

    *table* has the columns `time` (UTC), `confidence`, `outcome`, and `correct` (True, False, or None where the truth
    is not known).
    """
    figure, axes = _figure(palette)
    ordered = table.sort_values("time")
    wrong = ordered["correct"].eq(False)
    size = 22 if len(ordered) <= 1000 else 4
    marks = [
        ("accepted", ordered["outcome"].eq("ACCEPTED") & ~wrong, palette.accepted, "o"),
        ("to review", ordered["outcome"].eq("REVIEW") & ~wrong, palette.review, "o"),
        ("wrong label", wrong, palette.wrong, "X"),
    ]
    for name, chosen, color, marker in marks:
        if chosen.any():
            points = ordered[chosen]
            axes.scatter(
                points["time"].dt.tz_localize(None).to_numpy(),
                points["confidence"],
                s=size,
                c=color,
                marker=marker,
                alpha=0.75,
                linewidths=0,
                label=name,
            )
    if len(ordered) >= 2 * ROLLING:
        median = ordered["confidence"].rolling(ROLLING, center=True).median()
        times = ordered["time"].dt.tz_localize(None).to_numpy()
        axes.plot(times, median, color=palette.ink, linewidth=1.4, label=f"median of {ROLLING}")
    if threshold is not None:
        axes.axhline(threshold, color=palette.accent, linewidth=1.4, linestyle="--", label=f"threshold {threshold:g}")
    # A run of one moment would otherwise be drawn on an axis of years.
    margin = max(ordered["time"].iloc[-1] - ordered["time"].iloc[0], pd.Timedelta(seconds=10)) * 0.03
    left, right = (ordered["time"].iloc[0] - margin, ordered["time"].iloc[-1] + margin)
    axes.set_xlim(left.tz_localize(None), right.tz_localize(None))
    locator = AutoDateLocator(minticks=3)  # type: ignore[no-untyped-call] # Matplotlib has no types for dates.
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator, tz="UTC"))  # type: ignore[no-untyped-call] # as above
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.set_ylabel("confidence")
    axes.set_xlabel("UTC", loc="left")
    _legend(axes, palette)
    return _png(figure)


def histogram(table: pd.DataFrame, threshold: float | None, palette: Palette) -> bytes:
    """How many predictions have which confidence, right and wrong ones stacked; columns as for `confidence`."""
    figure, axes = _figure(palette)
    wrong = table["correct"].eq(False)
    low = min(0.5, float(table["confidence"].min()))
    axes.hist(
        [table.loc[~wrong, "confidence"], table.loc[wrong, "confidence"]],
        bins=list(np.linspace(low, 1, 26)),
        stacked=True,
        color=[palette.accepted, palette.wrong],
        label=["right, or truth unknown", "wrong label"],
    )
    if threshold is not None:
        axes.axvline(threshold, color=palette.ink, linewidth=1.4, linestyle="--", label=f"threshold {threshold:g}")
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.set_xlabel("confidence")
    axes.set_ylabel("images")
    _legend(axes, palette)
    return _png(figure)


def confusion(counts: npt.NDArray[np.int64], classes: Sequence[str], palette: Palette) -> bytes:
    """Truth (rows) against prediction (columns); *counts* has shape (classes, classes)."""
    figure, axes = _figure(palette, SIZE if len(classes) <= CLASSES_WITH_COUNTS else LARGE)
    totals = counts.sum(axis=1, keepdims=True)
    shares = np.divide(counts, totals, out=np.zeros(counts.shape), where=totals > 0)
    colors = LinearSegmentedColormap.from_list("shares", [palette.background, palette.accent])
    axes.imshow(shares, cmap=colors, vmin=0, vmax=1)
    axes.grid(visible=False)
    ticks = range(len(classes)) if len(classes) <= CLASSES_WITH_NAMES else []
    names = [_plain(name) for name in classes][: len(ticks)]
    upright = len(classes) <= 4
    axes.set_xticks(ticks, names, rotation=0 if upright else 60, ha="center" if upright else "right")
    axes.set_yticks(ticks, names)
    axes.tick_params(length=0)
    if len(classes) <= CLASSES_WITH_COUNTS:
        for row, column in np.ndindex(*counts.shape):
            color = palette.background if shares[row, column] > 0.5 else palette.ink
            text = f"{counts[row, column]}\n{shares[row, column]:.0%}"
            axes.text(column, row, text, ha="center", va="center", color=color)
    axes.set_xlabel("predicted")
    axes.set_ylabel("truth")
    return _png(figure)


def coverage(curve: CoverageCurve, max_error: float | None, point: OperatingPoint | None, palette: Palette) -> bytes:
    """Error among the accepted images against the share that is accepted, with the *point* of one threshold."""
    figure, axes = _figure(palette)
    axes.step(curve.coverage, curve.error, where="post", color=palette.accent, linewidth=1.6, label="error")
    if max_error is not None:
        label = f"tolerated: {max_error:.1%}"
        axes.axhline(max_error, color=palette.wrong, linewidth=1.2, linestyle="--", label=label)
    if point is not None and point.coverage:
        spread = [[point.error - point.error_interval.low], [point.error_interval.high - point.error]]
        axes.errorbar(
            point.coverage,
            point.error,
            yerr=spread,
            fmt="o",
            color=palette.accepted,
            capsize=4,
            label=f"threshold {point.threshold:g}: {point.coverage:.0%} accepted",
        )
    axes.set_xlim(0, 1.02)
    axes.set_ylim(bottom=0)
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.set_xlabel("coverage: share of images accepted")
    axes.set_ylabel("error among the accepted")
    _legend(axes, palette)
    return _png(figure)


def reliability(bins: Sequence[CalibrationBin], palette: Palette) -> bytes:
    """Accuracy against confidence; a calibrated model's points lie on the diagonal. Areas go with the counts."""
    figure, axes = _figure(palette)
    low = min(0.5, min(entry.low for entry in bins))
    axes.plot([low, 1], [low, 1], color=palette.muted, linewidth=1.2, linestyle="--", label="calibrated")
    counts = np.array([entry.count for entry in bins])
    axes.plot([b.confidence for b in bins], [b.accuracy for b in bins], color=palette.accent, linewidth=1.2)
    axes.scatter(
        [entry.confidence for entry in bins],
        [entry.accuracy for entry in bins],
        s=20 + 180 * counts / counts.max(),
        c=palette.accent,
        alpha=0.8,
        linewidths=0,
        label="this model",
    )
    axes.set_ylim(-0.03, 1.05)
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.set_xlabel("confidence")
    axes.set_ylabel("share that is right")
    _legend(axes, palette)
    return _png(figure)


def _figure(palette: Palette, size: tuple[float, float] = SIZE) -> tuple[Figure, Axes]:
    figure = Figure(figsize=size, dpi=DPI, facecolor=palette.background, layout="constrained")
    axes = figure.add_subplot(facecolor=palette.background)
    axes.grid(color=palette.grid, linewidth=0.8)
    axes.set_axisbelow(True)
    for name, spine in axes.spines.items():
        spine.set_visible(name in ("left", "bottom"))
        spine.set_color(palette.grid)
    axes.tick_params(colors=palette.muted, labelcolor=palette.muted)
    axes.xaxis.label.set_color(palette.muted)
    axes.yaxis.label.set_color(palette.muted)
    axes.xaxis.get_offset_text().set_color(palette.muted)
    return figure, axes


def _legend(axes: Axes, palette: Palette) -> None:
    """Above the plot, where it hides no point."""
    axes.legend(
        loc="lower left",
        bbox_to_anchor=(-0.02, 1.0),
        ncols=2,
        frameon=False,
        labelcolor=palette.ink,
        fontsize=9,
        handletextpad=0.4,
        columnspacing=1.2,
    )


def _plain(name: str) -> str:
    """*name* as a label of at most 18 characters that is not taken for mathematics."""
    short = name if len(name) <= 18 else f"{name[:17]}…"
    return short.replace("$", r"\$")


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    # Without the version of the library, the same data gives the same bytes.
    figure.savefig(buffer, format="png", facecolor=figure.get_facecolor(), metadata={"Software": None})
    return buffer.getvalue()

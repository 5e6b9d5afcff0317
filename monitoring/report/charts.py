"""The report's charts as PNG files, in colours for a light and for a dark page."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.ticker import PercentFormatter

from contracts.coverage import CoverageCurve
from contracts.outcomes import Outcome
from monitoring.quality.calibration import CalibrationBin, OperatingPoint
from monitoring.report.chart_style import LARGE, SIZE, Palette, blank, legend, plain, png, time_axis

ROLLING = 25
# More classes than these have no room for their counts, or not for their names.
CLASSES_WITH_COUNTS = 10
CLASSES_WITH_NAMES = 40
LABELS_DRAWN = 4
# The bars of a time axis: the shortest of these that gives no more bars than a telephone can show.
STEPS = [pd.Timedelta(minutes=m) for m in (1, 10, 60, 360, 1440, 10_080, 43_200, 525_600)]
MOST_BARS = 60


def confidence(table: pd.DataFrame, threshold: float | None, palette: Palette) -> bytes:
    """Confidence over time, with the threshold and a rolling median.

    *table* has the columns `time` (UTC), `confidence`, `outcome`, and `correct` (True, False, or None where the truth
    is not known).
    """
    figure, axes = blank(palette)
    ordered = table.sort_values("time")
    wrong = ordered["correct"].eq(False)
    size = 22 if len(ordered) <= 1000 else 4
    marks = [
        ("accepted", ordered["outcome"].eq(Outcome.ACCEPTED) & ~wrong, palette.accepted, "o"),
        ("to review", ordered["outcome"].eq(Outcome.REVIEW) & ~wrong, palette.review, "o"),
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
    time_axis(axes)
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.set_ylabel("confidence")
    legend(axes, palette)
    return png(figure)


def histogram(table: pd.DataFrame, threshold: float | None, palette: Palette) -> bytes:
    """How many predictions have which confidence, right and wrong ones stacked; columns as for `confidence`."""
    figure, axes = blank(palette)
    wrong = table["correct"].eq(False)
    axes.hist(
        [table.loc[~wrong, "confidence"], table.loc[wrong, "confidence"]],
        bins=_confidence_bins(table),
        stacked=True,
        color=[palette.accepted, palette.wrong],
        label=["right label", "wrong label"],
    )
    _confidence_axis(axes, threshold, palette)
    return png(figure)


def outcomes(table: pd.DataFrame, palette: Palette) -> bytes:
    """How many executions ended how, over time; *table* has the columns `time` (UTC) and `outcome`."""
    figure, axes = blank(palette)
    first, last = table["time"].min(), table["time"].max()
    step = next((step for step in STEPS if (last - first) / step <= MOST_BARS), STEPS[-1])
    counts = table.groupby([table["time"].dt.tz_localize(None).dt.floor(step), "outcome"]).size().unstack(fill_value=0)
    colors = {
        Outcome.ACCEPTED: palette.accepted,
        Outcome.REVIEW: palette.review,
        Outcome.REJECTED: palette.muted,
        Outcome.FAILED: palette.wrong,
    }
    below = np.zeros(len(counts))
    for name, color in colors.items():
        if name in counts:
            starts = counts.index.to_numpy()
            axes.bar(
                starts,
                counts[name],
                0.85 * step / pd.Timedelta(days=1),
                bottom=below,
                color=color,
                align="edge",
                label=name.lower(),
            )
            below = below + counts[name].to_numpy()
    # A single bar would otherwise be as wide as the chart.
    axes.set_xlim(first.tz_localize(None).floor(step) - step, last.tz_localize(None).floor(step) + 2 * step)
    time_axis(axes)
    axes.set_ylabel(f"executions in {_duration(step)}")
    legend(axes, palette)
    return png(figure)


def labels(table: pd.DataFrame, threshold: float | None, palette: Palette) -> bytes:
    """The confidence of each label's predictions as a histogram; columns as for `confidence`.

    The rarest labels are drawn as one where there are more than LABELS_DRAWN.
    """
    figure, axes = blank(palette)
    common = table["label"].value_counts().index[:LABELS_DRAWN]
    names = table["label"].where(table["label"].isin(common), "others")
    colors = [palette.accent, palette.review, palette.accepted, palette.wrong, palette.muted]
    bins = _confidence_bins(table)
    groups = table.groupby(names)["confidence"]
    for color, (name, values) in zip(colors, groups, strict=False):
        label = f"{plain(str(name))}: {len(values):,}"
        axes.hist(values, bins=bins, histtype="step", linewidth=1.8, color=color, label=label)
    _confidence_axis(axes, threshold, palette)
    return png(figure)


def confusion(counts: npt.NDArray[np.int64], classes: Sequence[str], palette: Palette) -> bytes:
    """Truth (rows) against prediction (columns); *counts* has shape (classes, classes)."""
    figure, axes = blank(palette, SIZE if len(classes) <= CLASSES_WITH_COUNTS else LARGE)
    totals = counts.sum(axis=1, keepdims=True)
    shares = np.divide(counts, totals, out=np.zeros(counts.shape), where=totals > 0)
    colors = LinearSegmentedColormap.from_list("shares", [palette.background, palette.accent])
    axes.imshow(shares, cmap=colors, vmin=0, vmax=1)
    axes.grid(visible=False)
    ticks = range(len(classes)) if len(classes) <= CLASSES_WITH_NAMES else []
    names = [plain(name) for name in classes][: len(ticks)]
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
    return png(figure)


def coverage(curve: CoverageCurve, max_error: float | None, point: OperatingPoint | None, palette: Palette) -> bytes:
    """Error among the accepted images against the share that is accepted, with the *point* of one threshold."""
    figure, axes = blank(palette)
    axes.step(curve.coverage, curve.error, where="post", color=palette.accent, linewidth=1.6, label="error")
    if max_error is not None:
        label = f"tolerated: {max_error:.1%}"
        axes.axhline(max_error, color=palette.wrong, linewidth=1.2, linestyle="--", label=label)
    if point is not None and point.threshold is not None and point.accepted:
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
    legend(axes, palette)
    return png(figure)


def reliability(bins: Sequence[CalibrationBin], palette: Palette) -> bytes:
    """Accuracy against confidence; a calibrated model's points lie on the diagonal. Areas go with the counts."""
    figure, axes = blank(palette)
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
    legend(axes, palette)
    return png(figure)


def _confidence_bins(table: pd.DataFrame) -> list[float]:
    """The edges of 25 bins, from 0.5 or the least confidence up to 1."""
    return list(np.linspace(min(0.5, float(table["confidence"].min())), 1, 26))


def _confidence_axis(axes: Axes, threshold: float | None, palette: Palette) -> None:
    """Finish a histogram of confidence: the threshold, the axes' names, the legend."""
    if threshold is not None:
        axes.axvline(threshold, color=palette.ink, linewidth=1.4, linestyle="--", label=f"threshold {threshold:g}")
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.set_xlabel("confidence")
    axes.set_ylabel("images")
    legend(axes, palette)


def _duration(step: pd.Timedelta) -> str:
    hours = step / pd.Timedelta(hours=1)
    return f"{hours * 60:.0f} min" if hours < 1 else f"{hours:.0f} h"

"""Charts over time: what the model is like from one bar of time to the next."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from contracts.outcomes import Outcome
from monitoring.report.chart_style import blank, count_axis, duration, legend, percent_axis, png, time_axis, time_step
from monitoring.report.palette import Palette

# Of more points than these only their spread can be seen.
MOST_POINTS = 300
# Of fewer images in a bar of time their spread says nothing.
FEWEST_IMAGES = 10
QUANTILES = np.array([0.05, 0.25, 0.5, 1.0])


def confidence(table: pd.DataFrame, threshold: float | None, palette: Palette) -> bytes:
    """Confidence over time: every image where they are few, else median and spread in each bar of time.

    *table* has the columns `time` (UTC), `confidence`, `outcome`, and `correct` (True, False, or None where the truth
    is not known).
    """
    figure, axes = blank(palette)
    if len(table) <= MOST_POINTS:
        _points(axes, table, palette)
    else:
        _bands(axes, table, palette)
    if threshold is not None:
        axes.axhline(threshold, color=palette.ink, linewidth=1.4, linestyle="--", label=f"threshold {threshold:.4g}")
    first, last = table["time"].min(), table["time"].max()
    margin = max(last - first, pd.Timedelta(seconds=10)) * 0.03
    axes.set_xlim((first - margin).tz_localize(None), (last + margin).tz_localize(None))
    time_axis(axes)
    percent_axis(axes.yaxis)
    axes.set_ylabel("confidence")
    legend(axes, palette)
    return png(figure)


def outcomes(table: pd.DataFrame, palette: Palette) -> bytes:
    """How many images ended how, in each bar of time; *table* has the columns `time` (UTC) and `outcome`."""
    figure, axes = blank(palette)
    first, last, step = table["time"].min(), table["time"].max(), time_step(table["time"])
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
            axes.bar(
                counts.index.to_numpy(),
                counts[name],
                0.85 * step / pd.Timedelta(days=1),
                bottom=below,
                color=color,
                # Neighbours in a bar are told apart by more than their colour.
                edgecolor=palette.background,
                linewidth=0.6,
                align="edge",
                label=name.lower(),
            )
            below = below + counts[name].to_numpy()
    axes.set_xlim(first.tz_localize(None).floor(step), last.tz_localize(None).floor(step) + step)
    time_axis(axes)
    count_axis(axes.yaxis)
    axes.set_ylabel(f"images per {duration(step)}")
    legend(axes, palette)
    return png(figure)


def _points(axes: Axes, table: pd.DataFrame, palette: Palette) -> None:
    wrong = table["correct"].eq(False)
    marks = [
        ("accepted", table["outcome"].eq(Outcome.ACCEPTED) & ~wrong, palette.accepted, "o"),
        ("to review", table["outcome"].eq(Outcome.REVIEW) & ~wrong, palette.review, "s"),
        ("wrong label", wrong, palette.wrong, "X"),
    ]
    for name, chosen, color, marker in marks:
        if chosen.any():
            times = table.loc[chosen, "time"].dt.tz_localize(None).to_numpy()
            axes.scatter(times, table.loc[chosen, "confidence"], s=26, c=color, marker=marker, linewidths=0, label=name)


def _bands(axes: Axes, table: pd.DataFrame, palette: Palette) -> None:
    """Median, the half in the middle, and nine tenths of the images; a bar of time with too few images is a gap."""
    step = time_step(table["time"])
    bars = table.groupby(table["time"].dt.tz_localize(None).dt.floor(step))["confidence"]
    spread = bars.quantile(QUANTILES).unstack().where(bars.size() >= FEWEST_IMAGES)
    spread = spread.reindex(pd.date_range(spread.index[0], spread.index[-1], freq=step))
    times = spread.index.to_numpy() + step.to_timedelta64() / 2
    for low, alpha, name in ((0.05, 0.18, "all but the lowest 5%"), (0.25, 0.35, "upper three quarters")):
        axes.fill_between(times, spread[low], spread[1.0], color=palette.accent, alpha=alpha, linewidth=0, label=name)
        axes.plot(times, spread[low], color=palette.accent, linewidth=0.8)
    axes.plot(times, spread[0.5], color=palette.accent, linewidth=2, marker=".", markersize=4, label="median")

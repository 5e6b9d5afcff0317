"""Charts of confidence: of all images, and label by label."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from contracts.outcomes import Outcome
from monitoring.report.chart_style import HEIGHT, blank, count_axis, percent_axis, plain, png, stacked
from monitoring.report.palette import Palette

MOST_BINS, FEWEST_BINS = 25, 10
LABELS_SHOWN = 20
ROW = 0.24
# Of more images than these with one label only their spread can be seen.
MOST_POINTS = 40
# Of fewer their quarters say nothing, and they are points beside the boxes of others, too.
FEWEST_IN_BOX = 10
SHADE = 0.3


def histogram(table: pd.DataFrame, threshold: float | None, palette: Palette) -> bytes:
    """How many images have which confidence; right and wrong labels on scales of their own, where the truth is known.

    *table* has the columns `confidence` and `correct` (True, False, or None where the truth is not known).
    """
    wrong = table["correct"].eq(False)
    right = table["correct"].eq(True)
    groups = [("right labels", right, palette.accepted), ("wrong labels", wrong, palette.wrong)]
    groups.append(("truth not known", ~(right | wrong), palette.accent))
    drawn = [group for group in groups if group[1].any()]
    figure, plots = stacked(palette, HEIGHT + 0.5 * (len(drawn) - 1), [1.0] * len(drawn))
    count = int(np.clip(np.sqrt(len(table)) * 2, FEWEST_BINS, MOST_BINS))
    bins = list(np.linspace(min(0.5, float(table["confidence"].min())), 1, count + 1))
    for axes, (name, chosen, color) in zip(plots, drawn, strict=True):
        axes.hist(table.loc[chosen, "confidence"], bins=bins, color=color, edgecolor=palette.background, linewidth=0.6)
        axes.set_title(f"{name}: {int(chosen.sum()):,}", loc="left", fontsize=10, color=color)
        count_axis(axes.yaxis)
        axes.set_ylabel("images")
        _threshold(axes, threshold, palette)
    percent_axis(plots[-1].xaxis)
    plots[-1].set_xlabel("confidence")
    return png(figure)


def labels(table: pd.DataFrame, threshold: float | None, palette: Palette) -> bytes:
    """The confidence of each label's images, one row per label, the least sure label first.

    The images themselves where every label has at most MOST_POINTS, else a box from the lower to the upper quarter with
    the median, and whiskers that leave out 5% on each side. *table* has the columns `label`, `confidence`, `outcome`
    and `correct`. Only the first LABELS_SHOWN rows are drawn.
    """
    rows = list(by_label(table).items())[:LABELS_SHOWN]
    figure, axes = blank(palette, 0.85 + ROW * max(len(rows), 3))
    fewest = fewest_in_box([len(images) for _, images in rows])
    for place, (_, images) in enumerate(rows):
        if len(images) < fewest:
            _strip(axes, place, images, palette)
        else:
            _box(axes, place, images["confidence"], palette)
        share = images["outcome"].eq(Outcome.REVIEW).mean()
        axes.text(1.02, place, f"{share:.0%}", color=palette.ink, va="center", transform=axes.get_yaxis_transform())
    axes.set_yticks(range(len(rows)), [f"{plain(name)} ({len(images):,})" for name, images in rows])
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.text(1.02, 1.0, "to review", color=palette.muted, ha="center", va="bottom", transform=axes.transAxes)
    axes.set_xlim(max(0.0, min(0.45, float(table["confidence"].min()) - 0.03)), 1.02)
    _threshold(axes, threshold, palette)
    percent_axis(axes.xaxis)
    axes.set_xlabel("confidence")
    return png(figure)


def fewest_in_box(counts: Sequence[int]) -> int:
    """From how many images a label has a box, where labels have these *counts* of images."""
    return FEWEST_IN_BOX if max(counts) > MOST_POINTS else MOST_POINTS + 1


def by_label(table: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The images of each label, the label with the lowest median first."""
    medians = table.groupby("label")["confidence"].median().sort_values(kind="stable")
    groups = dict(iter(table.groupby("label")))
    return {str(name): groups[name] for name in medians.index}


def _strip(axes: Axes, place: int, images: pd.DataFrame, palette: Palette) -> None:
    """Every image as a point, moved up and down by turns so that like ones can be told apart."""
    ordered = images.sort_values("confidence")
    moved = place + np.resize([0.0, -0.2, 0.2], len(ordered))
    wrong, accepted = ordered["correct"].eq(False), ordered["outcome"].eq(Outcome.ACCEPTED)
    for chosen, color, marker in (
        (accepted & ~wrong, palette.accepted, "o"),
        (~accepted & ~wrong, palette.review, "s"),
        (wrong, palette.wrong, "X"),
    ):
        axes.scatter(ordered.loc[chosen, "confidence"], moved[chosen], s=14, c=color, marker=marker, linewidths=0)


def _box(axes: Axes, place: int, values: "pd.Series[float]", palette: Palette) -> None:
    low, first, median, third, high = values.quantile([0.05, 0.25, 0.5, 0.75, 0.95])
    width, edge = third - first, palette.accent
    # Matplotlib draws every line in front of every bar, unless it is told.
    axes.plot([low, high], [place, place], color=palette.accent, linewidth=1.2, zorder=2)
    axes.barh(place, width, 0.6, first, color=palette.background, edgecolor=edge, linewidth=1.2, zorder=3)
    axes.barh(place, width, 0.6, first, color=palette.accent, alpha=SHADE, zorder=3)
    axes.plot([median, median], [place - 0.3, place + 0.3], color=palette.ink, linewidth=2, zorder=4)


def _threshold(axes: Axes, threshold: float | None, palette: Palette) -> None:
    if threshold is not None:
        axes.axvline(threshold, color=palette.ink, linewidth=1.4, linestyle="--", zorder=5)

"""The chart of `workflow costs`: what a month costs on each way, by images a day."""

from collections.abc import Sequence
from dataclasses import replace

from inference.costs.crossings import Crossing, grid, most_images
from inference.costs.month import Month
from inference.costs.ways import WAYS
from monitoring.report.chart_style import blank, legend, png
from monitoring.report.palette import Palette

# In inches: wider than the charts of a report, as its numbers stand beside each other.
WIDTH, HEIGHT = 6.4, 4.1


def costs_chart(month: Month, crossings: Sequence[Crossing], palette: Palette) -> bytes:
    """Dollars a month against images a day, as PNG; a dot and a number of images mark each crossing.

    The lines end where the instances can answer no more; a dashed line shows the month's own number of images.
    """
    figure, axes = blank(palette, HEIGHT, WIDTH)
    places = grid(most_images(month))
    colors = (palette.accent, palette.review, palette.accepted, palette.muted)
    for (name, way), color in zip(WAYS.items(), colors, strict=True):
        totals = [way(replace(month, images_a_day=place)).total for place in places]
        axes.loglog(places, totals, color=color, linewidth=1.6, label=name)
    axes.axvline(month.images_a_day, color=palette.muted, linewidth=0.9, linestyle="--")
    for one in crossings:
        axes.plot(one.images_a_day, one.total, marker="o", markersize=4, color=palette.ink)
        axes.annotate(
            f"{one.images_a_day:,}",
            (one.images_a_day, one.total),
            xytext=(4, -9),
            textcoords="offset points",
            fontsize=7,
            color=palette.ink,
        )
    axes.set_xlabel("images a day")
    axes.set_ylabel("USD a month", color=palette.muted)
    axes.minorticks_off()
    legend(axes, palette)
    return png(figure)

"""What all charts share: size, axes, legend, bins of time, names that fit, and the file."""

import io

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.axis import XAxis, YAxis
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, StrMethodFormatter

from monitoring.report.palette import Palette

# In inches. Letters have 10 points, Matplotlib's own size: 11 pixels where a chart is as wide as a phone.
WIDTH, HEIGHT = 4.2, 2.8
DPI = 200
LONGEST_NAME = 18
# The bars of a time axis: the shortest of these that gives no more bars than a phone can show.
STEPS = [pd.Timedelta(minutes=m) for m in (1, 10, 60, 360, 1440, 10_080, 43_200, 525_600)]
MOST_BARS = 50
FEWEST_BARS = 6
IMAGES_A_BAR = 3
# A run that is shorter has no course over time.
SHORTEST = pd.Timedelta(minutes=3)


def blank(palette: Palette, height: float = HEIGHT, width: float = WIDTH) -> tuple[Figure, Axes]:
    """An empty chart."""
    figure = Figure(figsize=(width, height), dpi=DPI, facecolor=palette.background, layout="constrained")
    axes = figure.add_subplot()
    styled(axes, palette)
    return figure, axes


def stacked(palette: Palette, height: float, ratios: list[float]) -> tuple[Figure, list[Axes]]:
    """An empty chart of plots above each other, whose heights have these *ratios*."""
    figure = Figure(figsize=(WIDTH, height), dpi=DPI, facecolor=palette.background, layout="constrained")
    found = list(figure.subplots(len(ratios), 1, sharex=True, height_ratios=ratios, squeeze=False).flat)
    for axes in found:
        styled(axes, palette)
    return figure, found


def styled(axes: Axes, palette: Palette) -> None:
    """Give *axes* the page's colours and a light grid."""
    axes.set_facecolor(palette.background)
    axes.grid(color=palette.grid, linewidth=0.8)
    axes.set_axisbelow(True)
    for name, spine in axes.spines.items():
        spine.set_visible(name in ("left", "bottom"))
        spine.set_color(palette.grid)
    axes.tick_params(colors=palette.muted, labelcolor=palette.muted)
    axes.xaxis.label.set_color(palette.muted)
    axes.yaxis.label.set_color(palette.muted)
    axes.xaxis.get_offset_text().set_color(palette.muted)


def has_course(times: "pd.Series[pd.Timestamp]") -> bool:
    """Whether *times* last long enough for something to change in between."""
    return len(times) > 1 and times.max() - times.min() >= SHORTEST


def time_step(times: "pd.Series[pd.Timestamp]") -> pd.Timedelta:
    """How long a bar lasts, so that there are few enough of them, with a few images each."""
    most = min(MOST_BARS, max(FEWEST_BARS, len(times) // IMAGES_A_BAR))
    lasts = times.max() - times.min()
    return next((step for step in STEPS if lasts / step <= most), STEPS[-1])


def duration(step: pd.Timedelta) -> str:
    """One of STEPS in words, as what a bar is of."""
    minutes = round(step / pd.Timedelta(minutes=1))
    for unit, name in ((525_600, "year"), (1440, "day"), (60, "hour"), (1, "minute")):
        if minutes >= unit:
            return name if minutes == unit else f"{minutes // unit} {name}s"
    raise ValueError(f"{step} is none of STEPS")


def time_axis(axes: Axes) -> None:
    """Write times below the chart in as few letters as will do."""
    locator = AutoDateLocator(minticks=3, maxticks=7)  # type: ignore[no-untyped-call] # Matplotlib has no types for dates.
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator, tz="UTC"))  # type: ignore[no-untyped-call] # as above
    axes.set_xlabel("time, UTC", loc="left")


def percent_axis(axis: XAxis | YAxis) -> None:
    """Write shares as percents, with no more decimals than their distances need."""
    axis.set_major_formatter(lambda share, _: f"{share:.1%}".replace(".0%", "%"))


def count_axis(axis: XAxis | YAxis, ticks: int = 5) -> None:
    """Write whole numbers, with commas between thousands."""
    axis.set_major_locator(MaxNLocator(ticks, integer=True))
    axis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))


def legend(axes: Axes, palette: Palette, columns: int = 2) -> None:
    """Above the plot, where it hides no point."""
    axes.legend(
        loc="lower left",
        bbox_to_anchor=(-0.02, 1.0),
        ncols=columns,
        frameon=False,
        labelcolor=palette.ink,
        handletextpad=0.4,
        columnspacing=1.2,
    )


def plain(name: str, longest: int = LONGEST_NAME) -> str:
    """*name* as a label of at most *longest* characters that is not taken for mathematics."""
    short = name if len(name) <= longest else f"{name[: longest - 1]}…"
    return short.replace("$", r"\$")


def png(figure: Figure) -> bytes:
    """The chart as a file."""
    buffer = io.BytesIO()
    # Without the version of the library, the same data gives the same bytes.
    figure.savefig(buffer, format="png", facecolor=figure.get_facecolor(), metadata={"Software": None})
    return buffer.getvalue()

"""What all charts share: the colours of a light and of a dark page, axes, legend and file."""

import io
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure

# Sized so that the letters can still be read where the picture is as wide as a telephone.
SIZE = (4.9, 3.15)
LARGE = (4.9, 4.7)
DPI = 180


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


def blank(palette: Palette, size: tuple[float, float] = SIZE) -> tuple[Figure, Axes]:
    """An empty chart."""
    figure = Figure(figsize=size, dpi=DPI, facecolor=palette.background, layout="constrained")
    axes = figure.add_subplot()
    styled(axes, palette)
    return figure, axes


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


def time_axis(axes: Axes) -> None:
    """Write times below the chart in as few letters as will do."""
    locator = AutoDateLocator(minticks=3, maxticks=7)  # type: ignore[no-untyped-call] # Matplotlib has no types for dates.
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator, tz="UTC"))  # type: ignore[no-untyped-call] # as above
    axes.set_xlabel("UTC", loc="left")


def legend(axes: Axes, palette: Palette) -> None:
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


def plain(name: str) -> str:
    """*name* as a label of at most 18 characters that is not taken for mathematics."""
    short = name if len(name) <= 18 else f"{name[:17]}…"
    return short.replace("$", r"\$")


def png(figure: Figure) -> bytes:
    """The chart as a file."""
    buffer = io.BytesIO()
    # Without the version of the library, the same data gives the same bytes.
    figure.savefig(buffer, format="png", facecolor=figure.get_facecolor(), metadata={"Software": None})
    return buffer.getvalue()

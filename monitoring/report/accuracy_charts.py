"""Charts of images whose truth is known: error against coverage, and reliability."""

from collections.abc import Sequence

from contracts.coverage import CoverageCurve
from monitoring.quality.calibration import CalibrationBin, OperatingPoint, interval
from monitoring.report.chart_style import HEIGHT, blank, count_axis, legend, percent_axis, png, stacked
from monitoring.report.palette import Palette


def coverage(curve: CoverageCurve, max_error: float | None, point: OperatingPoint | None, palette: Palette) -> bytes:
    """Error among the accepted images against the share that is accepted, with the *point* of one threshold."""
    figure, axes = blank(palette)
    axes.step(curve.coverage, curve.error, where="post", color=palette.accent, linewidth=1.6, label="error")
    # The few surest images alone may have any error: they don't set the scale.
    highest = 1.3 * float(curve.error[-1])
    if max_error is not None:
        axes.axhline(max_error, color=palette.wrong, linewidth=1.4, linestyle="--", label=f"tolerated {max_error:.1%}")
        highest = max(highest, 2 * max_error)
    if point is not None and point.threshold is not None and point.accepted:
        spread = [[point.error - point.error_interval.low], [point.error_interval.high - point.error]]
        name = f"threshold {point.threshold:.4g}"
        axes.errorbar(
            point.coverage, point.error, spread, fmt="o", color=palette.accepted, linewidth=2, capsize=4, label=name
        )
        highest = max(highest, point.error_interval.high)
    axes.set_xlim(0, 1.02)
    axes.set_ylim(0, min(1.0, 1.05 * highest) or 1.0)
    percent_axis(axes.xaxis)
    percent_axis(axes.yaxis)
    axes.set_xlabel("coverage: share of images accepted")
    axes.set_ylabel("error of the accepted")
    legend(axes, palette)
    return png(figure)


def reliability(bins: Sequence[CalibrationBin], palette: Palette) -> bytes:
    """Accuracy with its 95% interval against confidence, and below it how many images a group has.

    A calibrated model's points lie on the diagonal.
    """
    figure, (axes, below) = stacked(palette, HEIGHT + 0.7, [3.0, 1.0])
    low = max(0.0, min(0.5, bins[0].low))
    axes.plot([low, 1], [low, 1], color=palette.muted, linewidth=1.4, linestyle="--", label="means what it says")
    bounds = [interval(round(one.accuracy * one.count), one.count) for one in bins]
    spread = [
        [max(0.0, one.accuracy - bound.low) for one, bound in zip(bins, bounds, strict=True)],
        [max(0.0, bound.high - one.accuracy) for one, bound in zip(bins, bounds, strict=True)],
    ]
    axes.errorbar(
        [one.confidence for one in bins],
        [one.accuracy for one in bins],
        spread,
        fmt="o",
        color=palette.accent,
        markersize=5,
        linewidth=1.6,
        capsize=3,
        label="this model, 95% interval",
    )
    axes.set_ylim(min(low, *(bound.low for bound in bounds)) - 0.04, 1.04)
    axes.set_xlim(low - 0.02, 1.02)
    percent_axis(axes.yaxis)
    axes.set_ylabel("right")
    legend(axes, palette, columns=1)
    widths = [one.high - one.low for one in bins]
    below.bar(
        [one.low for one in bins],
        [one.count for one in bins],
        widths,
        align="edge",
        color=palette.accent,
        edgecolor=palette.background,
    )
    count_axis(below.yaxis, 3)
    below.set_ylabel("images")
    percent_axis(below.xaxis)
    below.set_xlabel("confidence")
    return png(figure)

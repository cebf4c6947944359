"""The figure: time above, memory below, one column for each size that grows."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from growth.plan import LABELS, PANELS, Fixed, Panel, fixed_words, label
from growth.points import Growth, Point, by_series
from growth.words import minutes, seconds, tick_megabytes, two_decimals
from radarode.report import style

COLOURS = ("#0a66c4", "#b6560b", "#2d7d46", "#7a3ea3", "#667081")
MARKERS = ("o", "s", "^", "D", "v")
HEIGHT_IN = 6.7
CAPTION_PER_IN = 15
"""Letters of the caption in an inch."""
SECONDS = [
    *(digit * 10.0**power for power in range(-5, 1) for digit in (1, 2, 5)),
    10.0, 20.0, 60.0, 120.0, 300.0, 600.0, 1200.0, 3600.0, 7200.0, 36000.0,
]  # fmt: skip
MEGABYTES = [digit * 10.0**power for power in range(3) for digit in (1, 2, 5)] + [
    1024.0 * k for k in (1, 2, 5, 10, 20, 50)
]
MOST_TICKS = 8


def draw(path: Path, points: Sequence[Point], fixed: Fixed, caption: str) -> None:
    """Write the figure of all panels that have points."""
    found = by_series(points)
    shown = [
        (panel, [name for name in LABELS if name in found and name.split("_")[0] == panel.name]) for panel in PANELS
    ]
    shown = [(panel, names) for panel, names in shown if names]
    width_in = 3.5 * len(shown)
    foot = textwrap.fill(caption, round(CAPTION_PER_IN * width_in))
    foot_in = 0.1 + 0.17 * len(foot.splitlines())
    figure = style.new_figure(width_in, HEIGHT_IN + foot_in)
    share = foot_in / (HEIGHT_IN + foot_in)
    figure.get_layout_engine().set(rect=(0, share, 1, 1 - share), h_pad=0.08, w_pad=0.06)  # type: ignore[union-attr]
    axes = figure.subplots(2, len(shown), squeeze=False, sharex="col")
    for (panel, names), (time_ax, memory_ax) in zip(shown, axes.T, strict=True):
        series = {name: found[name] for name in names}
        column(time_ax, series, fixed, lambda one: one.seconds, lambda growth: growth.time_exponent)
        column(memory_ax, series, fixed, lambda one: one.above_mb, lambda growth: growth.memory_exponent)
        proportional(time_ax, series)
        style.tidy(time_ax, f"{panel.title}\n", "", "time" if panel is shown[0][0] else "")
        time_ax.text(0, 1.02, fixed_words(panel, fixed), transform=time_ax.transAxes, fontsize=8.5, color=style.MUTED)
        style.tidy(memory_ax, "", panel.title, "memory above the imports" if panel is shown[0][0] else "")
        value_axis(time_ax, seconds, SECONDS)
        value_axis(memory_ax, tick_megabytes, MEGABYTES)
        size_axis(memory_ax, panel, sorted({point.size for points in series.values() for point in points}))
        for ax in (time_ax, memory_ax):
            style.legend(ax, loc="upper left")
    figure.text(0.008, 0.012, foot, fontsize=9, color=style.MUTED, va="bottom")
    style.save_png(figure, path)


def column(
    ax: Axes,
    series: dict[str, list[Point]],
    fixed: Fixed,
    value: Callable[[Point], float],
    exponent: Callable[[Growth], float],
) -> None:
    """Draw one line for each series, named with its exponent."""
    ax.set_xscale("log")
    ax.set_yscale("log")
    for number, (name, points) in enumerate(series.items()):
        power = exponent(Growth.of(points))
        text = label(name, fixed) + ("" if math.isnan(power) else f"  p = {two_decimals(power)}")
        ax.plot(
            [point.size for point in points], [max(value(point), 0.1 if value(point) <= 0 else 0) for point in points],
            color=COLOURS[number], marker=MARKERS[number], markersize=4.5, linewidth=1.5, label=text,
        )  # fmt: skip


def proportional(ax: Axes, series: dict[str, list[Point]]) -> None:
    """Draw, dotted, where the first series would lie if its cost were proportional to size."""
    points = next(iter(series.values()))
    sizes = np.array([points[0].size, points[-1].size])
    line = points[-1].seconds * sizes / sizes[-1]
    ax.plot(sizes, line, color=style.MUTED, linestyle=":", linewidth=1.1, zorder=1, label="proportional  p = 1")


def value_axis(ax: Axes, text: Callable[[float], str], ticks: Sequence[float]) -> None:
    """Give room for the legend above the lines, and ticks in words: few where the values span much."""
    low, high = ax.dataLim.intervaly
    span = max(math.log10(high / low), 0.6)
    bottom, top = low * 10 ** (-0.08 * span), high * 10 ** (0.62 * span)
    inside = [tick for tick in ticks if bottom <= tick <= top]
    ax.yaxis.set_major_locator(FixedLocator(inside[:: max(1, math.ceil(len(inside) / MOST_TICKS))]))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: text(value)))
    ax.yaxis.set_minor_locator(NullLocator())
    ax.set_ylim(bottom, top)


def size_axis(ax: Axes, panel: Panel, sizes: Sequence[float]) -> None:
    """Put the ticks on measured sizes, as far apart as their labels need."""
    words = minutes if panel.name == "length" else "{:g}".format
    apart = (0.2 if panel.name == "length" else 0.06) * math.log(sizes[-1] / sizes[0])
    ticks: list[float] = []
    for size in sizes:
        if not ticks or math.log(size / ticks[-1]) >= apart:
            ticks.append(size)
    ax.xaxis.set_major_locator(FixedLocator(ticks))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: words(value)))

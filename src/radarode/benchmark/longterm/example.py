"""The picture of one recording: every framework, clean and under noise, over the reference."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from radarode.benchmark.frameworks.look import LOOK, headline
from radarode.benchmark.longterm.settings import CONDITIONS
from radarode.core.notice import SHORT_NOTICE
from radarode.report import style
from radarode.report.prepare import robust_unit

TOP = 1.45
BURST = "#f0e2c2"


def draw_example(examples: Mapping[str, Mapping[str, Any]], titles: Mapping[str, str], origin: str) -> Figure:
    """Draw a row per framework and a column per condition.

    Args:
        examples: framework -> what `show_example` returns, all of one recording.
        titles: framework -> its name.
        origin: of the data, for the title.
    """
    shown = [name for name in titles if name in examples]
    figure = style.new_figure(15.0, 1.3 + 1.55 * len(shown))
    axes = figure.subplots(len(shown), len(CONDITIONS), squeeze=False, sharex=True, sharey=True)
    for number, (row, name) in enumerate(zip(axes, shown, strict=True)):
        for ax, (condition, title, noise) in zip(row, CONDITIONS, strict=True):
            bursts = examples[name]["bursts_s"] if noise.kind == "abrupt" else []
            _panel(ax, examples[name], examples[name]["conditions"][condition], LOOK[name][0], bursts)
            if number == 0:
                ax.set_title(title, loc="left", fontsize=10.5, color=style.INK)
            if number == len(shown) - 1:
                ax.set_xlabel("time [s]", fontsize=9.5, color=style.MUTED)
        row[0].set_ylabel(titles[name], fontsize=10.5, color=style.INK)
    recording = examples[shown[0]]["recording"]
    headline(figure, f"Recording {recording}, {SHORT_NOTICE}", origin)
    _legend(figure)
    return figure


def _panel(
    ax: Axes, example: Mapping[str, Any], one: Mapping[str, Any], colour: str, bursts_s: list[list[float]]
) -> None:
    fs_hz, start_s = example["fs_hz"], example["start_s"]
    reference = robust_unit(np.array(example["reference_mv"], dtype=np.float64))
    time_s = start_s + np.arange(len(reference)) / fs_hz
    curve = np.array(one["ecg"], dtype=np.float64)
    style.tidy(ax)
    for begin, end in bursts_s:
        ax.axvspan(begin, end, color=BURST, linewidth=0)
    ax.plot(time_s, reference, color=style.REFERENCE, linewidth=0.9)
    ax.plot(time_s[: len(curve)], curve, color=colour, linewidth=1.3)
    ax.plot(example["reference_r_s"], [1.32] * len(example["reference_r_s"]), "|", color=style.REFERENCE, markersize=5)
    ax.plot(one["r_s"], [1.18] * len(one["r_s"]), "v", color=colour, markersize=3.5)
    ax.set_xlim(time_s[0], time_s[-1])
    ax.set_ylim(-0.25, TOP)
    ax.set_yticks([])
    ax.spines["left"].set_visible(False)


def _legend(figure: Figure) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    def mark(marker: str, colour: str) -> Line2D:
        return Line2D([], [], color=colour, marker=marker, linestyle="none", markersize=5)

    entries = {
        "reference, heights scaled for display": Line2D([], [], color=style.REFERENCE, linewidth=1.0),
        "reconstructed (colour of the framework), nominal height, calibrated delay removed": Line2D(
            [], [], color=style.RECONSTRUCTED
        ),
        "R, reference": mark("|", style.REFERENCE),
        "R, reconstructed": mark("v", style.RECONSTRUCTED),
        "burst of noise": Patch(color=BURST),
    }
    figure.legend(list(entries.values()), list(entries), loc="outside lower left", ncols=5, frameon=False,
                  fontsize=9.5, labelcolor=style.INK)  # fmt: skip

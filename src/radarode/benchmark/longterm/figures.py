"""Pictures of the benchmark: distributions over recordings, over statuses, and of single errors."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from radarode.benchmark.frameworks.look import LOOK, headline, legend_below
from radarode.benchmark.longterm.summary import (
    MAIN,
    STATUS_NAMES,
    Cases,
    errors_of,
    groups_of,
    per_recording,
)
from radarode.report import style

BOXES: tuple[tuple[str, str, float], ...] = (
    ("rmse_mv", "RMSE per cycle [mV]", 1.0),
    ("pcc", "PCC per cycle [%]", 100.0),
    ("mdr", "Missed beats, MDR [%]", 100.0),
    ("rmse_longterm_mv", "RMSE, whole recording [mV]", 1.0),
    ("pcc_longterm", "PCC, whole recording [%]", 100.0),
    ("hr_error_bpm", "Heart-rate error [bpm], linear to 1", 1.0),
)
LINEAR_BPM = 1.0
CDF_POINTS = 601
MOST_MS, MOST_BPM = 100.0, 10.0


def draw_boxes(cases: Cases, titles: Mapping[str, str], origin: str) -> Figure:
    """Draw the distribution over recordings of six metrics, a box per framework."""
    figure = style.new_figure(11.6, 6.2)
    axes = figure.subplots(2, 3)
    for ax, (metric, label, unit) in zip(axes.flat, BOXES, strict=True):
        style.tidy(ax, label)
        found = {name: [unit * value for value in per_recording(cases, name, MAIN, metric)] for name in titles}
        _boxes(ax, found, range(len(found)), 0.55)
        ax.set_xticks(range(len(titles)), list(titles.values()), color=style.INK)
        ax.set_xlim(-0.5, len(titles) - 0.5)
        ax.grid(False, axis="x")
        if metric == "hr_error_bpm":
            ax.set_yscale("symlog", linthresh=LINEAR_BPM)
            ax.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
            ax.set_ylim(bottom=0)
    headline(figure, f"Recordings by framework, {MAIN}: median, quartiles, 1.5 times their distance", origin)
    return figure


def draw_by_status(cases: Cases, titles: Mapping[str, str], origin: str) -> Figure:
    """Draw PCC, RMSE and MDR over recordings by status, a box per framework."""
    statuses = groups_of(cases, "status")
    figure = style.new_figure(11.6, 3.9)
    axes = figure.subplots(1, 3)
    width = 0.8 / max(1, len(titles))
    for ax, (metric, label, unit) in zip(axes, BOXES[:3], strict=True):
        style.tidy(ax, label)
        for number, status in enumerate(statuses):
            some = _only(cases, status)
            found = {name: [unit * value for value in per_recording(some, name, MAIN, metric)] for name in titles}
            places = [number + width * (k - (len(titles) - 1) / 2) for k in range(len(titles))]
            _boxes(ax, found, places, 0.8 * width)
        ax.set_xlim(-0.5, len(statuses) - 0.5)
        ax.set_xticks(range(len(statuses)), [_wrapped(STATUS_NAMES[one]) for one in statuses], color=style.INK)
        ax.grid(False, axis="x")
    for name, title in titles.items():
        axes[0].plot([], [], color=LOOK[name][0], linewidth=5, label=title)
    headline(figure, f"Recordings by status, {MAIN}: median, quartiles, 1.5 times their distance", origin)
    legend_below(figure, axes, 4)
    return figure


def draw_peak_errors(cases: Cases, titles: Mapping[str, str], origin: str) -> Figure:
    """Draw, for Q, R, S and T, the share of reference beats whose peak is found within an error."""
    figure = style.new_figure(9.6, 6.4)
    axes = figure.subplots(2, 2, sharex=True, sharey=True)
    for ax, wave in zip(axes.flat, "qrst", strict=True):
        style.tidy(ax, f"{wave.upper()} peak")
        _cdfs(ax, cases, titles, wave, MOST_MS)
    for ax in axes[-1]:
        ax.set_xlabel("absolute error [ms]", fontsize=9.5, color=style.MUTED)
    figure.supylabel("share of the reference beats with that peak", fontsize=9.5, color=style.MUTED)
    headline(figure, f"Peaks found within an error, {MAIN}; missed beats keep a curve below 1", origin)
    legend_below(figure, list(axes.flat), 4)
    return figure


def draw_heart_rate(cases: Cases, titles: Mapping[str, str], origin: str) -> Figure:
    """Draw the share of 10-s windows whose heart rate is found within an error."""
    figure = style.new_figure(6.4, 4.0)
    ax = style.tidy(figure.add_subplot(), "", "absolute error [bpm]", "share of the windows with a reference rate")
    _cdfs(ax, cases, titles, "rate", MOST_BPM)
    headline(figure, f"Heart rate in windows of 10 s, {MAIN}", origin)
    style.legend(ax, loc="lower right")
    return figure


def _cdfs(ax: Axes, cases: Cases, titles: Mapping[str, str], kind: str, most: float) -> None:
    x = np.linspace(0.0, most, CDF_POINTS)
    for name, title in titles.items():
        errors = errors_of(cases, name, MAIN, kind)
        share = np.searchsorted(errors.values, x, side="right") / max(errors.total, 1)
        ax.step(x, share, where="post", color=LOOK[name][0], linewidth=1.8, label=title)
    ax.set_xlim(0.0, most)
    ax.set_ylim(0.0, 1.02)


def _boxes(ax: Axes, found: Mapping[str, Sequence[float]], places: Sequence[float], width: float) -> None:
    for place, (name, values) in zip(places, found.items(), strict=True):
        if not values:
            continue
        colour = LOOK[name][0]
        line: dict[str, Any] = {"color": colour, "linewidth": 1.3}
        ax.boxplot(
            [list(values)], positions=[place], widths=width, patch_artist=True, manage_ticks=False,
            boxprops={"facecolor": f"{colour}33", "edgecolor": colour, "linewidth": 1.3},
            medianprops={"color": colour, "linewidth": 2.0}, whiskerprops=line, capprops=line,
            flierprops={"marker": ".", "markersize": 4, "markerfacecolor": colour, "markeredgecolor": "none"},
        )  # fmt: skip


def _only(cases: Cases, status: str) -> Cases:
    keep: Callable[[Mapping[str, Any]], bool] = lambda one: one["status"] == status  # noqa: E731
    return {key: {name: one for name, one in found.items() if keep(one)} for key, found in cases.items()}


def _wrapped(text: str) -> str:
    return text.replace(" ", "\n")

"""Pictures of the benchmark: PCC, MDR and Δm of every framework against the level and the length of noise."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from radarode.benchmark.frameworks.look import LOOK, headline, legend_below, save
from radarode.benchmark.noise.conditions import CLEAN, Condition, NoiseSettings
from radarode.benchmark.noise.summary import MAIN, Cases, figures_of, level_title
from radarode.benchmark.tables import split_value
from radarode.metrics.summary import FAILED_PCC
from radarode.report import style

PANELS = (("pcc", "PCC per cycle [%]"), ("mdr", "Missed beats, MDR [%]"), ("delta_m", "Δm [%]"))
LINEAR_PERCENT = -100.0
"""Δm below this is drawn on a logarithmic scale, where it reaches three times as far."""

TICKS = (50, 0, -50, -100, -200, -500, -1000, -2000, -5000, -10_000, -100_000)

HOLLOW = f"Hollow markers: failed, PCC below {100 * FAILED_PCC:g} %."


def write_figures(
    folder: Path, cases: Cases, settings: NoiseSettings, kinds: Sequence[str], titles: Mapping[str, str], origin: str
) -> list[str]:
    """Write `constant.png` and `abrupt.png`; return the names of those of the given kinds.

    Args:
        folder: of the results.
        cases: what was scored.
        settings: name the conditions.
        kinds: of noise.
        titles: framework -> its name.
        origin: of the data, for titles.
    """
    drawings = {"constant": draw_constant, "abrupt": draw_abrupt}
    return save({kind: drawings[kind](cases, settings, titles, origin) for kind in kinds}, folder)


def draw_constant(cases: Cases, settings: NoiseSettings, titles: Mapping[str, str], origin: str) -> Figure:
    """Draw PCC, MDR and Δm against the SNR, the clean recordings on the left."""
    levels = sorted(settings.constant_db, reverse=True)
    ticks = ["clean", *(f"{level:g}" for level in levels)]
    conditions = [Condition(CLEAN), *(Condition("constant", level) for level in levels)]
    figure = style.new_figure(11.6, 3.9)
    axes = np.atleast_1d(figure.subplots(1, len(PANELS)))
    for ax, (metric, label) in zip(axes, PANELS, strict=True):
        style.tidy(ax, label, "SNR [dB]", "")
        _lines(ax, cases, titles, metric, conditions, [_place(levels, one.snr_db) for one in conditions])
        ax.set_xticks([_place(levels, one.snr_db) for one in conditions], ticks)
        _limits(ax, metric)
    headline(figure, f"Constant noise on the {settings.domain}, {MAIN}: mean and standard deviation over seeds", origin)
    _foot(figure, list(axes))
    return figure


def draw_abrupt(cases: Cases, settings: NoiseSettings, titles: Mapping[str, str], origin: str) -> Figure:
    """Draw PCC, MDR and Δm against the length of the bursts, one row per level; 0 s is clean."""
    levels = settings.abrupt_db
    figure = style.new_figure(11.6, 1.3 + 2.6 * len(levels))
    axes = figure.subplots(len(levels), len(PANELS), squeeze=False, sharey="col")
    for level, row in zip(levels, axes, strict=True):
        conditions = [Condition(CLEAN), *(Condition("abrupt", level, length) for length in settings.abrupt_s)]
        places = [0.0, *settings.abrupt_s]
        for ax, (metric, label) in zip(row, PANELS, strict=True):
            style.tidy(ax, label, "length of the bursts [s]" if level == levels[-1] else "", "")
            _lines(ax, cases, titles, metric, conditions, places)
            ax.set_xticks(places, ["clean", *(f"{place:g}" for place in places[1:])])
        row[0].set_ylabel(level_title(settings, level), fontsize=9.5, color=style.INK)
    for row in axes:  # limits at last: the rows share them
        for ax, (metric, _) in zip(row, PANELS, strict=True):
            _limits(ax, metric)
    text = f"Bursts in {100 * settings.share:g} % of the windows of the {settings.domain}, {MAIN}"
    headline(figure, f"{text}: mean and standard deviation over seeds", origin)
    _foot(figure, list(axes.flat))
    return figure


def _place(levels: Sequence[float], snr_db: float | None) -> float:
    """Return where a level stands: to scale, less noise to the left, the clean recordings 2 dB before the highest."""
    return -(max(levels) + 2.0) if snr_db is None else -snr_db


def _lines(
    ax: Axes,
    cases: Cases,
    titles: Mapping[str, str],
    metric: str,
    conditions: Sequence[Condition],
    places: Sequence[float],
) -> None:
    for framework, title in titles.items():
        colour, marker = LOOK[framework]
        found = [figures_of(cases, framework, condition, MAIN) for condition in conditions]
        means, errors = np.array([[*_parts(one[metric])] for one in found]).T
        ax.errorbar(places, means, yerr=errors, color=colour, linewidth=1.6, capsize=2.5, elinewidth=1.0, label=title)
        for place, mean, one in zip(places, means, found, strict=True):
            inside = "white" if one["failed"] else colour
            ax.plot(place, mean, marker=marker, color=colour, markerfacecolor=inside, markersize=5, linestyle="none")


def _parts(value: object) -> tuple[float, float]:
    mean, error = split_value(value)  # type: ignore[arg-type]
    return mean, 0.0 if error is None or not math.isfinite(error) else error


def _limits(ax: Axes, metric: str) -> None:
    if metric == "pcc":
        ax.axhline(100 * FAILED_PCC, color=style.MUTED, linewidth=1.0, linestyle=":")
        ax.set_ylim(top=100)
    elif metric == "mdr":
        ax.set_ylim(bottom=0)
    else:
        ax.axhline(0.0, color=style.MUTED, linewidth=1.0)
        low, high = ax.get_ylim()
        if low < 3 * LINEAR_PERCENT:
            ax.set_yscale("symlog", linthresh=-LINEAR_PERCENT)
            ax.set_yticks([place for place in TICKS if low <= place <= high], minor=False)
            ax.yaxis.set_minor_locator(NullLocator())
            ax.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
            ax.set_ylim(1.15 * low, high)
            ax.set_title("Δm [%], logarithmic below -100", loc="left", fontsize=11, color=style.INK)


def _foot(figure: Figure, axes: Sequence[Axes]) -> None:
    legend_below(figure, axes, 4)
    figure.text(0.99, 0.012, HOLLOW, ha="right", fontsize=9, color=style.MUTED)

"""The figures of the report, each with the numbers it is drawn from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from radarode.core.types import COLUMNS
from radarode.metrics.timing import RATE_WINDOW_S, heart_rates_bpm, matched_intervals_s, r_differences_s
from radarode.report import style
from radarode.report.prepare import FloatArray, Prepared, origin

_CDF_POINTS = 601

Data = Mapping[str, Sequence[object] | FloatArray]


@dataclass(frozen=True, slots=True, eq=False)
class Drawing:
    """Hold a figure with the columns of its CSV file and the sentence under it.

    Attributes:
        name: file name without ending, unique in a report.
        figure: the figure.
        data: equally long columns.
        caption: what it shows, in one or two sentences.
    """

    name: str
    figure: Figure
    data: Data
    caption: str


def r_timing_cdf(cases: Sequence[Prepared]) -> Drawing:
    """Draw how many of the *reference* beats are found within how many ms, for the three columns."""
    n_beats = sum(len(case.reference_r_s) for case in cases)
    errors = {
        column: [
            1000.0
            * np.abs(r_differences_s(one.columns[column].beats.r_s, one.reference_r_s, one.columns[column].matching))
            for one in cases
        ]
        for column in COLUMNS
    }
    drawing = _cdf(
        "r_timing_cdf", {k: np.concatenate(v) for k, v in errors.items()}, dict.fromkeys(COLUMNS, n_beats), 150.0
    )
    style.tidy(
        drawing.figure.axes[0], f"R timing error{origin(cases)}", "absolute error [ms]", "share of reference beats"
    )
    caption = (
        "Share of all reference beats whose R peak is found within the error on the x axis; a curve ends "
        "below 1 by the share of missed beats."
    )
    return Drawing(drawing.name, drawing.figure, drawing.data, caption)


def ppi_cdf(cases: Sequence[Prepared]) -> Drawing:
    """Draw the error of the peak-to-peak intervals, for the three columns."""
    errors = {column: np.abs(_interval_errors_ms(cases, column)) for column in COLUMNS}
    counts = {column: len(values) for column, values in errors.items()}
    drawing = _cdf("ppi_cdf", errors, counts, 100.0)
    style.tidy(
        drawing.figure.axes[0], f"Interval (PPI) error{origin(cases)}", "absolute error [ms]", "share of intervals"
    )
    caption = (
        "Share of the intervals between beats that follow each other in both series. A constant delay does not "
        "change an interval; the columns differ only where it changes which beats match."
    )
    return Drawing(drawing.name, drawing.figure, drawing.data, caption)


def bland_altman(cases: Sequence[Prepared]) -> Drawing:
    """Draw interval differences over interval means, with bias and 95 % limits of agreement."""
    parts = [
        matched_intervals_s(one.columns["calibrated"].beats.r_s, one.reference_r_s, one.columns["calibrated"].matching)
        for one in cases
    ]
    predicted, reference = (1000.0 * np.concatenate([part[i] for part in parts]) for i in (0, 1))
    names = np.repeat([one.name for one in cases], [len(part[0]) for part in parts])
    mean, difference = (predicted + reference) / 2, predicted - reference
    figure = style.new_figure(5.2, 3.5)
    ax = style.tidy(
        figure.add_subplot(),
        f"Bland–Altman of the intervals{origin(cases)}",
        "mean of the two [ms]",
        "reconstructed − reference [ms]",
    )
    size, alpha = (9, 0.5) if len(mean) < 2000 else (4, 0.25)
    ax.scatter(mean, difference, s=size, color=style.CALIBRATED, alpha=alpha, linewidths=0, rasterized=len(mean) > 3000)
    caption = "No interval is shared by reconstruction and reference."
    if len(difference):
        bias, spread = float(difference.mean()), 1.96 * float(difference.std())
        for value, text, line in (
            (bias, "bias", "-"), (bias + spread, "+1.96 SD", "--"), (bias - spread, "−1.96 SD", "--"),
        ):  # fmt: skip
            ax.axhline(value, color=style.R_MARK, linewidth=1.1, linestyle=line)
            written = f"{text} {round(value, 1) + 0.0:.1f} ms"
            ax.annotate(written, (1.0, value), xycoords=("axes fraction", "data"), xytext=(-3, 3),
                        textcoords="offset points", ha="right", fontsize=8.5, color=style.R_MARK)  # fmt: skip
        reach = max(1.35 * (abs(bias) + spread), 5.0)
        outside = int((np.abs(difference) > reach).sum())
        ax.set_ylim(-reach, reach)
        caption = (
            f"{len(mean)} intervals (beats matched in the calibrated column): bias {round(bias, 1) + 0.0:.1f} ms, "
            f"95 % limits of agreement {bias - spread:.1f} to {bias + spread:.1f} ms"
            + (f"; {outside} points lie outside the picture." if outside else ".")
        )
    data = {"recording": names, "reconstructed_ms": predicted, "reference_ms": reference, "difference_ms": difference}
    return Drawing("bland_altman", figure, data, caption)


def heart_rate(case: Prepared, key: str) -> Drawing:
    """Draw the heart rate in 10-s windows over time, reconstruction against reference.

    Args:
        case: the case.
        key: goes into the file name.
    """
    duration_s = case.case.ecg.duration_s
    ours = heart_rates_bpm(case.columns["deployable"].beats.r_s, duration_s)
    theirs = heart_rates_bpm(case.reference_r_s, duration_s)
    n = max(len(ours), len(theirs))
    time_s = RATE_WINDOW_S * (np.arange(n) + 0.5)
    figure = style.new_figure(5.2, 2.6)
    ax = style.tidy(figure.add_subplot(), f"Heart rate, {case.name}{origin([case])}", "time [s]", "bpm")
    ax.plot(time_s, theirs, color=style.REFERENCE, linewidth=1.6, marker="o", markersize=3, label="reference")
    ax.plot(time_s, ours, color=style.RECONSTRUCTED, linewidth=1.6, marker="o", markersize=3, label="reconstructed")
    low, high = ax.get_ylim()
    ax.set_ylim(min(low, (low + high) / 2 - 5), max(high, (low + high) / 2 + 5))
    style.legend(ax, loc="best", ncols=2)
    data = {"time_s": time_s, "reference_bpm": theirs, "reconstructed_bpm": ours}
    caption = "Mean rate in windows of 10 s, as reconstructed (deployable); breaks are gaps."
    return Drawing(f"heart_rate_{key}", figure, data, caption)


def _interval_errors_ms(cases: Sequence[Prepared], column: str) -> FloatArray:
    parts = [
        matched_intervals_s(one.columns[column].beats.r_s, one.reference_r_s, one.columns[column].matching)
        for one in cases
    ]
    return 1000.0 * np.concatenate([ours - theirs for ours, theirs, _ in parts])


def _cdf(name: str, errors: Mapping[str, FloatArray], totals: Mapping[str, int], most_ms: float) -> Drawing:
    figure = style.new_figure(5.2, 3.2)
    ax = figure.add_subplot()
    columns, values, shares = [], [], []
    for column, array in errors.items():
        ordered = np.sort(array)
        share = np.arange(1, len(ordered) + 1) / max(totals[column], 1)
        colour, line = style.COLUMN_STYLE[column]
        x = np.linspace(0.0, most_ms, _CDF_POINTS)
        y = np.searchsorted(ordered, x, side="right") / max(totals[column], 1)
        ax.step(x, y, where="post", color=colour, linestyle=line, linewidth=1.9, label=column)
        columns += [column] * len(ordered)
        values.append(ordered)
        shares.append(share)
    ax.set_xlim(0.0, most_ms)
    ax.set_ylim(0.0, 1.02)
    style.legend(ax, loc="lower right")
    data = {"column": columns, "error_ms": np.concatenate(values), "share": np.concatenate(shares)}
    return Drawing(name, figure, data, "")

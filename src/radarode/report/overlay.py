"""Draw reference and reconstruction over each other, row by row."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from radarode.core.notice import SHORT_NOTICE
from radarode.report import style
from radarode.report.figures import Drawing
from radarode.report.prepare import Prepared, at_times, origin, robust_unit, stretch

ROW_S = 5.0
N_ROWS = 4


def overlay(case: Prepared, key: str, start_s: float | None = None) -> Drawing:
    """Draw 20 s of one recording in rows of 5 s, R peaks marked, calibrated.

    Args:
        case: the case.
        key: goes into the file name.
        start_s: where to start; None for right after the calibration stretch, or the start of a short one.
    """
    ecg, recording = case.columns["calibrated"].ecg, case.case.recording
    length_s = ROW_S * N_ROWS
    if start_s is None:
        start_s = max(min(20.0, ecg.duration_s - length_s), 0.0)
    n_rows = max(1, min(N_ROWS, int(np.ceil((ecg.duration_s - start_s) / ROW_S - 1e-9))))
    stop_s = min(start_s + n_rows * ROW_S, ecg.duration_s)
    t, curve = stretch(np.asarray(ecg.ecg), ecg.fs_hz, start_s, stop_s)
    reference = np.full(len(t), np.nan)
    if recording.ecg_mv is not None:
        at, values = stretch(recording.ecg_mv, recording.fs_hz, start_s, stop_s)
        if len(at):
            reference = np.interp(t, at, robust_unit(values), left=np.nan, right=np.nan)
    figure = style.new_figure(5.6, 0.75 + 1.15 * n_rows)
    axes = figure.subplots(n_rows, 1, squeeze=False)[:, 0]
    for row, ax in enumerate(axes):
        first_s = start_s + row * ROW_S
        style.tidy(ax)
        ax.plot(t, reference, color=style.REFERENCE, linewidth=1.0, label="reference")
        ax.plot(t, curve, color=style.RECONSTRUCTED, linewidth=1.4, label="reconstructed")
        _marks(ax, case, t, curve, reference)
        for a, b in np.reshape(ecg.gaps_s, (-1, 2)):
            ax.axvspan(a, b, color=style.GAP, linewidth=0)
        ax.set_xlim(first_s, first_s + ROW_S)
        ax.set_ylim(-0.15, 1.35)
        ax.set_yticks([])
        ax.spines["left"].set_visible(False)
    figure.suptitle(f"{case.name}{origin([case])}: {SHORT_NOTICE}", fontsize=9.5, color=style.MUTED, x=0.01, ha="left")
    axes[-1].set_xlabel("time [s]", fontsize=9.5, color=style.MUTED)
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower left", ncols=4, frameon=False, fontsize=9, labelcolor=style.INK,
                  handlelength=1.2, columnspacing=1.2)  # fmt: skip
    data = {"time_s": t, "reference": reference, "reconstructed": curve}
    kind = "simulated reference" if recording.simulated else "reference"
    timing = (
        f"after removing the calibrated delay of {1000 * ecg.delay_s:.0f} ms"
        if ecg.calibrated
        else "not calibrated (no beat of the first 20 s is near a reference beat)"
    )
    caption = f"Reconstructed ECG over the {kind}, heights scaled for display, {timing}. Shaded: not reconstructed."
    return Drawing(f"overlay_{key}", figure, data, caption)


def _marks(ax: Axes, case: Prepared, t: np.ndarray, curve: np.ndarray, reference: np.ndarray) -> None:
    if len(t) == 0:
        return
    for beats, colour, marker, name in (
        (case.reference_r_s, style.REFERENCE, "|", "R, reference"),
        (case.columns["calibrated"].ecg.beats.r_s, style.R_MARK, "v", "R, reconstructed"),
    ):
        shown = beats[(beats >= t[0]) & (beats <= t[-1])]
        lift = 0.22 if marker == "|" else 0.09
        top = np.fmax(at_times(t, curve, shown), at_times(t, reference, shown))
        height = np.clip(np.nan_to_num(top, nan=1.0), 0.2, 1.05) + lift
        ax.plot(shown, height, linestyle="none", marker=marker, markersize=5, color=colour, label=name)

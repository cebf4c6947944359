"""Draw a reconstructed ECG as a strip on clinical grid paper."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MultipleLocator

from radarode.core.constants import R_FRACTION
from radarode.core.errors import InputError
from radarode.core.notice import NOTICE
from radarode.core.types import ReconstructedEcg, Recording
from radarode.metrics.delay import calibrate
from radarode.report import style
from radarode.report.prepare import FloatArray, at_times, robust_unit, stretch
from radarode.signal.reference import find_r_peaks

_PAPER, _FINE, _COARSE = "#fffaf8", "#f8dcd8", "#edb5ae"
_LIMITS = (-0.22, 1.32)


def plot_reconstruction(
    path_png: Path | str,
    ecg: ReconstructedEcg,
    recording: Recording | None = None,
    start_s: float = 0.0,
    seconds: float = 12.0,
) -> None:
    """Write a PNG of part of a reconstruction: strip, R marks, gaps, quality, and the reference if there is one.

    One large square of the grid is 0.2 s wide; height is nominal. With a reference the reconstruction is
    shown calibrated (one constant delay from the first 20 s), and the picture says so.

    Args:
        path_png: file to write.
        ecg: the reconstruction.
        recording: the recording it was made from, for its name, its source and its reference.
        start_s: where the strip starts; moved back where it would reach beyond the end.
        seconds: length of the strip.

    Raises:
        InputError: `start_s` or `seconds` is out of range.
        FileNotFoundError: the folder does not exist.
    """
    if not (math.isfinite(start_s) and 0.0 <= start_s < ecg.duration_s):
        raise InputError.of("start_s", f"from 0 to the end ({ecg.duration_s:g} s)", start_s)
    if not (math.isfinite(seconds) and 1.0 <= seconds <= 60.0):
        raise InputError.of("seconds", "between 1 and 60", seconds)
    start_s = max(min(start_s, ecg.duration_s - seconds), 0.0)
    reference_r_s = find_r_peaks(recording) if recording is not None else np.empty(0)
    if len(reference_r_s) and not ecg.calibrated:
        ecg = calibrate(ecg, reference_r_s)
    figure = draw_strip(ecg, recording, start_s, min(start_s + seconds, ecg.duration_s))
    style.save_png(figure, Path(path_png))


def draw_strip(ecg: ReconstructedEcg, recording: Recording | None, start_s: float, stop_s: float) -> Figure:
    """Return the figure that `plot_reconstruction` writes; the reconstruction is shown as it is given."""
    shows_reference = recording is not None and recording.ecg_mv is not None
    rows = 2 if shows_reference else 1
    figure = style.new_figure(12.0, 1.55 + 1.75 * rows)
    figure.get_layout_engine().set(rect=(0, 0.075, 1, 0.925), h_pad=0.03)  # type: ignore[union-attr]
    axes = figure.subplots(rows + 1, 1, sharex=True, height_ratios=[1.0] * rows + [0.13], squeeze=False)[:, 0]
    _strip(axes[0], *stretch(ecg.ecg, ecg.fs_hz, start_s, stop_s), (start_s, stop_s), style.RECONSTRUCTED)
    _marks(axes[0], ecg, start_s, stop_s)
    _gaps(axes[0], ecg, start_s, stop_s)
    axes[0].set_title(_title(ecg, recording, start_s, stop_s), loc="left", fontsize=12.5, color=style.INK)
    axes[0].set_ylabel("reconstructed", fontsize=10, color=style.RECONSTRUCTED)
    if recording is not None and recording.ecg_mv is not None:
        shown = stretch(recording.ecg_mv, recording.fs_hz, start_s, stop_s)
        _strip(axes[1], shown[0], robust_unit(shown[1]), (start_s, stop_s), style.REFERENCE)
        label = "reference (simulated)" if recording.simulated else "reference"
        axes[1].set_ylabel(label, fontsize=10, color=style.REFERENCE)
    _quality(axes[-1], ecg, start_s, stop_s)
    figure.text(0.008, 0.012, NOTICE, fontsize=9.5, color=style.MUTED, va="bottom")
    return figure


def _title(ecg: ReconstructedEcg, recording: Recording | None, start_s: float, stop_s: float) -> str:
    r_s = ecg.beats.r_s[(ecg.beats.r_s >= start_s) & (ecg.beats.r_s < stop_s)]
    intervals = np.diff(r_s)
    intervals = intervals[intervals < 2.5]
    parts = ["Reconstructed ECG"]
    if recording is not None:
        parts.append(f"{recording.name}{' (simulated)' if recording.simulated else ''}")
    parts.append(f"{start_s:g} to {stop_s:g} s")
    if len(intervals):
        parts.append(f"{60.0 / intervals.mean():.0f} bpm")
    if ecg.calibrated:
        parts.append(f"calibrated: constant delay of {1000 * ecg.delay_s:.0f} ms removed")
    return "  ·  ".join(parts)


def _strip(ax: Axes, t: FloatArray, curve: FloatArray, span_s: tuple[float, float], colour: str) -> None:
    ax.plot(t, curve, color=colour, linewidth=1.4, solid_joinstyle="round", zorder=3)
    ax.set_facecolor(_PAPER)
    ax.set_xlim(*span_s)
    ax.set_ylim(*_LIMITS)
    ax.xaxis.set_major_locator(MultipleLocator(1.0))
    ax.yaxis.set_major_locator(MultipleLocator(0.5))
    _paper(ax, span_s)
    ax.tick_params(which="both", length=0, labelbottom=False, labelleft=False)
    for spine in ax.spines.values():
        spine.set_color(_COARSE)


def _paper(ax: Axes, span_s: tuple[float, float]) -> None:
    """Draw the grid: 0.04-s and 0.2-s squares, as on paper at 25 mm/s."""
    first, last = math.floor(span_s[0] / 0.2), math.ceil(span_s[1] / 0.2)
    coarse = 0.2 * np.arange(first, last + 1)
    if span_s[1] - span_s[0] <= 20.0:
        fine = 0.04 * np.arange(5 * first, 5 * last + 1)
        ax.vlines(fine, *_LIMITS, color=_FINE, linewidth=0.4, zorder=1)
        ax.hlines(np.arange(-0.2, 1.3, 0.05), *span_s, color=_FINE, linewidth=0.4, zorder=1)
    ax.vlines(coarse, *_LIMITS, color=_COARSE, linewidth=0.6, zorder=1)
    ax.hlines(np.arange(0.0, 1.3, 0.25), *span_s, color=_COARSE, linewidth=0.6, zorder=1)


def _marks(ax: Axes, ecg: ReconstructedEcg, start_s: float, stop_s: float) -> None:
    r_s = ecg.beats.r_s[(ecg.beats.r_s >= start_s) & (ecg.beats.r_s < stop_s)]
    t, curve = stretch(np.asarray(ecg.ecg), ecg.fs_hz, start_s, stop_s)
    height = np.nan_to_num(at_times(t, curve, r_s), nan=1.0) + 0.09
    ax.plot(r_s, height, linestyle="none", marker="v", markersize=6, color=style.R_MARK, zorder=4)


def _gaps(ax: Axes, ecg: ReconstructedEcg, start_s: float, stop_s: float) -> None:
    for a, b in np.reshape(ecg.gaps_s, (-1, 2)):
        a, b = max(a, start_s), min(b, stop_s)
        if b <= a:
            continue
        ax.axvspan(a, b, color=style.GAP, alpha=0.85, linewidth=0, zorder=2)
        if b - a >= 0.6:
            ax.text((a + b) / 2, 0.5, "not\nreconstructed" if b - a < 2 else "not reconstructed", ha="center",
                    va="center", fontsize=9, color=style.MUTED, zorder=4)  # fmt: skip


def _quality(ax: Axes, ecg: ReconstructedEcg, start_s: float, stop_s: float) -> None:
    """Draw the quality index of every beat as a bar over its cycle."""
    keep = (ecg.beats.r_s >= start_s) & (ecg.beats.r_s < stop_s)
    left = ecg.beats.r_s[keep] - R_FRACTION * ecg.beats.length_s[keep]
    quality = np.clip(ecg.beats.quality[keep], 0.0, 1.0)
    ax.bar(left, quality, width=0.96 * ecg.beats.length_s[keep], align="edge", color="#8fb8e3", linewidth=0)
    ax.set_ylim(0, 1)
    style.tidy(ax, x="time [s]")
    ax.grid(False)
    ax.set_yticks([0, 1])
    ax.set_ylabel("quality", rotation=0, ha="right", va="center", fontsize=9.5, color=style.MUTED)
    ax.set_xlim(start_s, stop_s)

"""Pictures of what was found in a raw capture: range, energy, points, one signal and its spectrum."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy import fft

from radarode.core.types import FloatArray
from radarode.radar.extracted import Extracted
from radarode.radar.rates import told
from radarode.report import style
from radarode.signal.gaps import fill_gaps

_FLOOR_DB = -40.0
_SHOWN_S = 30.0
_SPECTRUM_HZ = 4.0


def save_radar_pictures(folder: Path, found: Extracted) -> list[Path]:
    """Write range.png, energy.png and signal.png into an existing folder; those that apply to the radar.

    Args:
        folder: where.
        found: result of `extract_motion`.

    Returns:
        The files written.
    """
    figures = {"signal": draw_signal(found)}
    if found.map is not None and found.voxels is not None:
        figures["range"] = draw_range(found)
        figures["energy"] = draw_voxels(found) if found.grid is not None else draw_range_points(found)
    paths = []
    for name, figure in sorted(figures.items()):
        paths.append(folder / f"{name}.png")
        style.save_png(figure, paths[-1])
    return paths


def draw_range(found: Extracted) -> Figure:
    """Draw how much is reflected and how much moves at each range."""
    assert found.map is not None
    figure = style.new_figure(6.4, 3.2)
    ax = style.tidy(
        figure.add_subplot(), _title("What reflects and what moves", found), "range [m]", "dB of each maximum"
    )
    level, energy = _db(found.map.level**2), _db(found.map.energy)
    ax.plot(found.map.range_m, level, color=style.MUTED, linewidth=1.4, label="all that is reflected")
    ax.plot(found.map.range_m, energy, color=style.RECONSTRUCTED, linewidth=1.9, label="what moves at 0.1 to 3 Hz")
    person_m = _person_m(found)
    ax.axvline(person_m, color=style.R_MARK, linewidth=1.2, linestyle="--")
    ax.annotate(f"person, {person_m:.2f} m", (person_m, 1.0), xycoords=("data", "axes fraction"), xytext=(5, -4),
                textcoords="offset points", va="top", fontsize=9, color=style.R_MARK)  # fmt: skip
    ax.set_xlim(found.map.range_m[0], found.map.range_m[-1])
    ax.set_ylim(min(-45.0, float(np.percentile(energy, 5))), 16.0)
    style.legend(ax, loc="upper right" if person_m < found.map.range_m.mean() else "upper left")
    return figure


def draw_voxels(found: Extracted) -> Figure:
    """Draw the energy of motion over the grid, seen from the front and from above, with the chosen points."""
    assert found.grid is not None
    assert found.voxels is not None
    axes_m, shape = found.grid.axes_m, found.grid.shape
    energy = _db(found.voxels.power).reshape(shape)
    views = [(0, 1, 2, "from the front"), (0, 2, 1, "from above"), (1, 2, 0, "from the side")]
    views = [view for view in views if shape[view[0]] > 1 and shape[view[1]] > 1] or [(0, 2, 1, "from above")]
    figure = style.new_figure(1.2 + 3.7 * len(views[:2]), 3.9)
    panels = figure.subplots(1, len(views[:2]), squeeze=False)[0]
    score, dots, image = _score_at(found), None, None
    for ax, (across, upward, through, name) in zip(panels, views[:2], strict=True):
        flat = energy.max(axis=through)
        flat = flat.T if across < upward else flat
        image = ax.imshow(flat, origin="lower", extent=_extent(axes_m[across], axes_m[upward]), cmap="Blues",
                          vmin=_FLOOR_DB / 2, vmax=0.0, aspect="equal" if upward == 1 else "auto",
                          interpolation="nearest")  # fmt: skip
        dots = ax.scatter(found.positions_m[:, across], found.positions_m[:, upward], c=score, cmap="autumn_r", s=34,
                          vmin=0.0, vmax=max(0.3, float(score.max())), edgecolors=style.INK,
                          linewidths=0.7)  # fmt: skip
        style.tidy(ax, name, f"{'xyz'[across]} [m]", f"{'xyz'[upward]} [m]")
        ax.grid(False)
    assert image is not None
    assert dots is not None
    bar = figure.colorbar(image, ax=panels[-1], shrink=0.85, pad=0.02)
    _label_bar(bar.ax, "energy of motion [dB]")
    bar = figure.colorbar(dots, ax=panels[-1], shrink=0.85, pad=0.02)
    _label_bar(bar.ax, "repetition of the beat (points)")
    figure.suptitle(_title(f"Where the motion is, and the {len(found.positions_m)} chosen points", found), fontsize=11,
                    color=style.INK, x=0.01, ha="left")  # fmt: skip
    return figure


def draw_range_points(found: Extracted) -> Figure:
    """Draw energy and beat score over the range points of a radar that resolves only range."""
    assert found.voxels is not None
    range_m = found.voxels.points_m[:, 2]
    figure = style.new_figure(6.4, 3.2)
    ax = style.tidy(
        figure.add_subplot(), _title("Points around the person", found), "range [m]", "energy of motion [dB]"
    )
    marker = "o" if len(range_m) < 60 else ""
    ax.plot(range_m, _db(found.voxels.power), color=style.RECONSTRUCTED, linewidth=1.7, marker=marker, markersize=3)
    right = ax.twinx()
    right.plot(range_m, found.voxels.score, color=style.DEPLOYABLE, linewidth=1.5)
    style.tidy(right, "", "", "repetition of the beat")
    right.grid(False)
    right.yaxis.label.set_color(style.DEPLOYABLE)
    ax.yaxis.label.set_color(style.RECONSTRUCTED)
    for number, place in enumerate(found.positions_m[:, 2]):
        ax.axvline(place, color=style.R_MARK, linewidth=1.0, alpha=0.7, label="chosen points" if number == 0 else None)
    for side in (ax, right):
        low, high = side.get_ylim()
        side.set_ylim(low, high + 0.15 * (high - low))
    style.legend(ax, loc="upper right")
    return figure


def draw_signal(found: Extracted) -> Figure:
    """Draw the displacement of the strongest point, and the spectrum of its velocity with the rates."""
    moved_mm = 1000.0 * found.displacement_m[0]
    shown = min(len(moved_mm), round(_SHOWN_S * found.fs_hz))
    figure = style.new_figure(6.4, 5.0)
    top, bottom = figure.subplots(2, 1)
    time_s = np.arange(shown) / found.fs_hz
    top.plot(time_s, moved_mm[:shown] - np.nanmean(moved_mm[:shown]), color=style.RECONSTRUCTED, linewidth=1.1)
    place = ", ".join(f"{value:.2f}" for value in found.positions_m[0])
    where = f" at ({place}) m" if found.map is not None else ""
    style.tidy(top, _title(f"Motion of the strongest point{where}", found), "time [s]", "displacement [mm]")
    top.set_xlim(0.0, shown / found.fs_hz)
    freq, power = _velocity_power(moved_mm, found.fs_hz)
    keep = (freq >= 0.05) & (freq <= _SPECTRUM_HZ)
    bottom.plot(60 * freq[keep], _db(power[keep]), color=style.INK, linewidth=1.2)
    style.tidy(bottom, "Spectrum of its velocity", "rate [per minute]", "power [dB]")
    bottom.set_xlim(0.0, 60 * _SPECTRUM_HZ)
    bottom.set_ylim(-45.0, 14.0)
    if found.rates is not None:
        _mark(bottom, found.rates.breathing_per_min, "breathing", found.rates.breathing_confidence, style.CALIBRATED)
        _mark(bottom, found.rates.heart_bpm, "heart", found.rates.heart_confidence, style.R_MARK)
    return figure


def _mark(ax: Axes, rate: float, what: str, confidence: float, colour: str) -> None:
    ax.axvline(rate, color=colour, linewidth=1.2, linestyle="--")
    ax.annotate(f"{what} {rate:.1f}, {told(confidence)}", (rate, 1.0), xycoords=("data", "axes fraction"),
                xytext=(5, -3 if what == "heart" else -15), textcoords="offset points", va="top", fontsize=9,
                color=colour, bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.0})  # fmt: skip


def _velocity_power(moved: FloatArray, fs_hz: float) -> tuple[FloatArray, FloatArray]:
    filled, _ = fill_gaps(moved)
    velocity = np.diff(filled)
    velocity = (velocity - velocity.mean()) * np.hanning(len(velocity))
    n = fft.next_fast_len(4 * len(velocity), real=True)
    return np.asarray(fft.rfftfreq(n, 1 / fs_hz)), np.abs(np.asarray(fft.rfft(velocity, n))) ** 2


def _score_at(found: Extracted) -> FloatArray:
    assert found.voxels is not None
    distance = np.linalg.norm(found.positions_m[:, None] - found.voxels.points_m, axis=-1)
    return np.maximum(found.voxels.score[distance.argmin(axis=1)], 0.0)


def _person_m(found: Extracted) -> float:
    return float(found.facts["person"].split()[0])


def _extent(across: FloatArray, upward: FloatArray) -> tuple[float, float, float, float]:
    sides = []
    for axis in (across, upward):
        half = 0.5 * float(axis[1] - axis[0]) if len(axis) > 1 else 0.05
        sides += [float(axis[0]) - half, float(axis[-1]) + half]
    return sides[0], sides[1], sides[2], sides[3]


def _label_bar(ax: Axes, text: str) -> None:
    ax.set_ylabel(text, fontsize=9.5, color=style.MUTED)
    ax.tick_params(colors=style.MUTED, labelsize=9, length=3, color=style.RULE)


def _db(power: FloatArray) -> FloatArray:
    return 10.0 * np.log10(np.maximum(power / max(float(power.max()), 1e-300), 1e-12))


def _title(text: str, found: Extracted) -> str:
    return f"{text} (simulated)" if found.simulated else text

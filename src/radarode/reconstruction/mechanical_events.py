"""Find one mechanical event, v1 or v2, in the energy around the beats of a stretch; see `reconstruction.mechanical`."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from radarode.core.constants import FS_HZ
from radarode.core.vertex import parabola_offset
from radarode.signal.beat_energy import ENERGY_HZ
from radarode.signal.motion_energy import MotionEnergy
from radarode.signal.template import cut_windows, match_template, robust_average

FloatArray = NDArray[np.floating]

BEFORE_S, AFTER_S = 0.25, 0.65
"""Span of the average around R."""

LAGS_S = np.arange(-round(BEFORE_S * ENERGY_HZ), round(AFTER_S * ENERGY_HZ) + 1) / ENERGY_HZ

V1_MARGIN_S, V2_MARGIN_S = 0.1, 0.11
"""Half widths of the search windows in the average."""

REACH_S = 0.05
"""An event of one beat stands at most so far from its place in the average."""

HALF_SPAN_S = 0.08
"""Part of the average, on either side of an event, that is matched."""

LEAST_CONFIDENCE = 0.3
"""Events of lower confidence are NaN."""

CLEAR = 12.0
"""Height over standard error of the average from which an event is beyond doubt."""

Q_TO_R_S = 0.04


def whole_beats(motion: MotionEnergy, r_s: FloatArray) -> NDArray[np.bool_]:
    """Return which beats have motion around them throughout."""
    missing = np.concatenate([[0], np.cumsum(motion.missing.all(axis=0))])
    first, last = (np.rint((r_s + at) * FS_HZ).astype(np.int64) for at in (-BEFORE_S, AFTER_S))
    inside = (first >= 0) & (last < len(missing))
    first, last = np.clip(first, 0, len(missing) - 1), np.clip(last, 0, len(missing) - 1)
    return inside & (missing[last] == missing[first])


def average_energy(motion: MotionEnergy, r_s: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the (lag,) mean pooled energy around R and its standard error, placed between frames."""
    if len(r_s) == 0:
        return np.full(len(LAGS_S), np.nan), np.full(len(LAGS_S), np.nan)
    at = (r_s[:, None] + LAGS_S) * ENERGY_HZ
    each = np.interp(at, np.arange(len(motion.pooled)), motion.pooled)
    return each.mean(axis=0), each.std(axis=0) / np.sqrt(len(each))


def expected_s(name: str, rate_bpm: float) -> float:
    """Return where an event is expected after R, from Weissler's regressions.

    Example:
        >>> round(expected_s("v1", 70), 3), round(expected_s("v2", 70), 3)
        (0.063, 0.363)
    """
    pep_s, ejection_s = 0.131 - 0.0004 * rate_bpm, 0.4155 - 0.00165 * rate_bpm
    return pep_s - Q_TO_R_S + (ejection_s if name == "v2" else 0.0)


def find_event(motion: MotionEnergy, r_s: FloatArray, length_s: FloatArray, name: str) -> FloatArray:
    """Return (3, beat): onset, peak and confidence of one event in the beats of one stretch."""
    average, error = average_energy(motion, r_s)
    place = _place(average, name, 60.0 / float(np.median(length_s)))
    nothing = np.stack([np.full(len(r_s), np.nan), np.full(len(r_s), np.nan), np.zeros(len(r_s))])
    if place is None:
        return nothing
    usual_s, onset_s, height = place
    deviation = float(np.median(error))
    certain = np.clip(height / max(deviation, 1e-12) / CLEAR, 0.0, 1.0)
    shift_s, match = _shifts(motion, r_s + usual_s)
    confidence = np.sqrt(certain * np.clip(match, 0.0, 1.0))
    known = (confidence >= LEAST_CONFIDENCE) & np.isfinite(shift_s)
    confidence = np.where(np.isfinite(shift_s), confidence, 0.0)
    peak_s = np.where(known, r_s + usual_s + shift_s, np.nan)
    return np.stack([peak_s - (usual_s - onset_s), peak_s, confidence])


def _place(average: FloatArray, name: str, rate_bpm: float) -> tuple[float, float, float] | None:
    """Return peak and onset of an event after R, and its height over the foot before it, in the average beat."""
    centre_s = expected_s(name, rate_bpm)
    margin_s = V1_MARGIN_S if name == "v1" else V2_MARGIN_S
    inner = np.arange(1, len(average) - 1)
    tops = inner[(average[inner] >= average[inner - 1]) & (average[inner] > average[inner + 1])]
    tops = tops[np.abs(LAGS_S[tops] - centre_s) <= margin_s]
    if len(tops) == 0:
        return None
    top = int(tops[average[tops].argmax()])
    foot = top
    while foot > 0 and average[foot - 1] < average[foot]:
        foot -= 1
    height = float(average[top] - average[foot])
    if height <= 0.0:
        return None
    half = average[foot] + 0.5 * height
    rise = foot + int(np.searchsorted(average[foot : top + 1], half))
    part = (half - average[rise - 1]) / max(average[rise] - average[rise - 1], 1e-12)
    onset_s = float(LAGS_S[rise - 1] + part / ENERGY_HZ)
    offset = float(parabola_offset(average[top - 1], average[top], average[top + 1]))
    return float(LAGS_S[top]) + offset / ENERGY_HZ, onset_s, height


def _shifts(motion: MotionEnergy, usual_s: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return by how much the event of each beat stands off its usual place [s], and how well it matches there."""
    half, reach = round(HALF_SPAN_S * ENERGY_HZ), int(np.ceil(REACH_S * ENERGY_HZ))
    centres = np.clip(np.rint(usual_s * ENERGY_HZ), 0, motion.energy.shape[1] - 1).astype(np.int64)
    # Only what lies within reach of these beats is looked at: the work grows with the stretch, not with the recording.
    first = max(0, int(centres.min()) - half - reach - 1)
    energy = motion.energy[:, first : int(centres.max()) + half + reach + 2]
    usual_s, centres = usual_s - first / ENERGY_HZ, centres - first
    template = robust_average(cut_windows(energy, centres, half, half))
    template = template - template.mean(axis=1, keepdims=True)
    curve = match_template(energy, template, motion.weights, half)
    near = cut_windows(curve[None], centres, reach + 1, reach + 1)[:, 0]
    rows, best = np.arange(len(near)), 1 + near[:, 1:-1].argmax(axis=1)
    sides = near[rows, best - 1], near[rows, best], near[rows, best + 1]
    place = centres + best - reach - 1 + parabola_offset(*sides)
    at_limit = (best == 1) & (sides[0] > sides[1]) | (best == 2 * reach + 1) & (sides[2] > sides[1])
    shift = place / ENERGY_HZ - usual_s
    shift -= np.median(shift)  # the template is cut on whole frames
    return np.where(at_limit, np.nan, shift), sides[1]

"""Lay the shapes of the windows onto the beats: the long-term ECG, with gaps left as gaps."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from radarode.core.constants import FS_HZ, WINDOW_S
from radarode.core.types import Beats, ReconstructedEcg
from radarode.reconstruction.windows import WindowOutputs
from radarode.signal.gaps import find_gaps
from radarode.tasks.cycles import Cycles, cut_cycles
from radarode.tasks.shape import decode_shape

FloatArray = NDArray[np.float64]

MAX_INTERVAL = 1.75
"""An interval longer than this many predicted cycle lengths is a gap, not a cycle."""

MAX_SHAPE_AGE_S = 2.5
"""A beat takes its shape from windows whose centre is at most so far away."""


def stitch(
    r_s: FloatArray,
    quality: FloatArray,
    length_s: FloatArray,
    windows: WindowOutputs,
    *,
    r_fraction: float,
) -> ReconstructedEcg:
    """Build the long-term ECG from beats and window shapes.

    Args:
        r_s: (beat,) R peaks.
        quality: (beat,) signal-quality index.
        length_s: (beat,) predicted cycle length, which tells a long cycle from a missing beat.
        windows: the shapes, and where motion is missing.
        r_fraction: place of R in its cycle.
    """
    limit = MAX_INTERVAL * 0.5 * (length_s[1:] + length_s[:-1])
    cycles = cut_cycles(r_s, r_fraction=r_fraction, max_interval_s=limit)
    if len(cycles) == 0:
        empty = np.empty(0)
        return _assemble(np.full(len(windows.missing), np.nan, dtype=np.float32), Beats(empty, empty, empty))
    shapes = beat_shapes(cycles, windows.start_s, windows.shapes)
    ecg = decode_shape(shapes, FS_HZ, len(windows.missing), cycles, r_fraction=r_fraction)
    ecg[windows.missing] = np.nan
    kept = cycles.valid & np.isfinite(shapes[:, 0])
    return _assemble(ecg, Beats(cycles.r_s[kept], cycles.length_s[kept], quality[kept]))


def beat_shapes(cycles: Cycles, start_s: FloatArray, shapes: NDArray[np.floating]) -> NDArray[np.float64]:
    """Give each beat the mean shape of the windows centred in its cycle, or else of the nearest two.

    Args:
        cycles: the beats.
        start_s: (window,) increasing.
        shapes: (window, 200).

    Returns:
        (beat, 200); NaN where no window centre is within `MAX_SHAPE_AGE_S`.
    """
    centres = start_s + WINDOW_S / 2
    owner = cycles.containing(centres)
    total = np.zeros((len(cycles), shapes.shape[1]))
    count = np.zeros(len(cycles))
    np.add.at(total, owner[owner >= 0], shapes[owner >= 0])
    np.add.at(count, owner[owner >= 0], 1.0)
    for beat in np.flatnonzero(count == 0):
        nearest = np.argsort(np.abs(centres - cycles.r_s[beat]), kind="stable")[:2]
        nearest = nearest[np.abs(centres[nearest] - cycles.r_s[beat]) <= MAX_SHAPE_AGE_S]
        total[beat] = shapes[nearest].sum(axis=0)
        count[beat] = len(nearest)
    mean = np.divide(total, count[:, None], out=np.full_like(total, np.nan), where=count[:, None] > 0)
    low = mean.min(axis=1, keepdims=True)
    span = mean.max(axis=1, keepdims=True) - low
    return (mean - low) / np.where(span > 0, span, 1.0)


def _assemble(ecg: NDArray[np.float32], beats: Beats) -> ReconstructedEcg:
    gaps = find_gaps(np.isnan(ecg)) / FS_HZ
    return ReconstructedEcg(ecg=ecg, fs_hz=FS_HZ, beats=beats, gaps_s=gaps)

"""From a field and chosen points to displacement over the whole recording, in stretches of bounded size."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from radarode.radar.fields import Field, Watch, silent
from radarode.radar.iq import fit_circle
from radarode.radar.phase import phase_steps, repair_turns

FloatArray = NDArray[np.float64]

STRETCH_S = 20.0
"""The circle's centre is found anew in every stretch: posture changes what stands still."""

_MARGIN = 16
"""Good frames beside a stretch, which tell the speed before and after a gap at its border."""

_CIRCLE_SAMPLES = 2000


def point_motion(
    field: Field, points_m: FloatArray, path_m: FloatArray, edges: NDArray[np.int64], watch: Watch = silent
) -> FloatArray:
    """Return the displacement of points that shift with the person.

    Stretches are joined by their phase steps: each step is taken within one stretch, at one place and around one
    centre, so neither a new centre nor a new place makes a jump.

    Args:
        field: from which signals are formed.
        points_m: (point, 3) at the start.
        path_m: (block, 3) focus in each block; points shift by its difference from the first.
        edges: (block + 1,) frames at which blocks begin and end.
        watch: progress.

    Returns:
        (point, frame) metres away from the radar, float64; NaN where frames were lost.
    """
    steps = np.empty((len(points_m), field.n_frames))
    most = max(64, round(STRETCH_S * field.fs_hz))
    spans = _spans(path_m, edges, most, field.lost)
    for number, (first, last, shift) in enumerate(spans):
        begin, end = _widened(first, last, field.lost, most)
        z = np.ascontiguousarray(field.signals(points_m + shift, begin, end).T)
        good = ~field.lost[begin:end]
        if good.sum() >= 8:
            few = z[:, good]
            z = z - fit_circle(few[:, :: max(1, few.shape[1] // _CIRCLE_SAMPLES)]).usable_centre[:, None]
        steps[:, first:last] = phase_steps(z, field.lost[begin:end])[:, first - begin : last - begin]
        watch("following the phase", number + 1, len(spans))
    steps[:, 0] = 0.0
    moved = np.cumsum(repair_turns(steps), axis=1)
    moved *= field.wavelength_m / (4 * math.pi)
    moved[:, field.lost] = np.nan
    return moved


def _widened(first: int, last: int, lost: NDArray[np.bool_], most: int) -> tuple[int, int]:
    """Return the frames with `_MARGIN` good ones on either side, at most `most` frames away."""
    before = np.flatnonzero(~lost[max(0, first - most) : first][::-1])
    after = np.flatnonzero(~lost[last : last + most])
    back = int(before[_MARGIN - 1]) + 1 if len(before) >= _MARGIN else most
    ahead = int(after[_MARGIN - 1]) + 1 if len(after) >= _MARGIN else most
    return max(0, first - back), min(len(lost), last + ahead)


def _spans(
    path_m: FloatArray, edges: NDArray[np.int64], most: int, lost: NDArray[np.bool_]
) -> list[tuple[int, int, FloatArray]]:
    """Return (first, last, shift) stretches of equal place and bounded length, cut where nothing was lost."""
    merged: list[tuple[int, int, FloatArray]] = []
    for block, place in enumerate(path_m):
        first, last, shift = int(edges[block]), int(edges[block + 1]), place - path_m[0]
        if merged and np.array_equal(merged[-1][2], shift):
            merged[-1] = (merged[-1][0], last, shift)
        else:
            merged.append((first, last, shift))
    cut = []
    for first, last, shift in merged:
        pieces = max(1, round((last - first) / most))
        bounds = np.linspace(first, last, pieces + 1).round().astype(int)
        cut += [
            (_behind_loss(int(a), lost, most), _behind_loss(int(b), lost, most), shift) for a, b in pairwise(bounds)
        ]
    return [(first, last, shift) for first, last, shift in cut if first < last]


def _behind_loss(cut: int, lost: NDArray[np.bool_], most: int) -> int:
    """Return the next frame that was received like the one before it, or the cut where none comes soon."""
    if not 0 < cut < len(lost):
        return cut
    received = np.flatnonzero(~lost[cut : cut + most] & ~lost[cut - 1 : min(cut + most, len(lost)) - 1])
    return cut + int(received[0]) if len(received) else cut

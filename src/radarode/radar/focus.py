"""Cardio-focusing: search the point whose focused motion shows beats best, and follow it when the person shifts.

Reference: cardio-focusing and -tracking (CFT, arXiv 2506.19358). Here the criterion is `heart.repetition` times the
amplitude of motion: the first alone is flat where a strong echo fades into its side lobes.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from radarode.radar.fields import Field, Watch, silent
from radarode.radar.heart import Scored, score_points

FloatArray = NDArray[np.float64]

STEPS_M = (0.04, 0.02, 0.01)
"""Step widths of the search, coarse to fine."""

BLOCK_S = 10.0
"""The point is searched anew in every stretch of this length."""

BETTER = 1.25
"""And left only for one whose criterion is so many times better, or it would wander with the noise."""

_ROUNDS = 6


@dataclass(frozen=True, slots=True)
class Focus:
    """Hold a focus.

    Attributes:
        point_m: (x, y, z).
        criterion: how clearly it shows beats; comparable within one stretch only.
    """

    point_m: tuple[float, float, float]
    criterion: float


def criterion(scored: Scored) -> FloatArray:
    """Return (point,) what is maximised."""
    return np.maximum(scored.score, 1e-3) * np.sqrt(scored.power)


def search(
    field: Field, start_m: FloatArray, span: tuple[int, int], free: NDArray[np.bool_], box_m: FloatArray
) -> Focus:
    """Climb from a point to the nearby one that shows beats best, in ever finer steps.

    Args:
        field: from which signals are formed.
        start_m: (3,).
        span: frames [first, last).
        free: (3,) axes along which the antennas resolve anything.
        box_m: (2, 3) corners within which to stay.
    """
    here, best = np.asarray(start_m, dtype=np.float64), -1.0
    for step_m in STEPS_M:
        moves = np.array([move for move in product((-1, 0, 1), repeat=3) if not np.any((np.array(move) != 0) & ~free)])
        for _ in range(_ROUNDS):
            around = np.unique(np.clip(here + step_m * moves, box_m[0], box_m[1]), axis=0)
            value = _values(field, around, span)
            found = around[int(np.argmax(value))]
            best = float(value.max())
            if np.allclose(found, here):
                break
            here = found
    return Focus((float(here[0]), float(here[1]), float(here[2])), best)


def follow(
    field: Field, start_m: FloatArray, free: NDArray[np.bool_], box_m: FloatArray, watch: Watch = silent
) -> tuple[FloatArray, NDArray[np.int64]]:
    """Follow the focus through the recording.

    Args:
        field: from which signals are formed.
        start_m: (3,) focus at the start.
        free: (3,) axes along which the antennas resolve anything.
        box_m: (2, 3) corners within which to stay.
        watch: progress.

    Returns:
        (block, 3) the focus in each block, and (block + 1,) the frames at which they begin and end.
    """
    block = round(BLOCK_S * field.fs_hz)
    count = max(1, field.n_frames // block)
    edges = np.append(np.arange(count) * block, field.n_frames)
    here, path = np.asarray(start_m, dtype=np.float64), []
    for at in range(count):
        span = (int(edges[at]), int(edges[at + 1]))
        if not field.lost[slice(*span)].mean() > 0.2 and _left(field, here, span, free, box_m):
            found = search(field, here, span, free, box_m)
            now = _values(field, np.array([here, found.point_m]), span)
            if now[1] > BETTER * now[0]:
                here = np.array(found.point_m)
        path.append(here)
        watch("following", at + 1, count)
    return np.array(path), edges.astype(np.int64)


def _left(field: Field, here: FloatArray, span: tuple[int, int], free: NDArray[np.bool_], box_m: FloatArray) -> bool:
    """Tell whether a point one coarse step away is clearly better, so that a search is worth its time."""
    steps = STEPS_M[0] * np.concatenate([np.eye(3)[free], -np.eye(3)[free]])
    values = _values(field, np.concatenate([here[None], np.clip(here + steps, box_m[0], box_m[1])]), span)
    return bool(values.max() > BETTER**0.5 * values[0])


def _values(field: Field, points_m: FloatArray, span: tuple[int, int]) -> FloatArray:
    return criterion(score_points(field.signals(points_m, *span), field.fs_hz, field.wavelength_m))

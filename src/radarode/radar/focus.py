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
_MOST_LOST = 0.2


@dataclass(frozen=True, slots=True)
class Focus:
    """Hold a focus.

    Attributes:
        point_m: (x, y, z).
        criterion: how clearly it shows beats; comparable within one stretch only.
    """

    point_m: tuple[float, float, float]
    criterion: float


@dataclass(frozen=True, slots=True, eq=False)
class Room:
    """Say where a focus may go.

    Attributes:
        free: (3,) axes along which the antennas resolve anything.
        box_m: (2, 3) corners within which to stay.
    """

    free: NDArray[np.bool_]
    box_m: FloatArray


def criterion(scored: Scored) -> FloatArray:
    """Return (point,) what is maximised."""
    return np.maximum(scored.score, 1e-3) * np.sqrt(scored.power)


def search(field: Field, start_m: FloatArray, span: tuple[int, int], room: Room) -> Focus:
    """Climb from a point to the nearby one that shows beats best, in ever finer steps.

    Args:
        field: from which signals are formed.
        start_m: (3,).
        span: frames [first, last).
        room: where it may go.
    """
    here, best = np.asarray(start_m, dtype=np.float64), -1.0
    for step_m in STEPS_M:
        moves = np.array(
            [move for move in product((-1, 0, 1), repeat=3) if not np.any((np.array(move) != 0) & ~room.free)]
        )
        for _ in range(_ROUNDS):
            around = np.unique(np.clip(here + step_m * moves, *room.box_m), axis=0)
            value = _values(field, around, span)
            found = around[int(np.argmax(value))]
            best = float(value.max())
            if np.allclose(found, here):
                break
            here = found
    return Focus((float(here[0]), float(here[1]), float(here[2])), best)


def follow(
    field: Field, start_m: FloatArray, room: Room, watch: Watch = silent
) -> tuple[FloatArray, NDArray[np.int64]]:
    """Follow the focus through the recording.

    Args:
        field: from which signals are formed.
        start_m: (3,) focus at the start.
        room: where it may go.
        watch: progress.

    Returns:
        (block, 3) the focus in each block, and (block + 1,) the frames at which they begin and end.
    """
    block = round(BLOCK_S * field.fs_hz)
    count = max(1, field.n_frames // block)
    edges = np.append(np.arange(count) * block, field.n_frames)
    here, path = np.asarray(start_m, dtype=np.float64), []
    for at in range(count):
        here = refocus(field, here, (int(edges[at]), int(edges[at + 1])), room)
        path.append(here)
        watch("following", at + 1, count)
    return np.array(path), edges.astype(np.int64)


def refocus(field: Field, here_m: FloatArray, span: tuple[int, int], room: Room) -> FloatArray:
    """Return the (3,) focus in one block: where it was, unless a nearby point is clearly better.

    Args:
        field: from which signals are formed.
        here_m: (3,) where it was.
        span: frames [first, last) of the block; too many lost ones leave the focus where it was.
        room: where it may go.
    """
    if field.lost[slice(*span)].mean() > _MOST_LOST or not _left(field, here_m, span, room):
        return here_m
    found = np.array(search(field, here_m, span, room).point_m)
    now = _values(field, np.array([here_m, found]), span)
    return found if now[1] > BETTER * now[0] else here_m


def _left(field: Field, here: FloatArray, span: tuple[int, int], room: Room) -> bool:
    """Tell whether a point one coarse step away is clearly better, so that a search is worth its time."""
    steps = STEPS_M[0] * np.concatenate([np.eye(3)[room.free], -np.eye(3)[room.free]])
    values = _values(field, np.concatenate([here[None], np.clip(here + steps, *room.box_m)]), span)
    return bool(values.max() > BETTER**0.5 * values[0])


def _values(field: Field, points_m: FloatArray, span: tuple[int, int]) -> FloatArray:
    return criterion(score_points(field.signals(points_m, *span), field.fs_hz, field.wavelength_m))

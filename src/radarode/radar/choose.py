"""Choose points: score all voxels on a few stretches, keep those with a heart, cluster them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from radarode.core.errors import InputError
from radarode.radar.cluster import features, representatives, weighted_kmeans
from radarode.radar.dtw import template_score
from radarode.radar.fields import Field, Watch, silent
from radarode.radar.heart import ENERGY_HZ, repetition, shared_period, velocity, vibration_envelope

FloatArray = NDArray[np.float64]
Score = Literal["repetition", "template"]

STRETCH_S = 30.0
STRETCHES = 3
"""Voxels are scored on so many stretches, spread over the recording."""

LEAST_SCORE = 0.1
"""A best score below this is what noise reaches; points are then chosen by motion alone, with a warning."""

_OF_BEST_SCORE = 0.5
_OF_BEST_POWER = 0.05
_MOST_CANDIDATES = 600


@dataclass(frozen=True, slots=True, eq=False)
class Voxels:
    """Hold the voxels' scores.

    Attributes:
        points_m: (voxel, 3).
        score: (voxel,) mean over stretches.
        power: (voxel,) of what moves, mean over stretches.
        candidates: (voxel,) those that show a heart.
        independent: how many different signals the candidates hold.
        has_heart: whether any voxel's score is beyond what noise reaches.
        span: frames [first, last) of the first stretch.
    """

    points_m: FloatArray
    score: FloatArray
    power: FloatArray
    candidates: NDArray[np.bool_]
    independent: int
    has_heart: bool
    span: tuple[int, int]


def score_voxels(
    field: Field,
    points_m: FloatArray,
    score: Score = "repetition",
    spans: list[tuple[int, int]] | None = None,
    watch: Watch = silent,
) -> Voxels:
    """Score voxels on a few stretches.

    Args:
        field: from which their signals are formed.
        points_m: (voxel, 3).
        score: which score.
        spans: frames [first, last) of the stretches; None spreads them over the recording.
        watch: progress.
    """
    found, powers = [], []
    spans = spans or stretches(field)
    for number, span in enumerate(spans):
        z = field.signals(points_m, *span)
        powers.append((np.abs(z - z.mean(axis=0)) ** 2).mean(axis=0).astype(np.float64))
        envelope = vibration_envelope(velocity(z, field.fs_hz, field.wavelength_m), field.fs_hz)
        period, products = shared_period(envelope, powers[-1])
        found.append(
            template_score(envelope, ENERGY_HZ, period) if score == "template" else repetition(products, period)
        )
        watch("scoring voxels", number + 1, len(spans))
    mean, power = np.mean(found, axis=0), np.mean(powers, axis=0)
    strong = power >= _OF_BEST_POWER * power.max()
    best = float(mean[strong].max())
    has_heart = best >= LEAST_SCORE
    candidates = strong & (mean >= _OF_BEST_SCORE * best) if has_heart else power >= 0.1 * power.max()
    worth = np.where(candidates, power * np.maximum(mean, 1e-3), -1.0)
    candidates &= worth >= np.sort(worth)[-min(_MOST_CANDIDATES, len(worth))]
    independent = field.independent(points_m[candidates])
    return Voxels(points_m, mean, power, candidates, independent, has_heart, spans[0])


def stretches(field: Field) -> list[tuple[int, int]]:
    """Return the frames [first, last) of the stretches to score, those with lost frames last in line."""
    length = min(field.n_frames, round(STRETCH_S * field.fs_hz))
    count = max(1, min(STRETCHES, field.n_frames // length))
    starts = np.linspace(0, field.n_frames - length, 3 * count if count > 1 else 1).round().astype(int)
    lost = [float(field.lost[start : start + length].mean()) for start in starts]
    groups = np.array_split(np.arange(len(starts)), count)
    chosen = [min(group, key=lambda at: (lost[at], at)) for group in groups]
    return [(int(starts[at]), int(starts[at]) + length) for at in chosen]


def choose_points(
    field: Field, voxels: Voxels, count: int, rng: np.random.Generator, *, exact: bool = False
) -> NDArray[np.int64]:
    """Return the (point,) indices of the voxels chosen: at most `count`, fewer where fewer independent signals exist.

    Args:
        field: from which signals are formed.
        voxels: their scores.
        count: most points.
        rng: source of randomness.
        exact: choose `count` points, though some repeat others and some may not beat.

    Raises:
        InputError: `exact`, and there are fewer places.
    """
    index = np.flatnonzero(voxels.candidates)
    if exact and len(index) < count:
        if len(voxels.power) < count:
            raise InputError.of("points", f"at most {len(voxels.power)}, the places that were looked at", count)
        index = np.sort(np.argsort(-voxels.power, kind="stable")[:count])
    count = max(1, min(count, len(index) if exact else min(voxels.independent, len(index))))
    first, last = voxels.span
    last = min(last, first + round(10 * field.fs_hz))
    z = field.signals(voxels.points_m[index], first, last)
    envelope = vibration_envelope(velocity(z, field.fs_hz, field.wavelength_m), field.fs_hz)
    described = features(envelope, voxels.points_m[index])
    weights = voxels.power[index] * np.maximum(voxels.score[index], 1e-3)
    centres, label = weighted_kmeans(described, weights / weights.max() + 1e-9, count, rng)
    chosen = index[representatives(described, centres, label, weights)]
    if exact and len(chosen) < count:
        others = np.setdiff1d(index, chosen)
        chosen = np.append(chosen, others[np.argsort(-voxels.power[others])][: count - len(chosen)])
    return chosen[np.argsort(-voxels.power[chosen])]

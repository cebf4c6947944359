"""Choose few points for many voxels: k-means on signal and position, weighted by power."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from radarode.core.errors import InputError

FloatArray = NDArray[np.float64]

POSITION_SCALE_M = 0.10
"""Two voxels 10 cm apart are as different as two whose signals are uncorrelated."""

COMPONENTS = 16
_ROUNDS = 50


def features(signals: NDArray[np.floating], positions_m: FloatArray) -> FloatArray:
    """Return (voxel, feature): the signal at unit norm in its leading principal components, and the scaled position.

    Args:
        signals: (voxel, time).
        positions_m: (voxel, 3).
    """
    normal = signals - signals.mean(axis=1, keepdims=True)
    normal = normal / np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-30)
    values, vectors = np.linalg.eigh(normal @ normal.T)
    keep = slice(max(0, len(values) - COMPONENTS), None)
    parts = vectors[:, keep] * np.sqrt(np.maximum(values[keep], 0.0))
    return np.concatenate([parts.astype(np.float64), positions_m / POSITION_SCALE_M], axis=1)


def weighted_kmeans(
    points: FloatArray, weights: FloatArray, count: int, rng: np.random.Generator
) -> tuple[FloatArray, NDArray[np.int64]]:
    """Cluster points whose weights say how much each pulls its centre.

    k-means++ seeding with probabilities weight x squared distance, then Lloyd's iteration; a cluster that runs empty
    takes the point with the largest weighted distance.

    Args:
        points: (voxel, feature).
        weights: (voxel,) positive.
        count: clusters, at most as many as points.
        rng: source of randomness.

    Returns:
        (cluster, feature) centres and the (voxel,) cluster of each point.

    Raises:
        InputError: more clusters than points, or weights that are not positive.
    """
    if not 1 <= count <= len(points):
        raise InputError.of("count", f"between 1 and {len(points)}, the points there are", count)
    if not (weights > 0).all():
        raise InputError.of("weights", "positive", f"{weights.min():g}")
    centres = _seed(points, weights, count, rng)
    label = np.full(len(points), -1)
    for _ in range(_ROUNDS):
        distance = _squared_distances(points, centres)
        nearest = distance.argmin(axis=1)
        for empty in sorted(set(range(count)) - set(nearest.tolist())):
            far = int(np.argmax(np.where(_shared(nearest), weights * distance[np.arange(len(points)), nearest], -1.0)))
            nearest[far] = empty
            distance[far] = 0.0
        if (nearest == label).all():
            break
        label = nearest
        member = np.zeros((count, len(points)))
        member[label, np.arange(len(points))] = weights
        centres = member @ points / member.sum(axis=1, keepdims=True)
    return centres, label.astype(np.int64)


def representatives(
    points: FloatArray, centres: FloatArray, label: NDArray[np.int64], worth: FloatArray
) -> NDArray[np.int64]:
    """Return (cluster,) the point of each cluster with the most worth for its distance to the centre.

    Args:
        points: (voxel, feature).
        centres: (cluster, feature).
        label: (voxel,).
        worth: (voxel,) positive.
    """
    chosen = []
    for cluster, centre in enumerate(centres):
        members = np.flatnonzero(label == cluster)
        distance = ((points[members] - centre) ** 2).sum(axis=1)
        chosen.append(members[np.argmax(worth[members] / (0.25 + distance))])
    return np.array(chosen, dtype=np.int64)


def _seed(points: FloatArray, weights: FloatArray, count: int, rng: np.random.Generator) -> FloatArray:
    chosen = [int(rng.choice(len(points), p=weights / weights.sum()))]
    nearest = ((points - points[chosen[0]]) ** 2).sum(axis=1)
    while len(chosen) < count:
        chance = weights * nearest
        chance[chosen] = 0.0
        if chance.sum() <= 0:
            chance = np.ones(len(points))
            chance[chosen] = 0.0
        chosen.append(int(rng.choice(len(points), p=chance / chance.sum())))
        nearest = np.minimum(nearest, ((points - points[chosen[-1]]) ** 2).sum(axis=1))
    return points[chosen]


def _squared_distances(points: FloatArray, centres: FloatArray) -> FloatArray:
    square = (points**2).sum(axis=1)[:, None] - 2 * points @ centres.T + (centres**2).sum(axis=1)
    return np.maximum(square, 0.0)


def _shared(label: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return (voxel,) whether a point is not the only one of its cluster."""
    return np.bincount(label)[label] > 1

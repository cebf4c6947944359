"""Match predicted to reference beats and count hits, misses and false alarms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import min_weight_full_bipartite_matching

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.intp]

TOLERANCE_S = 0.15
"""Largest distance at which a predicted beat counts as the reference beat, in seconds."""

_ROUNDING_S = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class Matching:
    """Hold which predicted beat is which reference beat.

    Attributes:
        predicted: (pair,) indices into the predicted beats, increasing.
        reference: (pair,) indices into the reference beats, increasing.
        n_predicted: number of predicted beats.
        n_reference: number of reference beats.
    """

    predicted: IntArray
    reference: IntArray
    n_predicted: int
    n_reference: int

    def __len__(self) -> int:
        return len(self.predicted)


def candidate_pairs(
    predicted_r_s: ArrayLike, reference_r_s: ArrayLike, tolerance_s: float
) -> tuple[IntArray, IntArray]:
    """List every (predicted, reference) pair of beats at most `tolerance_s` apart.

    Args:
        predicted_r_s: (beat,) seconds, increasing.
        reference_r_s: (beat,) seconds, increasing.
        tolerance_s: largest distance, included.

    Returns:
        Two index arrays (pair,), ordered by predicted, then by reference beat.

    Raises:
        ValueError: beats are not one-dimensional, finite and increasing.
    """
    predicted, reference = _beats(predicted_r_s, "predicted_r_s"), _beats(reference_r_s, "reference_r_s")
    reach_s = tolerance_s + _ROUNDING_S
    first = np.searchsorted(reference, predicted - reach_s, side="left")
    counts = np.searchsorted(reference, predicted + reach_s, side="right") - first
    starts = np.cumsum(counts) - counts
    within = np.arange(counts.sum()) - np.repeat(starts, counts)
    return np.repeat(np.arange(len(predicted)), counts), np.repeat(first, counts) + within


def match_beats(predicted_r_s: ArrayLike, reference_r_s: ArrayLike, tolerance_s: float = TOLERANCE_S) -> Matching:
    """Match beats one-to-one: the most pairs, and among those the smallest total distance.

    Solved as a sparse assignment problem in which every reference beat may also stay unmatched, at a price
    higher than all distances together. Earliest-first greedy matching finds as many pairs, but would take a
    false beat that stands just before the true one.

    Args:
        predicted_r_s: (beat,) seconds, increasing.
        reference_r_s: (beat,) seconds, increasing.
        tolerance_s: largest distance of a pair, included.

    Returns:
        The pairs, in order of time.

    Example:
        >>> pairs = match_beats([0.9, 1.02, 2.5], [1.0, 2.0])
        >>> pairs.predicted.tolist(), pairs.reference.tolist()
        ([1], [0])
    """
    predicted = _beats(predicted_r_s, "predicted_r_s")
    reference = _beats(reference_r_s, "reference_r_s")
    p, r = candidate_pairs(predicted, reference, tolerance_s)
    n, m = len(reference), len(predicted)
    unmatched = np.arange(n)
    if len(p) and (len(np.unique(p)) < len(p) or len(np.unique(r)) < len(r)):
        # an explicit 0 would mean "no edge": every price is raised by 1
        price = 1.0 + np.concatenate([np.abs(predicted[p] - reference[r]), np.full(n, tolerance_s * (n + 1))])
        rows, columns = np.concatenate([r, unmatched]), np.concatenate([p, m + unmatched])
        graph = coo_array((price, (rows, columns)), shape=(n, m + n)).tocsr()
        r, p = min_weight_full_bipartite_matching(graph)
        order = np.argsort(r)
        r, p = r[order], p[order]
        r, p = r[p < m], p[p < m]
    # as sets of pairs any optimum can be uncrossed without cost, so both index lists increase
    return Matching(np.sort(p).astype(np.intp), np.sort(r).astype(np.intp), m, n)


def detection_scores(matching: Matching) -> Mapping[str, float]:
    """Compute MDR, precision, recall and F1.

    MDR = missed / reference = 1 - recall; precision = matched / predicted; F1 = 2 matched / (predicted +
    reference). MDR alone rewards false alarms, so the others stand beside it.

    Args:
        matching: result of `match_beats`.

    Returns:
        `mdr`, `precision`, `recall`, `f1` in [0, 1]; NaN for MDR and recall without reference beats, and
        for all four where there are no beats at all.
    """
    hits, m, n = len(matching), matching.n_predicted, matching.n_reference
    if n == 0:
        false_only = 0.0 if m else np.nan
        return {"mdr": np.nan, "precision": false_only, "recall": np.nan, "f1": false_only}
    return {
        "mdr": (n - hits) / n,
        "precision": hits / m if m else 0.0,
        "recall": hits / n,
        "f1": 2 * hits / (m + n),
    }


def _beats(values: ArrayLike, name: str) -> FloatArray:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1 or not np.isfinite(array).all() or (np.diff(array) <= 0).any():
        raise ValueError(f"`{name}` must be one-dimensional, finite and increasing; got shape {array.shape}.")
    return array

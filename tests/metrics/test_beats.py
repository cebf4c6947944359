from __future__ import annotations

from itertools import combinations, permutations

import numpy as np
import pytest

from radarode.metrics.beats import detection_scores, match_beats


def brute_force(p: np.ndarray, r: np.ndarray, tolerance_s: float) -> tuple[int, float]:
    """Try every one-to-one assignment: most pairs, then smallest distance."""
    for size in range(min(len(p), len(r)), 0, -1):
        totals = [
            sum(abs(p[i] - r[j]) for i, j in zip(chosen, order, strict=True))
            for chosen in combinations(range(len(p)), size)
            for order in permutations(range(len(r)), size)
            if all(abs(p[i] - r[j]) <= tolerance_s for i, j in zip(chosen, order, strict=True))
        ]
        if totals:
            return size, min(totals)
    return 0, 0.0


def test_matching_is_optimal_against_brute_force(rng: np.random.Generator) -> None:
    for _ in range(60):
        p = np.unique(rng.uniform(0, 1, rng.integers(0, 6)))
        r = np.unique(rng.uniform(0, 1, rng.integers(0, 6)))
        found = match_beats(p, r)
        size, total = brute_force(p, r, 0.15)
        assert len(found) == size
        distance = np.abs(p[found.predicted] - r[found.reference])
        assert distance.sum() == pytest.approx(total, abs=1e-9)
        assert (distance <= 0.15).all()
        assert len(set(found.predicted)) == len(set(found.reference)) == size


def test_the_tolerance_is_included() -> None:
    assert len(match_beats([1.15], [1.0])) == 1
    assert len(match_beats([1.1501], [1.0])) == 0


def test_one_beat_cannot_count_twice() -> None:
    assert len(match_beats([1.0], [0.9, 1.1])) == 1
    assert len(match_beats([0.9, 1.1], [1.0])) == 1


def test_a_day_of_beats_with_false_ones_is_matched_quickly(rng: np.random.Generator) -> None:
    r = np.cumsum(rng.uniform(0.7, 1.0, 20_000))
    p = np.unique(np.concatenate([r + rng.normal(0, 0.02, len(r)), r[::3] + 0.1]))
    found = match_beats(p, r)
    assert len(found) == len(r)
    assert np.median(np.abs(p[found.predicted] - r[found.reference])) < 0.02


def test_detection_scores_of_a_known_case() -> None:
    scores = detection_scores(match_beats([1.0, 2.0, 2.5, 3.0], [1.0, 2.0, 3.0, 4.0, 5.0]))
    assert scores == {"mdr": 0.4, "precision": 0.75, "recall": 0.6, "f1": pytest.approx(6 / 9)}


def test_false_alarms_without_any_reference_score_zero() -> None:
    scores = detection_scores(match_beats([1.0], []))
    assert scores["precision"] == scores["f1"] == 0.0
    assert np.isnan(scores["mdr"])


@pytest.mark.parametrize("bad", [[2.0, 1.0], [1.0, 1.0], [np.nan], [[1.0]]])
def test_unordered_beats_are_refused(bad: list) -> None:
    with pytest.raises(ValueError, match="increasing"):
        match_beats(bad, [1.0])

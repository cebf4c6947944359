from __future__ import annotations

import numpy as np
import pytest

from radarode.core.types import Beats, ReconstructedEcg
from radarode.metrics.delay import calibrate, estimate_delay, shift, uncalibrate

FS_HZ = 200.0


def reconstruction(r_s: np.ndarray, duration_s: float = 30.0) -> ReconstructedEcg:
    t = np.arange(round(duration_s * FS_HZ)) / FS_HZ
    ecg = np.exp(-(((t[:, None] - r_s) / 0.02) ** 2)).sum(axis=1)
    return ReconstructedEcg(ecg, FS_HZ, Beats(r_s, np.full(len(r_s), 0.8), np.ones(len(r_s))))


@pytest.mark.parametrize("delay_s", [-0.31, -0.05, 0.0, 0.007, 0.12, 0.38])
def test_a_constant_delay_is_found_beyond_the_matching_tolerance(delay_s: float, rng: np.random.Generator) -> None:
    r = np.cumsum(rng.normal(0.9, 0.05, 100))
    assert estimate_delay(r + delay_s, r, until_s=None) == pytest.approx(delay_s, abs=1e-9)
    assert estimate_delay(r + delay_s, r) == pytest.approx(delay_s, abs=1e-9)


def test_jitter_false_and_missing_beats_do_not_move_it(rng: np.random.Generator) -> None:
    r = np.cumsum(rng.normal(0.9, 0.05, 200))
    p = r + 0.1 + rng.normal(0, 0.015, len(r))
    p = np.sort(np.concatenate([np.delete(p, np.arange(0, 200, 7)), rng.uniform(0, 150, 30)]))
    assert estimate_delay(p, r, until_s=None) == pytest.approx(0.1, abs=0.006)


@pytest.mark.parametrize("delay_s", [0.32, -0.35, 0.28, -0.05])
@pytest.mark.parametrize("seed", range(5))
def test_a_fast_rhythm_is_not_taken_one_beat_off(delay_s: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    r = np.cumsum(rng.normal(0.6, 0.012, 60)) + 0.3
    p = np.sort(r + delay_s + rng.normal(0, 0.004, len(r)))
    p = np.delete(p, [4, 17])
    assert estimate_delay(p, r) == pytest.approx(delay_s, abs=0.01)
    assert estimate_delay(p, r, until_s=None) == pytest.approx(delay_s, abs=0.01)


def test_a_regular_rhythm_is_known_only_up_to_one_beat() -> None:
    r = np.arange(1.0, 30.0, 0.6)
    assert estimate_delay(r + 0.32, r) == pytest.approx(-0.28)


def test_of_equal_delays_the_smallest_wins() -> None:
    r = np.arange(1.0, 19.0, 0.5)
    assert estimate_delay(r + 0.15, r) == pytest.approx(0.15)
    assert estimate_delay(r - 0.15, r) == pytest.approx(-0.15)
    assert estimate_delay([1.3], [1.0, 1.5]) == pytest.approx(-0.2)


def test_only_the_first_seconds_are_used(rng: np.random.Generator) -> None:
    r = np.cumsum(rng.normal(0.9, 0.05, 200))
    p = np.where(r < 20.0, r + 0.03, r + 0.1)
    assert estimate_delay(p, r, until_s=20.0) == pytest.approx(0.03)
    assert estimate_delay(p, r, until_s=None) == pytest.approx(0.1)


@pytest.mark.parametrize(("p", "r"), [([], []), ([1.0], []), ([], [1.0]), ([1.0], [5.0])])
def test_nothing_to_compare_is_no_delay_and_no_calibration(p: list[float], r: list[float]) -> None:
    assert estimate_delay(p, r) is None
    ecg = reconstruction(np.array(p))
    unchanged = calibrate(ecg, r)
    assert unchanged is ecg
    assert not unchanged.calibrated


def test_shift_moves_curve_beats_and_gaps_together() -> None:
    r = np.arange(1.0, 29.5, 0.8)
    moved = shift(reconstruction(r), 0.125)
    exact = reconstruction(r + 0.125)
    inside = slice(25, None)
    np.testing.assert_allclose(moved.ecg[inside], exact.ecg[inside], atol=2e-3)
    np.testing.assert_allclose(moved.beats.r_s, r + 0.125)
    assert np.isnan(moved.ecg[:25]).all()
    assert moved.gaps_s.tolist() == [[0.0, 0.125]]


def test_shift_drops_what_leaves_and_merges_gaps() -> None:
    ecg = reconstruction(np.array([0.05, 1.0, 29.9]))
    moved = shift(ecg, -0.1)
    assert moved.beats.r_s.tolist() == pytest.approx([0.9, 29.8])
    assert len(moved.ecg) == len(ecg.ecg)
    again = shift(moved, -0.2)
    np.testing.assert_allclose(again.gaps_s, [[29.7, 30.0]])


def test_calibration_is_marked_and_can_be_put_back() -> None:
    r = np.arange(1.0, 29.0, 0.8)
    late = reconstruction(r + 0.1)
    fixed = calibrate(late, r)
    assert fixed.calibrated
    assert fixed.delay_s == pytest.approx(0.1)
    np.testing.assert_allclose(fixed.beats.r_s, r)
    back = uncalibrate(fixed)
    assert not back.calibrated
    assert back.delay_s == 0.0
    np.testing.assert_allclose(back.beats.r_s, r + 0.1)
    assert uncalibrate(late) is late

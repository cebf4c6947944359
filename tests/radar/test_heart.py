"""Scores of beats, time warping and rates."""

from __future__ import annotations

import numpy as np
import pytest

from radarode.core.errors import InputError
from radarode.radar.dtw import BAND, SAMPLES, cut_cycles, dtw_cost, template_score
from radarode.radar.heart import ENERGY_HZ, score_points, shared_period, velocity, vibration_envelope
from radarode.radar.rates import rates
from radarode.signal.beat_period import Period
from tests.radar.scene import beats_s, breathing_m, heart_m

WAVELENGTH_M = 3.9e-3


def points(fs_hz: float, duration_s: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return (frame, point) signals, the first three with a heart and the others without, and the beats."""
    n = round(duration_s * fs_hz)
    r_s = beats_s(duration_s, rng)
    breath, heart = breathing_m(n, fs_hz), heart_m(n, fs_hz, r_s)
    moved = [breath + heart, 0.5 * breath + 0.6 * heart, heart, breath, 0.5 * breath, 0 * breath]
    z = np.exp(4j * np.pi / WAVELENGTH_M * np.array(moved).T)
    return z + 0.01 * (rng.normal(size=z.shape) + 1j * rng.normal(size=z.shape)), r_s


@pytest.mark.parametrize(("fs_hz", "clear"), [(200.0, 0.3), (100.0, 0.2), (20.0, 0.05)])
def test_points_with_a_heart_score_higher(fs_hz: float, clear: float, rng: np.random.Generator) -> None:
    z, r_s = points(fs_hz, 20.0, rng)
    scored = score_points(z.astype(np.complex64), fs_hz, WAVELENGTH_M)
    assert scored.score[:3].min() > scored.score[3:].max() + clear
    if fs_hz > 60:
        assert np.abs(scored.score[3:]).max() < 0.3
        assert np.median(scored.period.period_s) == pytest.approx(np.diff(r_s).mean(), rel=0.04)


def test_the_template_score_agrees(rng: np.random.Generator) -> None:
    z, _ = points(200.0, 20.0, rng)
    envelope = vibration_envelope(velocity(z.astype(np.complex64), 200.0, WAVELENGTH_M), 200.0)
    period, _ = shared_period(envelope, np.ones(6))
    score = template_score(envelope, ENERGY_HZ, period)
    assert score[:3].min() > score[3:].max() + 0.2


def test_short_stretches_are_refused() -> None:
    with pytest.raises(InputError, match="too short"):
        score_points(np.ones((100, 2), np.complex64), 50.0, WAVELENGTH_M)


def plain_dtw(a: np.ndarray, b: np.ndarray, band: int) -> float:
    total = np.full((len(a) + 1, len(b) + 1), np.inf)
    total[0, 0] = 0
    for i in range(1, len(a) + 1):
        for j in range(max(1, i - band), min(len(b), i + band) + 1):
            total[i, j] = (a[i - 1] - b[j - 1]) ** 2 + min(total[i - 1, j], total[i, j - 1], total[i - 1, j - 1])
    return total[-1, -1]


def test_time_warping_equals_the_recursion(rng: np.random.Generator) -> None:
    a, b = rng.normal(size=(2, 3, 4, SAMPLES))
    expected = [[plain_dtw(x, y, BAND) for x, y in zip(p, q, strict=True)] for p, q in zip(a, b, strict=True)]
    np.testing.assert_allclose(dtw_cost(a, b), expected)
    np.testing.assert_allclose(dtw_cost(a, b, 0), ((a - b) ** 2).sum(axis=-1))


def test_cycles_follow_the_period() -> None:
    period = Period(np.array([0.0, 20.0]), np.array([0.8, 0.8]), np.ones(2))
    time_s = np.arange(1000) / 50
    cycles = cut_cycles(np.cos(2 * np.pi * time_s / 0.8)[None], 50.0, period)
    assert cycles.shape == (1, 24, SAMPLES)
    assert np.abs(cycles - cycles[:, :1]).max() < 0.02


def test_rates_with_drift_gaps_and_points(rng: np.random.Generator) -> None:
    time_s = np.arange(900) / 20
    chest = 5 * np.sin(2 * np.pi * 0.24 * time_s) + 0.8 * np.sin(4 * np.pi * 0.24 * time_s + 1)
    x = chest + 0.25 * np.sin(2 * np.pi * 1.21 * time_s) + 30 * (time_s / 45) ** 2 + 0.05 * rng.normal(size=900)
    x = np.stack([x, 0.3 * x])
    x[:, 400:430] = np.nan
    found = rates(x, 20.0)
    assert found.breathing_per_min == pytest.approx(14.4, abs=0.4)
    assert found.heart_bpm == pytest.approx(72.6, abs=1.0)
    assert found.breathing_confidence > 0.4
    assert found.heart_confidence > 0.2
    assert "14." in found.line()


def test_a_heart_on_a_harmonic_of_breathing_is_found_and_the_harmonic_alone_has_no_confidence(
    rng: np.random.Generator,
) -> None:
    time_s = np.arange(1200) / 20
    breath = sum(size * np.sin(2 * np.pi * 0.3 * k * time_s) for k, size in enumerate((5, 0.5, 0.05, 0.02), start=1))
    noise = 0.02 * rng.normal(size=1200)
    found = rates(breath + 0.3 * np.sin(2 * np.pi * 1.2 * time_s) + noise, 20.0)
    assert found.heart_bpm == pytest.approx(72, abs=0.5)
    assert rates(breath + noise, 20.0).heart_confidence < 0.15


def test_noise_has_no_confidence() -> None:
    highest = [rates(np.random.default_rng(seed).normal(size=(3, 600)), 20.0) for seed in range(20)]
    assert np.median([found.heart_confidence for found in highest]) < 0.12
    assert np.median([found.breathing_confidence for found in highest]) < 0.35


def test_rates_refuse_what_cannot_carry_them() -> None:
    with pytest.raises(InputError, match="at least 6 Hz"):
        rates(np.zeros(100), 5.0)
    with pytest.raises(InputError, match="at least 10 s"):
        rates(np.zeros(100), 20.0)
    with pytest.raises(InputError, match="nothing but gaps"):
        rates(np.full(300, np.nan), 20.0)

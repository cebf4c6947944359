"""The beat period of energy with two bumps a beat, whatever their relative height."""

from __future__ import annotations

import numpy as np
import pytest

from radarode.signal.beat_energy import ENERGY_HZ, lagged_products
from radarode.signal.beat_period import Period, track_period

LIMITS_S = (60.0 / 180.0, 60.0 / 40.0)


def curve(r_s: np.ndarray, n: int, second: float, after_s: float = 0.3) -> np.ndarray:
    t = np.arange(n) / ENERGY_HZ
    total = np.zeros(n)
    for at in r_s:
        total += np.exp(-(((t - at) / 0.05) ** 2)) + second * np.exp(-(((t - at - after_s) / 0.05) ** 2))
    return total - total.mean()


def track(pooled: np.ndarray) -> Period:
    products = lagged_products(pooled[None], 400, 50, 153)[0]
    return track_period(products, products, 50, LIMITS_S)


@pytest.mark.parametrize("rate_bpm", [45, 60, 80, 110, 150])
@pytest.mark.parametrize("second", [0.0, 0.5, 1.0])
def test_whole_period(rate_bpm: float, second: float) -> None:
    systole_s = 0.4155 - 0.00165 * rate_bpm
    found = track(curve(np.arange(0.5, 40.0, 60.0 / rate_bpm), 2000, second, systole_s))
    np.testing.assert_allclose(found.period_s[2:-2], 60.0 / rate_bpm, rtol=0.03)
    assert np.median(found.clarity) > 0.85


def test_a_changing_rate_is_followed() -> None:
    interval_s = np.linspace(0.5, 1.0, 70)
    r_s = np.cumsum(interval_s)
    found = track(curve(r_s, round((r_s[-1] + 1) * ENERGY_HZ), 0.6))
    wanted = np.interp(found.time_s, r_s, interval_s)
    np.testing.assert_allclose(found.period_s[3:-3], wanted[3:-3], rtol=0.06)
    assert found.at(np.array([r_s[35]]))[0] == pytest.approx(interval_s[35], rel=0.06)


def test_noise_is_not_clear(rng: np.random.Generator) -> None:
    noise = np.convolve(rng.normal(size=3000), np.hanning(7), "same")
    assert np.median(track(noise - noise.mean()).clarity) < 0.3


def test_silence_has_a_period_without_clarity() -> None:
    found = track(np.zeros(1000))
    assert np.isfinite(found.period_s).all()
    assert not found.clarity.any()

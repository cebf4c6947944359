"""Band energy, its pooling, the beat period and the template: on signals whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from radarode.core.errors import InputError
from radarode.signal.beat_energy import (
    ENERGY_HZ,
    LARGEST,
    _by_span,
    band_pass,
    channel_energy,
    channel_weights,
    lagged_products,
    pool,
)

FS_HZ = 200.0


def bursts(times_s: np.ndarray, n: int, freq_hz: float = 12.0, phase: float = 0.0) -> np.ndarray:
    """Return one short vibration per time."""
    t = np.arange(n) / FS_HZ
    total = np.zeros(n)
    for at in times_s:
        total += np.cos(2 * np.pi * freq_hz * (t - at) + phase) * np.exp(-(((t - at) / 0.05) ** 2))
    return total


def energy_of(rcg: np.ndarray) -> np.ndarray:
    return channel_energy(*band_pass(rcg, FS_HZ, (5.0, 25.0)), FS_HZ, 0.025)


def test_energy_peaks_at_the_bursts_whatever_gain_sign_and_phase(rng: np.random.Generator) -> None:
    times_s = np.arange(1.0, 19.0, 0.9)
    rows = [g * bursts(times_s, 4000, phase=p) for g, p in ((1e-6, 0.0), (-40.0, 1.3), (1e6, 2.9))]
    rcg = np.stack(rows)
    rcg += 0.05 * rcg.std(axis=1, keepdims=True) * rng.normal(size=rcg.shape)
    energy = energy_of(rcg)
    assert energy.shape == (3, 1000)
    for row in energy:
        for at in times_s[1:-1]:
            part = row[round((at - 0.3) * ENERGY_HZ) : round((at + 0.3) * ENERGY_HZ)]
            assert abs(part.argmax() / ENERGY_HZ - 0.3) <= 0.03
    np.testing.assert_allclose(energy_of(-7.0 * rcg), energy, atol=0.02)


def test_a_jerk_is_bounded(rng: np.random.Generator) -> None:
    rcg = rng.normal(size=(1, 4000))
    rcg[0, 2000:2040] += 1e5 * rng.normal(size=40)
    assert energy_of(rcg).max() <= 1.0 + LARGEST


def test_gaps_and_dead_channels_have_no_energy(rng: np.random.Generator) -> None:
    rcg = rng.normal(size=(4, 4000))
    rcg[0] = np.nan
    rcg[1] = 3.0
    rcg[2, 1000:1800] = np.nan
    energy = energy_of(rcg)
    assert np.isfinite(energy).all()
    assert not energy[:2].any()
    assert not energy[2, 255:445].any()
    assert energy[2, :200].any()
    weights = channel_weights(lagged_products(energy, 400, 50, 150), 17)
    assert weights[0] == weights[1] == 0.0
    assert weights.sum() == pytest.approx(1.0)


def test_channels_that_beat_weigh_most(rng: np.random.Generator) -> None:
    beat = bursts(np.arange(0.5, 20.0, 0.8), 4000)
    rcg = rng.normal(size=(5, 4000))
    rcg[3] = 5.0 * beat + 0.2 * rng.normal(size=4000)
    energy = energy_of(rcg)
    weights = channel_weights(lagged_products(energy, 400, 50, 150), 17)
    assert weights.argmax() == 3
    assert weights[3] > 3 * np.delete(weights, 3).max()
    assert np.corrcoef(pool(energy, weights), energy[3])[0, 1] > 0.9


def test_nothing_moves() -> None:
    energy = energy_of(np.zeros((2, 2000)))
    assert not energy.any()
    assert not channel_weights(lagged_products(energy, 400, 50, 150), 17).any()


def test_lagged_products_of_a_rhythm_peak_at_its_period() -> None:
    energy = np.cos(2 * np.pi * np.arange(1000) / 40.0)[None]
    found = lagged_products(energy, 400, 50, 100)[0, 10]
    assert 20 + found[20:60].argmax() == 40
    assert found[40] == pytest.approx(found[0], rel=0.05)


def test_a_band_beyond_the_rate_is_refused() -> None:
    with pytest.raises(InputError, match="band_hz"):
        band_pass(np.zeros((1, 1000)), FS_HZ, (5.0, 100.0))
    with pytest.raises(InputError, match="multiple of 50"):
        channel_energy(np.zeros((1, 1000)), np.zeros((1, 1000), bool), 130.0, 0.02)


def test_a_statistic_by_span_is_that_of_each_span(rng: np.random.Generator) -> None:
    values, known = rng.normal(size=400), np.ones(400, dtype=bool)
    known[[7, 120, 121, 260]] = False
    spans = np.array([(max(0, centre - 30), min(400, centre + 31)) for centre in range(0, 400, 13)])
    for statistic in (np.median, np.mean):
        wanted = [statistic(values[first:last][known[first:last]]) for first, last in spans]
        np.testing.assert_allclose(_by_span(values, known, spans, statistic), wanted, rtol=1e-12)
    np.testing.assert_allclose(_by_span(values, known, np.array([[0, 400]]), np.median), [np.median(values[known])])

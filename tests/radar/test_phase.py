"""Phase to displacement."""

from __future__ import annotations

import math

import numpy as np
import pytest

from radarode.core.errors import InputError
from radarode.radar.phase import displacement_m, phase_steps, repair_turns

WAVELENGTH_M = 3.9e-3


def signal_of(x_m: np.ndarray) -> np.ndarray:
    return np.exp(4j * math.pi / WAVELENGTH_M * x_m)


def test_breathing_of_many_wavelengths_is_recovered(rng: np.random.Generator) -> None:
    x = 6e-3 * np.sin(2 * np.pi * 0.3 * np.arange(4000) / 200)
    z = signal_of(x) + 0.05 * (rng.normal(size=4000) + 1j * rng.normal(size=4000))
    found = displacement_m(z, WAVELENGTH_M)
    assert np.abs(found - found.mean() - x + x.mean()).max() < 1e-4


def test_a_fade_does_not_slip_a_turn(rng: np.random.Generator) -> None:
    x = 4e-3 * np.sin(2 * np.pi * 0.25 * np.arange(2000) / 100)
    z = signal_of(x)
    noise = 0.2 * (rng.normal(size=2000) + 1j * rng.normal(size=2000))
    z[500:520] = 0.1 * noise[500:520]
    plain = np.unwrap(np.angle(z)) * WAVELENGTH_M / (4 * math.pi)
    found = displacement_m(np.stack([z, z]), WAVELENGTH_M)
    assert found.shape == (2, 2000)
    assert abs(found[0, 900] - found[0, 100] - (x[900] - x[100])) < 1e-4
    assert abs(plain[900] - plain[100] - (x[900] - x[100])) > 1e-3  # what a plain unwrap makes of it


def test_lost_frames_are_nan_and_bridged() -> None:
    x = 3e-3 * np.sin(2 * np.pi * 0.25 * np.arange(1000) / 100)
    z, lost = signal_of(x), np.zeros(1000, bool)
    lost[300:315] = True
    lost[:3] = True
    z[lost] = 0
    found = displacement_m(z, WAVELENGTH_M, lost)
    assert (np.isnan(found) == lost).all()
    assert abs(found[700] - found[200] - (x[700] - x[200])) < 5e-5


def test_steps_near_half_a_turn_take_their_neighbours_sign() -> None:
    steps = np.full((2, 60), 2.9)
    steps[:, 20::7] += 0.5
    wrapped = np.angle(np.exp(1j * steps))
    assert (wrapped < 0).any()
    np.testing.assert_allclose(repair_turns(wrapped), steps)


def test_nothing_but_loss_stays_finite() -> None:
    z = np.zeros(40, complex)
    assert np.isfinite(phase_steps(z, np.ones(40, bool))).all()
    with pytest.raises(InputError, match="positive"):
        displacement_m(z, 0.0)

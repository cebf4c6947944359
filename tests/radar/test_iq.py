"""Circles and ellipses of I and Q."""

from __future__ import annotations

import numpy as np
import pytest

from radarode.core.errors import InputError
from radarode.radar.iq import correct_imbalance, fit_circle, fit_imbalance


def arc(length_rad: float, n: int = 400) -> np.ndarray:
    return np.exp(1j * (0.7 + np.linspace(0, length_rad, n)))


@pytest.mark.parametrize("length_rad", [1.8, 3.0, 9.0])
def test_centre_of_noisy_arcs(length_rad: float, rng: np.random.Generator) -> None:
    noise = 0.02 * (rng.normal(size=400) + 1j * rng.normal(size=400))
    circle = fit_circle(4 - 7j + 2 * arc(length_rad) + noise)
    assert circle.trusted
    assert abs(circle.centre - (4 - 7j)) < 0.1
    assert circle.radius == pytest.approx(2, abs=0.1)
    assert circle.usable_centre == circle.centre


def test_a_short_arc_and_noise_are_not_trusted(rng: np.random.Generator) -> None:
    short = fit_circle(5 + 2 * arc(0.5) + 0.02 * rng.normal(size=400))
    cloud = fit_circle(rng.normal(size=400) + 1j * rng.normal(size=400))
    assert not short.trusted
    assert not cloud.trusted
    assert short.usable_centre == 0
    line = fit_circle(np.linspace(0, 1, 50) * (1 + 2j))
    assert np.isfinite(line.centre)
    assert not fit_circle(np.full(20, 3 + 1j)).trusted


def test_circles_come_in_batches() -> None:
    z = np.stack([1 + arc(6), 5j + 3 * arc(4)])[None]
    circle = fit_circle(z)
    assert circle.centre.shape == (1, 2)
    np.testing.assert_allclose(circle.centre, [[1, 5j]], atol=1e-6)
    np.testing.assert_allclose(circle.arc_rad, [[6, 4]], atol=0.25)
    with pytest.raises(InputError, match="at least 8"):
        fit_circle(np.ones(5, complex))


@pytest.mark.parametrize(("gain", "skew"), [(1.2, 0.15), (0.8, -0.2), (1.0, 0.0)])
def test_imbalance_is_found_and_taken_out(gain: float, skew: float, rng: np.random.Generator) -> None:
    phi = 4.5 * np.sin(np.linspace(0, 12, 3000))
    z = 2 * (np.cos(phi) + 1j * gain * np.sin(phi + skew)) + 30 - 8j
    z = z + 0.01 * (rng.normal(size=3000) + 1j * rng.normal(size=3000))
    found = fit_imbalance(z)
    assert found.gain == pytest.approx(gain, abs=0.01)
    assert found.skew_rad == pytest.approx(skew, abs=0.01)
    fixed = np.unwrap(np.angle(correct_imbalance(z, found)))
    assert np.abs(fixed - fixed[0] - phi + phi[0]).max() < 0.06


def test_no_ellipse() -> None:
    with pytest.raises(InputError, match="do not move"):
        fit_imbalance(np.full(100, 1 + 1j))
    with pytest.raises(InputError, match="ellipse"):
        fit_imbalance(np.linspace(0, 1, 100) * (1 + 1j))

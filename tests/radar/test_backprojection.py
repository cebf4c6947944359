"""The fast focusing equals the sum as it is written; targets appear where they are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from radarode.core.errors import InputError
from radarode.radar.backprojection import TOLERANCE, RangeBasis, form, form_directly, kernels, span_of
from radarode.radar.channels import virtual_channels
from radarode.radar.description import SPEED_OF_LIGHT_M_S
from radarode.radar.grid import VoxelGrid, check_in_view, grid_around, round_trips_m
from tests.radar.scene import Target, beat_signals, small_radar

GRID = VoxelGrid(shape=(5, 5, 4))


@pytest.mark.parametrize("window", ["hann", "rectangular"])
def test_fast_equals_direct(window, rng: np.random.Generator) -> None:
    radar, points_m = small_radar(), GRID.points_m
    noise = (rng.normal(size=(7, 12, 64)) + 1j * rng.normal(size=(7, 12, 64))).astype(np.complex64)
    basis = RangeBasis.over(span_of(points_m, radar), radar, window)
    assert basis.filters.shape[1] < 40
    fast = form(basis.compress(noise), basis.weights(points_m))
    direct = form_directly(noise, points_m, radar, window)
    assert np.abs(fast - direct).max() < 5 * TOLERANCE * np.abs(direct).max()


def test_direct_is_the_published_sum(rng: np.random.Generator) -> None:
    radar, points_m = small_radar(), GRID.points_m[:6]
    y = rng.normal(size=(2, 12, 64)) + 1j * rng.normal(size=(2, 12, 64))
    tx, rx = np.array(radar.tx_m), np.array(radar.rx_m)
    expected = np.zeros((2, 6), complex)
    for p, point in enumerate(points_m):
        for n in range(12):
            tau = (np.linalg.norm(point - tx[n // 4]) + np.linalg.norm(point - rx[n % 4])) / SPEED_OF_LIGHT_M_S
            for i in range(64):
                t = radar.adc_start_s + i / radar.adc_rate_hz
                turn = radar.start_hz * tau + radar.slope_hz_per_s * (tau * t - tau**2 / 2)
                expected[:, p] += y[:, n, i] * np.exp(-2j * np.pi * turn) / (12 * 64)
    found = form_directly(y.astype(np.complex64), points_m, radar, "rectangular")
    np.testing.assert_allclose(found, expected, atol=2e-6 * np.abs(expected).max() + 1e-6)


def test_a_target_focuses_at_its_place_with_phase_zero(rng: np.random.Generator) -> None:
    radar, grid = small_radar(), VoxelGrid(shape=(9, 9, 6))
    points_m = grid.points_m
    place = tuple(points_m[9 * 6 * 3 + 6 * 5 + 2])
    frames = beat_signals(radar, [Target(place, 2.0)], 1, 0.0, rng)
    basis = RangeBasis.over(span_of(points_m, radar), radar)
    image = form(basis.compress(virtual_channels(frames, radar)), basis.weights(points_m))[0]
    assert int(np.abs(image).argmax()) == 9 * 6 * 3 + 6 * 5 + 2
    np.testing.assert_allclose(image[np.abs(image).argmax()], 2.0, rtol=1e-4)


def test_phase_at_a_point_is_its_displacement(rng: np.random.Generator) -> None:
    radar = small_radar()
    moved = np.linspace(0, radar.wavelength_m / 8, 9)
    frames = beat_signals(radar, [Target((0.0, 0.0, 0.45), 1.0, moved)], 9, 0.0, rng)
    points_m = np.array([[0.0, 0.0, 0.45]])
    basis = RangeBasis.over(span_of(points_m, radar), radar)
    z = form(basis.compress(virtual_channels(frames, radar)), basis.weights(points_m))[:, 0]
    found = np.unwrap(np.angle(z)) * radar.wavelength_m / (4 * np.pi)
    np.testing.assert_allclose(found, moved, atol=0.01 * moved[-1])


def test_filters_are_orthonormal_and_spans_are_kept() -> None:
    radar = small_radar()
    basis = RangeBasis.over((0.6, 1.2), radar)
    np.testing.assert_allclose(basis.filters.conj().T @ basis.filters, np.eye(basis.filters.shape[1]), atol=1e-9)
    kernel = kernels(np.array([0.873]), radar)
    rest = kernel - kernel @ basis.filters @ basis.filters.conj().T
    assert np.linalg.norm(rest) < TOLERANCE * np.linalg.norm(kernel) * 3
    with pytest.raises(InputError, match="within round trips"):
        basis.weights(np.array([[0.0, 0.0, 2.0]]))
    with pytest.raises(InputError, match="increasing"):
        RangeBasis.over((1.0, 0.5), radar)


def test_grids() -> None:
    assert VoxelGrid().points_m.shape == (1377, 3)
    radar = small_radar()
    row = replace(radar, tx_m=radar.tx_m[:1], tx_order=(0,))
    assert grid_around(row, 0.7).shape[1] == 1
    assert grid_around(radar, 0.7).z_m == pytest.approx((0.6, 0.85))
    np.testing.assert_allclose(
        round_trips_m(np.array([[0.0, 0.0, 0.5]]), radar)[0, 5],
        np.hypot(0.5, radar.tx_m[1][1]) + np.hypot(0.5, radar.rx_m[1][0]),
    )
    with pytest.raises(InputError, match=r"behind the \d\.\d\d m"):
        check_in_view(np.array([[0.0, 0.0, 5.0]]), radar)
    with pytest.raises(InputError, match="in front of"):
        check_in_view(np.array([[0.0, 0.0, -0.1]]), radar)
    with pytest.raises(InputError, match="two increasing"):
        VoxelGrid(z_m=(0.6, 0.3))
    with pytest.raises(InputError, match="numbers of points"):
        VoxelGrid(shape=(9, 0, 9))

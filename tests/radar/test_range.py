"""Ranges, clutter, virtual channels and their delays."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from radarode.core.errors import InputError
from radarode.radar.channels import compensate_tdm, slot_delays_s, virtual_channels
from radarode.radar.clutter import remove_static
from radarode.radar.range import range_axis_m, range_fft, range_window
from tests.radar.scene import Target, beat_signals, small_radar


@pytest.mark.parametrize("place_m", [0.31, 0.7, 1.4, 2.2])
def test_a_target_appears_at_its_range_with_its_amplitude(place_m: float, rng: np.random.Generator) -> None:
    radar = small_radar()
    frames = beat_signals(radar, [Target((0.0, 0.0, place_m), 3.0)], 2, 0.0, rng)
    bins, range_m = range_fft(virtual_channels(frames, radar), radar, oversample=16)
    top = np.abs(bins).argmax(axis=-1)
    np.testing.assert_allclose(range_m[top], place_m, atol=0.006)
    np.testing.assert_allclose(np.abs(bins).max(axis=-1), 3.0, rtol=0.01)


def test_phase_grows_with_the_distance(rng: np.random.Generator) -> None:
    radar = small_radar()
    step_m = radar.wavelength_m / 40
    frames = beat_signals(radar, [Target((0, 0, 0.6), 1.0, np.array([0.0, step_m]))], 2, 0.0, rng)
    bins, range_m = range_fft(virtual_channels(frames, radar), radar)
    at = int(np.abs(range_m - 0.6).argmin())
    gained = np.angle(bins[1, :, at] * bins[0, :, at].conj())
    np.testing.assert_allclose(gained, 4 * np.pi * step_m / radar.wavelength_m, rtol=0.02)


def test_real_samples_have_half_the_axis_and_the_same_place(rng: np.random.Generator) -> None:
    radar = small_radar()
    real = replace(radar, iq=False)
    frames = beat_signals(radar, [Target((0, 0, 0.8), 1.0)], 1, 0.0, rng)
    bins, range_m = range_fft(frames.real.astype(np.complex64), real, oversample=8)
    assert range_m[-1] < real.max_range_m
    assert len(range_axis_m(radar, 64)) == 2 * len(range_axis_m(real, 64))
    np.testing.assert_allclose(range_m[np.abs(bins[0, 0, 0]).argmax()], 0.8, atol=0.01)


def test_windows() -> None:
    np.testing.assert_allclose(range_window(64).mean(), 1.0)
    assert (range_window(8, "rectangular") == 1).all()
    with pytest.raises(InputError, match="hann or rectangular"):
        range_window(8, "flat")  # pyright: ignore[reportArgumentType]
    with pytest.raises(InputError, match="64 samples"):
        range_fft(np.ones(10, np.complex64), small_radar())


def test_virtual_channels_follow_the_order_of_transmitters(rng: np.random.Generator) -> None:
    radar = replace(small_radar(), tx_order=(2, 0, 1, 0))
    frames = (rng.normal(size=(3, 4, 4, 64)) + 0j).astype(np.complex64)
    channels = virtual_channels(frames, radar)
    np.testing.assert_allclose(channels[:, 8:12], frames[:, 0])
    np.testing.assert_allclose(channels[:, 0:4], (frames[:, 1] + frames[:, 3]) / 2, rtol=1e-6)
    np.testing.assert_allclose(channels[:, 4:8], frames[:, 2])
    np.testing.assert_allclose(slot_delays_s(radar)[[0, 4, 8]], np.array([2, 2, 0]) * radar.chirp_period_s)
    with pytest.raises(InputError, match="of shape"):
        virtual_channels(frames[:, :3], radar)


def test_compensation_takes_out_what_a_walk_adds_between_slots() -> None:
    radar, speed = small_radar(), 0.8
    delays = slot_delays_s(radar)
    seen = np.exp(4j * np.pi / radar.wavelength_m * speed * delays)[None, :, None] * np.ones((5, 12, 3))
    assert np.ptp(np.angle(seen)) > 0.2
    np.testing.assert_allclose(compensate_tdm(seen, speed, radar), 1.0, atol=1e-12)
    np.testing.assert_allclose(compensate_tdm(seen, np.full(5, speed), radar), 1.0, atol=1e-12)


def test_clutter_goes_and_motion_stays() -> None:
    moving = np.exp(1j * np.arange(200) / 5)[:, None]
    np.testing.assert_allclose(remove_static(moving + 100).mean(), 0, atol=1e-12)
    slow = remove_static(moving + np.where(np.arange(200) < 100, 5, 50)[:, None], period=31)
    assert np.abs(slow[:80]).max() < 2
    assert np.abs(slow[120:]).max() < 2
    with pytest.raises(InputError, match="at least 2"):
        remove_static(moving, period=1)

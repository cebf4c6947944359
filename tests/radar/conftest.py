"""Scenes and files that the tests of raw captures share; all of them are simulated."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from radarode.radar.fmcw import SPEED_OF_LIGHT_M_S, FmcwRadar
from radarode.radar.presets import BOARDS
from radarode.radar.readers.lanes import encode_lanes

MakeCube = Callable[..., np.ndarray]


@pytest.fixture
def small() -> FmcwRadar:
    """Return a radar with small frames: two transmitters in turn, two loops."""
    tx, rx = BOARDS["awr1843"]
    return FmcwRadar(
        name="small",
        start_hz=77e9,
        slope_hz_per_s=65e12,
        samples=64,
        adc_rate_hz=2e6,
        frame_period_s=0.005,
        chirp_period_s=60e-6,
        tx_m=(tx[0], tx[2]),
        rx_m=rx,
        tx_order=(0, 1, 0, 1),
        adc_start_s=5e-6,
        idle_s=7e-6,
    )


@pytest.fixture
def make_cube() -> MakeCube:
    """Return a maker of beat signals (frame, chirp, rx, sample) of three still reflectors and one that breathes."""

    def make(radar: FmcwRadar, n_frames: int, seed: int = 0) -> np.ndarray:
        rng = np.random.default_rng(seed)
        time_s = np.arange(n_frames) * radar.frame_period_s
        ranges_m = np.array([0.5, 0.9, 1.6])[:, None] + np.zeros(n_frames)
        ranges_m[0] += 0.004 * np.sin(2 * np.pi * 0.25 * time_s)
        fast_s = np.arange(radar.samples) / radar.adc_rate_hz
        cube = np.zeros((n_frames, *radar.frame_shape), dtype=complex)
        for range_m, level in zip(ranges_m, (900.0, 400.0, 250.0), strict=True):
            delay_s = 2 * range_m / SPEED_OF_LIGHT_M_S
            phase = radar.first_sample_hz * delay_s[:, None] + radar.slope_hz_per_s * delay_s[:, None] * fast_s
            offsets = rng.uniform(0, 1, radar.frame_shape[:2])
            cube += level * np.exp(2j * np.pi * (phase[:, None, None, :] + offsets[..., None]))
        cube += 10 * (rng.standard_normal(cube.shape) + 1j * rng.standard_normal(cube.shape))
        return cube if radar.iq else cube.real.astype(complex)

    return make


@pytest.fixture
def raw(tmp_path: Path, small: FmcwRadar, make_cube: MakeCube) -> Path:
    """Return a bare capture of 40 frames of the small radar."""
    path = tmp_path / "raw.bin"
    encode_lanes(make_cube(small, 40), small).tofile(path)
    return path


@pytest.fixture
def layouts(small: FmcwRadar) -> list[FmcwRadar]:
    """Return the small radar in every layout of numbers."""
    return [
        small,
        replace(small, q_first=True),
        replace(small, iq=False),
        replace(small, lanes=4),
        replace(small, lanes=4, q_first=True),
        replace(small, lanes=4, iq=False),
        replace(small, lanes=4, rx_m=small.rx_m[:2], rx_lanes=(3, 1)),
        replace(small, rx_m=small.rx_m[:3]),
    ]

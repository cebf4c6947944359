"""Breathing: one phase that moves the chest and also modulates the heart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline
from scipy.ndimage import gaussian_filter1d

from radarode.core.types import Status
from radarode.simulate.random_signals import smooth_noise
from radarode.simulate.traits import BreathingTraits

FloatArray = NDArray[np.floating]

GRID_HZ = 20.0
MARGIN_S = 4.0

RATE_FACTOR = {"NB": 1.0, "IB": 1.0, "PE": 1.5, "SP": 0.88, "unknown": 1.0}
DEPTH_FACTOR = {"NB": 1.0, "IB": 1.0, "PE": 1.35, "SP": 0.85, "unknown": 1.0}


@dataclass(frozen=True, slots=True, eq=False)
class Breathing:
    """Hold the breathing of one recording on a 20-Hz grid that begins and ends 4 s outside it.

    Attributes:
        time_s: (grid,) time from the start of the recording.
        phase_rad: (grid,) breathing phase; inspiration is its rising half.
        depth: (grid,) excursion relative to the person's mean; near 0 in apnoea.
        displacement_mm: (grid,) motion of the chest.
    """

    time_s: FloatArray
    phase_rad: FloatArray
    depth: FloatArray
    displacement_mm: FloatArray

    def level(self, time_s: FloatArray, lag_rad: float = 0.0) -> FloatArray:
        """Return the breathing level at given times, about -1 (expired) to 1 (inspired), lagged in phase."""
        level = -self.depth * np.cos(self.phase_rad - lag_rad)
        return np.interp(time_s, self.time_s, level)

    def acceleration(self, time_s: FloatArray) -> FloatArray:
        """Return the second derivative of the displacement at given times, in mm/s^2."""
        return CubicSpline(self.time_s, self.displacement_mm)(time_s, 2)


def simulate_breathing(
    traits: BreathingTraits, duration_s: float, status: Status, rng: np.random.Generator
) -> Breathing:
    """Draw the breathing of one recording.

    NB and SP vary a little from breath to breath; IB changes rate and depth widely and pauses (apnoea) for
    5-14 s about every 40 s; PE is quick and deep and calms down with a time constant of 60-150 s.

    Args:
        traits: the person's breathing at rest.
        duration_s: length of the recording.
        status: MMECG status.
        rng: source of randomness.

    Returns:
        The breathing, 4 s longer than the recording at both ends.
    """
    time_s = np.arange(-MARGIN_S, duration_s + MARGIN_S, 1 / GRID_HZ)
    n = len(time_s)
    spread = rng.uniform(0.25, 0.5) if status == "IB" else traits.variability
    rate_noise = spread * smooth_noise(rng, n, GRID_HZ, (0.01, 0.15))
    depth_noise = spread * smooth_noise(rng, n, GRID_HZ, (0.01, 0.15))
    excess = RATE_FACTOR[status] * rng.uniform(0.95, 1.05) - 1.0
    if status == "PE":
        excess = excess * np.exp(-np.maximum(time_s, 0) / rng.uniform(60.0, 150.0))
    rate_hz = np.clip(traits.rate_hz * (1 + excess) * np.exp(rate_noise), 0.08, 0.9)
    depth = DEPTH_FACTOR[status] * np.exp(depth_noise)
    if status == "IB":
        awake = gaussian_filter1d(_breathing_on(time_s, rng), 0.6 * GRID_HZ)
        rate_hz, depth = rate_hz * np.maximum(awake, 0.15), depth * np.maximum(awake, 0.03)
    depth = gaussian_filter1d(np.clip(depth, 0.02, 2.5), 0.5 * GRID_HZ)
    phase_rad = rng.uniform(0, 2 * np.pi) + 2 * np.pi * np.cumsum(rate_hz) / GRID_HZ
    shape = -np.cos(phase_rad)
    for order, weight in enumerate(traits.harmonics, start=2):
        shape = shape - weight * np.cos(order * phase_rad + 0.5 * order)
    drift_mm = rng.uniform(0.1, 1.0) * smooth_noise(rng, n, GRID_HZ, (0.01, 0.1))
    return Breathing(time_s, phase_rad, depth, 0.5 * traits.depth_mm * depth * shape + drift_mm)


def _breathing_on(time_s: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Return 1 where the person breathes and 0 in pauses."""
    on = np.ones(len(time_s))
    start_s = time_s[0] + rng.uniform(8.0, 25.0)
    while start_s < time_s[-1]:
        stop_s = start_s + rng.uniform(5.0, 14.0)
        on[(time_s >= start_s) & (time_s < stop_s)] = 0.0
        start_s = stop_s + rng.uniform(20.0, 50.0)
    return on

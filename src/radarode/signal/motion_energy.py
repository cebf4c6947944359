"""What the classical baseline derives from motion, and what it knows of people: energy, period, pattern around R."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from radarode.core.constants import FS_HZ
from radarode.core.errors import InputError
from radarode.signal.beat_energy import (
    ENERGY_HZ,
    band_pass,
    channel_energy,
    channel_weights,
    lagged_products,
    pool,
)
from radarode.signal.beat_period import Period, track_period

FloatArray = NDArray[np.float64]

PATTERN_BEFORE_S, PATTERN_AFTER_S = 0.3, 0.6
"""Span of a pattern around R, at `PATTERN_RATE_BPM`."""

PATTERN_RATE_BPM = 70.0
PATTERN_FRAMES = round((PATTERN_BEFORE_S + PATTERN_AFTER_S) * ENERGY_HZ) + 1

WINDOW_S, HOP_S = 8.0, 1.0
"""Windows of the autocorrelation and the time between them."""

FLOOR = 0.05
"""Variance added to every frame of the patterns, as a share of the mean variance."""

_LEAST_VARIANCE = 1e-4
_LARGEST_WAVE = 12.0


@dataclass(frozen=True, slots=True)
class EnergySettings:
    """Parameters of the energy and of the range of heart rates.

    Attributes:
        band_hz: band of the vibrations.
        smooth_s: smoothing of the energy (standard deviation).
        rates_bpm: slowest and fastest heart.
    """

    band_hz: tuple[float, float] = (5.0, 25.0)
    smooth_s: float = 0.025
    rates_bpm: tuple[float, float] = (40.0, 180.0)

    def __post_init__(self) -> None:
        if not 0.0 < self.band_hz[0] < self.band_hz[1] < 0.5 * FS_HZ:
            raise InputError.of("band_hz", f"two increasing frequencies below {0.5 * FS_HZ:g} Hz", self.band_hz)
        if not 0.005 <= self.smooth_s <= 0.2:
            raise InputError.of("smooth_s", "between 0.005 and 0.2 s", self.smooth_s)
        if not 20.0 <= self.rates_bpm[0] < self.rates_bpm[1] <= 240.0:
            raise InputError.of("rates_bpm", "two increasing rates between 20 and 240 bpm", self.rates_bpm)


@dataclass(frozen=True, slots=True, eq=False)
class MotionEnergy:
    """Hold what is derived from the motion once.

    Attributes:
        filtered: (channel, time) band-passed motion at 200 Hz, each channel in units of its own median.
        energy: (channel, frame) at 50 Hz.
        weights: (channel,) sum 1.
        pooled: (frame,) weighted energy.
        period: the beat period over time.
        missing: (channel, time) at 200 Hz, where motion is missing.
    """

    filtered: NDArray[np.float32]
    energy: NDArray[np.float32]
    weights: FloatArray
    pooled: FloatArray
    period: Period
    missing: NDArray[np.bool_]


def motion_energy(rcg: NDArray[np.floating], settings: EnergySettings) -> MotionEnergy:
    """Derive energy and beat period from motion.

    Args:
        rcg: (channel, time) at 200 Hz; NaN marks gaps.
        settings: band and limits.
    """
    filtered, missing = band_pass(rcg, FS_HZ, settings.band_hz)
    energy = channel_energy(filtered, missing, FS_HZ, settings.smooth_s)
    slowest, fastest = settings.rates_bpm
    limits_s = 60.0 / fastest, 60.0 / slowest
    window, hop, longest = (round(s * ENERGY_HZ) for s in (WINDOW_S, HOP_S, 2.0 * limits_s[1] + 0.05))
    products = lagged_products(energy, window, hop, longest)
    weights = channel_weights(products, round(limits_s[0] * ENERGY_HZ))
    pooled = pool(energy, weights)
    whole = lagged_products(pooled[None], window, hop, longest)[0]
    period = track_period(whole, np.einsum("c,cwl->wl", weights, products), hop, limits_s)
    level = np.array([np.median(np.abs(row)) for row in filtered])[:, None]
    scaled = np.clip(filtered / np.where(level > 0, level, 1.0), -_LARGEST_WAVE, _LARGEST_WAVE)
    return MotionEnergy(scaled.astype(np.float32), energy, weights, pooled, period, missing)


def systole_scale(period_s: FloatArray) -> FloatArray:
    """Return by how much the time from R to the closing of the aortic valve is longer than at 70 bpm.

    Electromechanical systole QS2 = 547 - 2.05 HR [ms], the mean of both sexes, minus 40 ms from Q to R.

    Reference: Weissler, Harris, Schoenfeld, Circulation 37, 1968.

    Example:
        >>> systole_scale(np.array([60 / 110, 60 / 70])).round(3).tolist()
        [0.774, 1.0]
    """
    rate = np.clip(60.0 / np.asarray(period_s), 40.0, 160.0)
    return (507.0 - 2.05 * rate) / (507.0 - 2.05 * PATTERN_RATE_BPM)


def pattern_times_s() -> FloatArray:
    """Return the (PATTERN_FRAMES,) times of a pattern from R, at 70 bpm."""
    return np.arange(PATTERN_FRAMES) / ENERGY_HZ - PATTERN_BEFORE_S


def average_pattern(pooled: FloatArray, r_s: FloatArray, period_s: FloatArray) -> FloatArray:
    """Return the (PATTERN_FRAMES,) mean pooled energy around R, the time axis brought to 70 bpm.

    Args:
        pooled: (frame,).
        r_s: (beat,) R peaks.
        period_s: (beat,) local period.
    """
    at_s = r_s[:, None] + systole_scale(period_s)[:, None] * pattern_times_s()
    frames = np.arange(len(pooled))
    return np.interp(at_s * ENERGY_HZ, frames, pooled, left=0.0, right=0.0).mean(axis=0)


@dataclass(frozen=True, slots=True, eq=False)
class EnergyPrior:
    """Hold how the average energy around R looks, and how it differs, among people.

    Attributes:
        mean: (PATTERN_FRAMES,) of patterns of length 1.
        precision: (PATTERN_FRAMES, PATTERN_FRAMES) inverse of their covariance.
    """

    mean: FloatArray
    precision: FloatArray

    @classmethod
    def of(cls, patterns: FloatArray) -> EnergyPrior:
        """Measure the prior on (recording, PATTERN_FRAMES) average patterns, one or more."""
        units = patterns / np.maximum(np.linalg.norm(patterns, axis=1, keepdims=True), 1e-12)
        away = units - units.mean(axis=0)
        covariance = away.T @ away / max(1, len(units) - 1)
        floor = FLOOR * np.trace(covariance) / len(covariance) + _LEAST_VARIANCE
        return cls(units.mean(axis=0), np.linalg.inv(covariance + floor * np.eye(len(covariance))))

    def log_likelihood(self, patterns: FloatArray) -> FloatArray:
        """Return the (pattern,) Gaussian log-likelihood, up to a constant, of (pattern, PATTERN_FRAMES)."""
        away = patterns / np.maximum(np.linalg.norm(patterns, axis=1, keepdims=True), 1e-12) - self.mean
        return -0.5 * np.einsum("pi,ij,pj->p", away, self.precision, away)

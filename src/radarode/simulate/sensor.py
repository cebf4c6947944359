"""What the sensor adds: its frequency response, constant noise, body movement (n_con and n_abr of the signal model)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal.windows import tukey

from radarode.core.constants import BAND_HZ
from radarode.simulate.random_signals import band_power, coloured_noise

FloatArray = NDArray[np.floating]

MOVEMENT_PER_MIN = {"NB": 0.3, "IB": 0.5, "PE": 0.6, "SP": 0.1, "unknown": 0.3}
"""Mean number of body movements a minute, by status."""


@dataclass(frozen=True, slots=True)
class Sensor:
    """Hold how a sensor sees the chest in one recording.

    Attributes:
        fs_hz: sampling rate.
        tilt: exponent of the response against a true second derivative; -1 acts like a velocity.
        corner_hz: where the second-order fall-off begins.
        noise_slope: exponent of the noise's power density.
        noise_shared: share of noise power that all points have in common.
        noise_spread: log SD of the noise level between points.
        line_hz: frequency of a steady vibration or of mains pick-up; 0 for none.
        line_share: its share of the noise power.
    """

    fs_hz: float
    tilt: float
    corner_hz: float
    noise_slope: float
    noise_shared: float
    noise_spread: float
    line_hz: float
    line_share: float

    def response(self, freqs_hz: FloatArray) -> FloatArray:
        """Return the gain at each frequency, 1 at 10 Hz before the fall-off."""
        tilted = (np.maximum(freqs_hz, 0.7) / 10.0) ** self.tilt
        return tilted / np.sqrt(1 + (freqs_hz / self.corner_hz) ** 4)


def sample_sensor(fs_hz: float, rng: np.random.Generator) -> Sensor:
    """Draw a sensor; one in six has a steady line (fan at 8-24 Hz, or mains at 50 Hz)."""
    has_line = rng.random() < 1 / 6
    line_hz = 50.0 if rng.random() < 0.5 else float(rng.uniform(8.0, 24.0))
    return Sensor(
        fs_hz=fs_hz,
        tilt=float(rng.uniform(-0.7, 0.9)),
        corner_hz=float(np.exp(rng.uniform(np.log(18.0), np.log(80.0)))),
        noise_slope=float(rng.uniform(-0.5, 2.5)),
        noise_shared=float(rng.uniform(0.0, 0.4)),
        noise_spread=float(rng.uniform(0.1, 0.5)),
        line_hz=line_hz if has_line else 0.0,
        line_share=float(rng.uniform(0.1, 0.5)),
    )


def constant_noise(cardiac: FloatArray, sensor: Sensor, snr_db: float, rng: np.random.Generator) -> FloatArray:
    """Draw coloured noise at a level against the cardiac motion.

    Levels are mean squares within 1-25 Hz; `snr_db` is met by the median over points. Points keep their own
    noise level, so a point that sees little motion has a poor ratio.

    Args:
        cardiac: (point, time) cardiac RCG.
        sensor: its noise.
        snr_db: ratio to meet; infinity gives no noise.
        rng: source of randomness.

    Returns:
        (point, time) noise, float32.
    """
    if np.isposinf(snr_db):
        return np.zeros_like(cardiac)
    n_points, n = cardiac.shape
    band_hz = (0.3, 0.45 * sensor.fs_hz)
    own = coloured_noise(rng, (n_points, n), sensor.fs_hz, sensor.noise_slope, band_hz)
    shared = coloured_noise(rng, (1, n), sensor.fs_hz, sensor.noise_slope, band_hz)
    noise = np.float32(np.sqrt(1 - sensor.noise_shared)) * own
    noise += (np.sqrt(sensor.noise_shared) * rng.normal(0, 1, (n_points, 1))).astype(np.float32) * shared
    noise /= np.sqrt(band_power(noise, sensor.fs_hz, BAND_HZ) + 1e-30)[:, None].astype(np.float32)
    if sensor.line_hz > 0:
        time_s = np.arange(n) / sensor.fs_hz
        line = np.sin(2 * np.pi * sensor.line_hz * time_s + rng.uniform(0, 2 * np.pi))
        size = np.sqrt(2 * sensor.line_share) * rng.normal(0, 1, (n_points, 1))
        noise += (size * line).astype(np.float32)
    noise *= np.exp(rng.normal(0, sensor.noise_spread, (n_points, 1))).astype(np.float32)
    ratio = band_power(cardiac, sensor.fs_hz, BAND_HZ) / band_power(noise, sensor.fs_hz, BAND_HZ)
    return noise * np.float32(np.sqrt(np.median(ratio) / 10 ** (snr_db / 10)))


def body_movement(
    cardiac: FloatArray, fs_hz: float, per_min: float, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """Draw bursts of body movement: 0.5-5 s, 0.5-10 Hz, 3-30 times the cardiac motion.

    A burst is one or two motions shared by all points, each with its own gain at each point.

    Args:
        cardiac: (point, time) cardiac RCG, which sets the scale.
        fs_hz: sampling rate.
        per_min: mean number of bursts a minute.
        rng: source of randomness.

    Returns:
        (point, time) movement, and (burst, 2) start and end of each burst in seconds.
    """
    n_points, n = cardiac.shape
    movement = np.zeros((n_points, n), np.float32)
    scale = float(np.median(np.std(cardiac, axis=1)))
    n_bursts = int(rng.poisson(per_min * n / fs_hz / 60))
    starts_s = np.sort(rng.uniform(0, n / fs_hz, n_bursts))
    spans_s = []
    for start_s in starts_s:
        length = round(rng.uniform(0.5, 5.0) * fs_hz)
        size = scale * np.exp(rng.uniform(np.log(3.0), np.log(30.0)))
        sources = coloured_noise(rng, (2, length), fs_hz, rng.uniform(-2.0, 0.0), (0.5, 10.0))
        gains = rng.normal(0, 1, (n_points, 2)) * (1.0, 0.5)
        burst = size * tukey(length, 0.5) * (gains @ sources)
        start = round(start_s * fs_hz)
        stop = min(n, start + length)
        movement[:, start:stop] += burst[:, : stop - start].astype(np.float32)
        spans_s.append((start_s, stop / fs_hz))
    return movement, np.array(spans_s).reshape(-1, 2)

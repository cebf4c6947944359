"""A chest out of view: what a sensor delivers when no heart is in it, so that a network learns to stay silent."""

from __future__ import annotations

import numpy as np

from radarode.core.constants import FS_HZ
from radarode.core.types import Recording
from radarode.simulate.random_signals import coloured_noise
from radarode.simulate.sensor import body_movement, constant_noise, sample_sensor

MOST_MOVEMENTS_PER_MIN = 8.0


def simulate_empty(duration_s: float, rng: np.random.Generator, n_channels: int, subject: str) -> Recording:
    """Simulate a recording without any heartbeat: sensor noise, steady lines, movement.

    Args:
        duration_s: length.
        rng: source of randomness.
        n_channels: number of points.
        subject: name to give it.

    Returns:
        A recording at 200 Hz whose `r_peaks_s` is known to be empty; it has no ECG.

    Example:
        >>> simulate_empty(10.0, np.random.default_rng(0), 3, "empty-0000").r_peaks_s.shape
        (0,)
    """
    shape = (n_channels, round(duration_s * FS_HZ))
    sensor = sample_sensor(FS_HZ, rng)
    scale = coloured_noise(rng, shape, FS_HZ, 0.0, (1.0, 25.0))
    rcg = constant_noise(scale, sensor, 0.0, rng)
    movement, _ = body_movement(scale, FS_HZ, float(rng.uniform(0.0, MOST_MOVEMENTS_PER_MIN)), rng)
    return Recording(
        rcg=rcg + movement,
        fs_hz=FS_HZ,
        r_peaks_s=np.empty(0),
        subject=subject,
        source="simulated",
        motion="displacement",
        notes={"heart": "none"},
    )

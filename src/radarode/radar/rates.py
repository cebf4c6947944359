"""Breathing and heart rate from displacement, at any frame rate from 6 Hz; no ECG is claimed.

The velocity's spectrum is used: a drift of the posture, far stronger than breathing, falls by the square of the
frequency there. Points are pooled with equal weights, after each is brought to power 1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from radarode.core.errors import InputError
from radarode.core.vertex import parabola_offset
from radarode.signal.gaps import fill_gaps

FloatArray = NDArray[np.floating]

BREATHING_HZ = (0.1, 0.7)
HEART_HZ = (0.8, 2.5)
LEAST_FS_HZ = 6.0
"""Twice the fastest heart that is looked for, and a little."""

SHORTEST_S = 10.0

GUESS = 0.2
"""A rate of less confidence is a guess."""

_PADDING = 16
_HARMONICS = 8


@dataclass(frozen=True, slots=True)
class Rates:
    """Hold the rates of a recording.

    Attributes:
        breathing_per_min, heart_bpm: the rates.
        breathing_confidence, heart_confidence: in [0, 1]: share of the band's power that stands within a resolution
            cell of the peak, beyond what noise would put there. Below about 0.2 the rate is a guess.
    """

    breathing_per_min: float
    breathing_confidence: float
    heart_bpm: float
    heart_confidence: float

    def line(self) -> str:
        """Return the rates in one line for people."""
        return (
            f"breathing {self.breathing_per_min:.1f}/min ({told(self.breathing_confidence)}), "
            f"heart {self.heart_bpm:.1f} bpm ({told(self.heart_confidence)})"
        )


def told(confidence: float) -> str:
    """Return a confidence in words.

    Example:
        >>> told(0.5), told(0.1)
        ('confidence 0.50', 'confidence 0.10, a guess')
    """
    return f"confidence {confidence:.2f}" + (", a guess" if confidence < GUESS else "")


def rates(displacement: FloatArray, fs_hz: float) -> Rates:
    """Estimate the mean breathing and heart rate.

    Args:
        displacement: (time,) or (point, time), any unit; NaN in gaps.
        fs_hz: frames per second.

    Returns:
        Rates of the whole recording; for a rate over time call this on stretches of 20 to 30 s.

    Raises:
        InputError: shorter than 10 s, a rate below 6 Hz, or nothing but gaps.

    Example:
        >>> t = np.arange(600) / 20
        >>> x = 4 * np.sin(2 * np.pi * 0.25 * t) + 0.2 * np.sin(2 * np.pi * 1.13 * t)
        >>> found = rates(x, 20.0)
        >>> round(found.breathing_per_min, 1), round(found.heart_bpm, 1)
        (15.0, 67.8)
    """
    motion = np.atleast_2d(np.asarray(displacement, dtype=np.float64))
    if not fs_hz >= LEAST_FS_HZ:
        raise InputError.of("fs_hz", f"at least {LEAST_FS_HZ:g} Hz to tell a heart rate", f"{fs_hz:g}")
    if motion.shape[1] < SHORTEST_S * fs_hz:
        raise InputError(f"the rates need at least {SHORTEST_S:g} s; got {motion.shape[1] / fs_hz:.1f} s.")
    freq, power = _velocity_spectrum(motion, fs_hz)
    cell_hz = 2.0 / (motion.shape[1] / fs_hz)
    breathing_hz, breathing = _peak(freq, power, BREATHING_HZ, cell_hz)
    cleaned = _without_harmonics(freq, power, breathing_hz, cell_hz)
    heart_hz, heart = _peak(freq, cleaned, HEART_HZ, cell_hz)
    return Rates(60 * breathing_hz, breathing, 60 * heart_hz, heart)


def _velocity_spectrum(motion: FloatArray, fs_hz: float) -> tuple[FloatArray, FloatArray]:
    """Return frequencies and the pooled power spectrum of velocity, points scaled to power 1 within 0.1 to 2.5 Hz."""
    filled, missing = fill_gaps(motion)
    if missing.all():
        raise InputError("the displacement is nothing but gaps.")
    velocity = np.diff(filled, axis=1)
    velocity[missing[:, 1:] | missing[:, :-1]] = 0.0
    velocity -= velocity.mean(axis=1, keepdims=True)
    n = fft.next_fast_len(_PADDING * velocity.shape[1], real=True)
    freq = np.asarray(fft.rfftfreq(n, 1 / fs_hz))
    band = (freq >= BREATHING_HZ[0]) & (freq <= HEART_HZ[1])
    pooled = np.zeros(len(freq))
    for row in velocity:
        power = np.abs(np.asarray(fft.rfft(row * np.hanning(len(row)), n))) ** 2
        total = float(power[band].sum())
        if total > 0:
            pooled += power / total
    return freq, pooled


def _peak(freq: FloatArray, power: FloatArray, band_hz: tuple[float, float], cell_hz: float) -> tuple[float, float]:
    """Return the frequency of the highest maximum in a band, and how much of the band's power it explains."""
    inside = np.flatnonzero((freq >= band_hz[0]) & (freq <= band_hz[1]))
    rising = power[inside] >= np.maximum(power[inside - 1], power[inside + 1])
    maxima = inside[rising] if rising.any() else inside
    top = int(maxima[np.argmax(power[maxima])])
    place = top + float(parabola_offset(power[top - 1], power[top], power[top + 1]))
    total = float(power[inside].sum())
    near = inside[np.abs(freq[inside] - freq[top]) <= cell_hz]
    share = float(power[near].sum()) / total if total > 0 else 0.0
    chance = len(near) / len(inside)
    return place * float(freq[1]), float(np.clip((share - chance) / (1 - chance), 0.0, 1.0))


def _without_harmonics(freq: FloatArray, power: FloatArray, breathing_hz: float, cell_hz: float) -> FloatArray:
    """Subtract what harmonics of breathing would put into the heart's band.

    Harmonic k of a smooth breath is taken to have 1 / 16^(k - 1) of the breathing peak's power in velocity, so that a
    heart rate that happens to be a multiple of the breathing rate survives.
    """
    cleaned = power.copy()
    first = power[np.argmin(np.abs(freq - breathing_hz))]
    for k in range(2, 2 + _HARMONICS):
        near = np.abs(freq - k * breathing_hz) <= cell_hz / 2
        expected = first / 16.0 ** (k - 1)
        cleaned[near] = np.maximum(cleaned[near] - expected, 0.0)
    return cleaned

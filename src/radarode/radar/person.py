"""Find the person: where in range does something move as a breathing chest does?

Per range bin, the part of the slow-time signal that changes at 0.1 to 3 Hz is the energy of motion; how far it is
smooth from frame to frame (its coherence at one frame's lag) tells motion from noise, at any level of either.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft
from scipy.signal import find_peaks

from radarode.core.errors import InputError
from radarode.radar.phase import displacement_m

FloatArray = NDArray[np.float64]
ComplexArray = NDArray[np.complexfloating]

BAND_HZ = (0.1, 3.0)
SLOW_HZ = 20.0
"""Frames are averaged down to at least this rate before; a chest turns the phase by less than half a turn meanwhile."""

LEAST_COHERENCE = 0.3
"""A bin whose changes are less smooth than this holds noise."""

APART_M = 0.4
"""Two peaks at least so far apart may be two people; one person's chest and belly are nearer."""

SECOND_DB = 10.0
"""A second person's echo is at most so much weaker, after compensation of the distance (its square: the fourth
power, which free space has, would make people of the clutter behind a chest)."""

SAME_MOTION = 0.6
"""Peaks whose motion correlates more strongly are one person and an echo of them off a wall."""


@dataclass(frozen=True, slots=True, eq=False)
class RangeMap:
    """Hold what moves at which range.

    Attributes:
        range_m: (bin,).
        level: (bin,) mean amplitude, moving or not.
        energy: (bin,) mean square of what changes at 0.1 to 3 Hz, summed over channels.
        coherence: (bin,) in [-1, 1].
        slow: (frame, channel, bin) slow-time signals at `slow_hz`.
        slow_hz: their rate.
    """

    range_m: FloatArray
    level: FloatArray
    energy: FloatArray
    coherence: FloatArray
    slow: ComplexArray
    slow_hz: float


@dataclass(frozen=True, slots=True)
class Person:
    """Hold where the person is.

    Attributes:
        range_m: range of the strongest motion.
        warning: what to tell the user, or "".
    """

    range_m: float
    warning: str = ""


def map_range(slow: ComplexArray, slow_hz: float, range_m: FloatArray) -> RangeMap:
    """Measure motion per range bin.

    Args:
        slow: (frame, channel, bin), at least 4 s.
        slow_hz: frames per second.
        range_m: (bin,).
    """
    n = len(slow)
    if n < 4 * slow_hz:
        raise InputError(f"the capture lasts {n / slow_hz:.1f} s; at least 4 s are needed to find a person.")
    freq = np.abs(fft.fftfreq(n, 1 / slow_hz))
    taper = np.hanning(n)[:, None]
    energy, coherence, level = (np.zeros(slow.shape[2]) for _ in range(3))
    for at in range(slow.shape[2]):
        moving = (slow[:, :, at] - slow[:, :, at].mean(axis=0)) * taper
        power = (np.abs(np.asarray(fft.fft(moving, axis=0))) ** 2).sum(axis=1)
        power[freq < BAND_HZ[0]] = 0.0
        low = freq <= BAND_HZ[1]
        energy[at] = power[low].sum() / (n * (taper**2).sum())
        total = max(float(power.sum()), 1e-30)
        coherence[at] = float((power * np.cos(2 * np.pi * freq / slow_hz)).sum()) / total
        level[at] = np.abs(slow[:, :, at]).mean()
    return RangeMap(range_m, level, energy, coherence, slow, slow_hz)


def find_person(found: RangeMap, wavelength_m: float) -> Person:
    """Choose the person's range.

    With two people in view the nearer is chosen, with a warning: a radar at a bed or a desk is pointed at the nearer
    one. Two people at the same range, side by side, cannot be told apart here.

    Raises:
        InputError: nothing moves like a person.
    """
    alive = found.coherence >= LEAST_COHERENCE
    energy = np.where(alive, found.energy, 0.0)
    if not (energy > 0).any():
        raise InputError(
            f"nobody is in view: nothing moves smoothly at {BAND_HZ[0]:g} to {BAND_HZ[1]:g} Hz between "
            f"{found.range_m[0]:.2f} and {found.range_m[-1]:.2f} m. Check the aim of the radar, or its description."
        )
    best = int(np.argmax(energy))
    others = _other_people(found, energy, best, wavelength_m)
    if not others:
        return Person(float(found.range_m[best]))
    nearest = min([best, *others], key=lambda at: found.range_m[at])
    places = ", ".join(f"{found.range_m[at]:.2f} m" for at in sorted([best, *others]))
    chosen = float(found.range_m[nearest])
    return Person(chosen, f"more than one person moves in view ({places}); the nearest, at {chosen:.2f} m, is taken")


def _other_people(found: RangeMap, energy: FloatArray, best: int, wavelength_m: float) -> list[int]:
    """Return bins of further people: strong for their distance, far enough away, and moving otherwise."""
    compensated = energy * np.maximum(found.range_m, 0.1) ** 2
    height = compensated[best] * 10 ** (-SECOND_DB / 10)
    step = float(np.median(np.diff(found.range_m))) if len(found.range_m) > 1 else 1.0
    peaks, _ = find_peaks(
        np.concatenate([[0.0], compensated, [0.0]]), height=height, distance=max(1, round(APART_M / step))
    )
    taken = [best]
    for at in sorted(peaks - 1, key=lambda at: -compensated[at]):
        apart = all(abs(found.range_m[at] - found.range_m[other]) >= APART_M for other in taken)
        if apart and all(_correlation(found, at, other, wavelength_m) < SAME_MOTION for other in taken):
            taken.append(int(at))
    return taken[1:]


def _correlation(found: RangeMap, one: int, other: int, wavelength_m: float) -> float:
    """Return the size of the correlation of two bins' velocity, the strongest channel of each."""
    speeds = []
    for at in (one, other):
        channel = int(np.argmax(np.abs(found.slow[:, :, at] - found.slow[:, :, at].mean(axis=0)).sum(axis=0)))
        x = displacement_m(found.slow[:, channel, at], wavelength_m)
        spectrum = np.asarray(fft.rfft(np.diff(x)))
        freq = fft.rfftfreq(len(x) - 1, 1 / found.slow_hz)
        spectrum[(freq < BAND_HZ[0]) | (freq > 1.0)] = 0.0
        speeds.append(np.asarray(fft.irfft(spectrum, len(x) - 1)))
    a, b = speeds
    return float(abs(a @ b) / max(np.linalg.norm(a) * np.linalg.norm(b), 1e-30))

"""Where heartbeats are, by the spectrogram's energy alone: candidates that look like one, spaced by the local PPI.

The energies of all channels, each against its own level, are averaged. How alike the average around a moment is to the
energy around an R peak (the pulse, measured on training recordings) says how well an R peak would stand there: so the
motion of ejection and that of valve closure, which come in turn, are told apart by what surrounds them, and their delay
behind the R peak is taken into account. The most plausible train of such moments is chosen, and where it misses
beats, they are set in between, evenly.

The published evaluation takes the reference's R peaks instead; nothing here looks at a reference.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d
from scipy.signal import find_peaks

from radarode.core.constants import FRAME_RATE_HZ
from radarode.core.vertex import parabola_offset
from radarode.reconstruction.rhythm import choose_beats
from radarode.reconstruction.settings import ReconstructSettings
from radarode.signal.ppi import ppi_along

FloatArray = NDArray[np.floating]

LEVEL_S = 4.0
"""A channel's energy counts against its mean over so long."""

PPI_WINDOW_S = 4.0
PPI_STEP_S = 1.0
NEARBY_S = 4.0
MOST_INSERTED = 3
"""At most so many beats in a row are set where the energy shows none."""

ALIKE = ReconstructSettings(threshold=0.1, rhythm_weight=0.2, rhythm_tolerance=0.3)
"""How candidates are chosen: their height is a correlation."""


@dataclass(frozen=True, slots=True, eq=False)
class EnergyBeats:
    """Hold the beats that the energy shows.

    Attributes:
        r_s: (beat,) where R peaks should be, in seconds.
        length_s: (beat,) PPI there.
        clarity: (beat,) how clear the beats within 4 s are, in [0, 1]: likeness to a pulse times agreement of the
            intervals with the PPI. Simulated recordings of 50 channels from -2 dB on lie above 0.4,
            those without a heart below 0.3; with one channel the two overlap.
        ppi_s: (frame,) PPI along the recording; NaN if there is none.
    """

    r_s: NDArray[np.float64]
    length_s: NDArray[np.float64]
    clarity: NDArray[np.float64]
    ppi_s: NDArray[np.float64]


def place_beats(energy: FloatArray, pulse: FloatArray, first_s: float) -> EnergyBeats:
    """Place the heartbeats of a recording.

    Args:
        energy: (channel, frame); NaN where a channel is not there.
        pulse: (frame,) the energy around an R peak, mean 0 and norm 1.
        first_s: where the pulse begins, from R (negative).
    """
    ppi_s = ppi_along(energy, step_s=PPI_STEP_S, window_s=PPI_WINDOW_S)
    evidence = pulse_likeness(pooled_energy(energy), pulse, first_s)
    if np.isnan(ppi_s).all() or len(evidence) < 3:
        return EnergyBeats(np.empty(0), np.empty(0), np.empty(0), ppi_s)
    distance = max(1, round(0.5 * ALIKE.min_distance_s * FRAME_RATE_HZ))
    peaks, _ = find_peaks(evidence, height=0.5 * ALIKE.threshold, distance=distance)
    times_s = (peaks + parabola_offset(evidence[peaks - 1], evidence[peaks], evidence[peaks + 1])) / FRAME_RATE_HZ
    chosen = choose_beats(times_s, evidence[peaks], _at(ppi_s, times_s), ALIKE)
    r_s = _fill(times_s[chosen], ppi_s)
    length_s = _at(ppi_s, r_s)
    return EnergyBeats(r_s, length_s, _clarity(r_s, length_s, np.clip(_at(evidence, r_s), 0.0, 1.0)), ppi_s)


def pooled_energy(energy: FloatArray) -> NDArray[np.float64]:
    """Average the channels' energies, each as the logarithm of 1 + its ratio to its own mean over `LEVEL_S`.

    Args:
        energy: (channel, frame); NaN where a channel is not there.

    Returns:
        (frame,); 0 where no channel is there.
    """
    known = np.isfinite(energy)
    filled = np.where(known, np.maximum(np.nan_to_num(energy), 0.0), 0.0).astype(np.float64)
    size = max(1, round(LEVEL_S * FRAME_RATE_HZ))
    there = uniform_filter1d(known.astype(np.float64), size, axis=1, mode="nearest")
    level = uniform_filter1d(filled, size, axis=1, mode="nearest") / np.maximum(there, 1e-6)
    ratio = np.log1p(np.divide(filled, level, out=np.zeros_like(filled), where=level > 1e-12))
    return ratio.sum(axis=0) / np.maximum(known.sum(axis=0), 1)


def pulse_likeness(pooled: FloatArray, pulse: FloatArray, first_s: float) -> NDArray[np.float64]:
    """Return how alike the energy around each frame is to that around an R peak, as a correlation.

    Args:
        pooled: (frame,) pooled energy.
        pulse: (frame,) mean 0 and norm 1.
        first_s: where the pulse begins, from R.

    Returns:
        (frame,) between -1 and 1; 0 where the energy does not change.
    """
    before = round(-first_s * FRAME_RATE_HZ)
    padded = np.pad(np.asarray(pooled, dtype=np.float64), (before, len(pulse) - 1 - before), mode="edge")
    around = np.lib.stride_tricks.sliding_window_view(padded, len(pulse))
    centred = around - around.mean(axis=1, keepdims=True)
    size = np.linalg.norm(centred, axis=1)
    return np.divide(centred @ pulse, size, out=np.zeros(len(pooled)), where=size > 1e-9)


def measure_pulse(
    pooled: Sequence[FloatArray], r_s: Sequence[FloatArray], size: int, first_s: float
) -> NDArray[np.float64] | None:
    """Average the pooled energy around the R peaks of training recordings.

    Args:
        pooled: for each recording the (frame,) pooled energy.
        r_s: for each recording the reference R peaks.
        size: frames of the pulse.
        first_s: where it begins, from R.

    Returns:
        (size,) mean 0 and norm 1; None where no R peak has all its surroundings, or the energy never changes.
    """
    offsets = first_s + np.arange(size) / FRAME_RATE_HZ
    parts: list[FloatArray] = [np.empty((0, size))]
    for energy, peaks in zip(pooled, r_s, strict=True):
        inside = peaks[(peaks + offsets[0] >= 0) & (peaks + offsets[-1] <= (len(energy) - 1) / FRAME_RATE_HZ)]
        at = (inside[:, None] + offsets) * FRAME_RATE_HZ
        parts.append(np.interp(at.ravel(), np.arange(len(energy)), energy).reshape(at.shape))
    around = np.concatenate(parts)
    if not len(around):
        return None
    mean = around.mean(axis=0)
    mean -= mean.mean()
    norm = float(np.linalg.norm(mean))
    return mean / norm if norm > 1e-9 else None


def _clarity(
    r_s: NDArray[np.float64], length_s: NDArray[np.float64], likeness: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the (beat,) mean over the beats within `NEARBY_S` of likeness times agreement of the interval before."""
    if len(r_s) < 2:
        return np.zeros(len(r_s))
    difference = np.diff(r_s, prepend=2 * r_s[0] - r_s[1]) / length_s - 1.0
    clear = np.concatenate([[0.0], np.cumsum(likeness * np.exp(-0.5 * (difference / 0.15) ** 2))])
    first, last = np.searchsorted(r_s, r_s - NEARBY_S), np.searchsorted(r_s, r_s + NEARBY_S, side="right")
    return (clear[last] - clear[first]) / (last - first)


def _fill(r_s: NDArray[np.float64], ppi_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Set beats into intervals of about two to four PPIs."""
    if len(r_s) < 2:
        return r_s
    intervals = np.diff(r_s)
    missing = np.rint(intervals / _at(ppi_s, 0.5 * (r_s[1:] + r_s[:-1]))).astype(np.int64) - 1
    parts = [
        start + np.arange(1, count + 1) * width / (count + 1)
        for start, width, count in zip(r_s[:-1], intervals, missing, strict=True)
        if 1 <= count <= MOST_INSERTED
    ]
    return np.sort(np.concatenate([r_s, *parts]))


def _at(values: NDArray[np.float64], times_s: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.interp(times_s * FRAME_RATE_HZ, np.arange(len(values)), values)

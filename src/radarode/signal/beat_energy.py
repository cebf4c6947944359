"""How strongly the chest vibrates: band energy per channel, brought to one scale and pooled over channels.

The two vibrations of a heartbeat (v1 at ejection, v2 at valve closure) have any waveform and any sign, and both
differ from point to point of the chest. Their energy does not: so each channel is band-passed, its envelope is
divided by its own local level, and the channels are averaged with weights that favour those whose energy is periodic at
cardiac rates. No gain and no sign of any channel matters.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from scipy import fft
from scipy import signal as scipy_signal
from scipy.ndimage import maximum_filter1d

from radarode.core.errors import InputError
from radarode.signal.gaps import fill_gaps, missing_samples
from radarode.signal.parallel import map_side_by_side

FloatArray = NDArray[np.floating]

ENERGY_HZ = 50.0
"""Rate of every energy curve; frame k stands at k / 50 s."""

LEVEL_S = 3.0
"""The local level of a channel is taken within so long a stretch."""

LARGEST = 3.0
"""Energy approaches so many levels above the level and never exceeds them, so that a jerk does not outweigh the heart;
it still rises with the vibration everywhere, so that a peak keeps its place."""

SPOILT_S = 0.15
"""Energy so near to a missing sample is not used."""


def band_pass(rcg: FloatArray, fs_hz: float, band_hz: tuple[float, float]) -> tuple[NDArray[np.float32], NDArray]:
    """Keep the band of the heart's vibrations, without moving them in time (zero phase).

    Args:
        rcg: (channel, time) motion; NaN marks gaps.
        fs_hz: its sampling rate.
        band_hz: lowest and highest frequency.

    Returns:
        (channel, time) float32, zero where motion is missing, and the (channel, time) mask of where that is.

    Raises:
        InputError: the band does not fit the sampling rate.
    """
    low, high = band_hz
    if not 0.0 < low < high < 0.5 * fs_hz:
        raise InputError.of("band_hz", f"two increasing frequencies between 0 and {0.5 * fs_hz:g} Hz", band_hz)
    sos = scipy_signal.butter(3, (low, high), "bandpass", fs=fs_hz, output="sos")
    missing = missing_samples(rcg, fs_hz)
    filtered = np.zeros(rcg.shape, dtype=np.float32)

    def keep(channel: int) -> None:
        filled, _ = fill_gaps(np.where(missing[channel], np.nan, rcg[channel]).astype(np.float64))
        pad = min(round(2 * fs_hz), len(filled) - 1)
        filtered[channel] = scipy_signal.sosfiltfilt(sos, filled - filled.mean(), padlen=pad)

    with map_side_by_side() as map_parts:
        map_parts(keep, np.flatnonzero(~missing.all(axis=1)))
    filtered[missing] = 0.0
    return filtered, missing


def channel_energy(
    filtered: FloatArray, missing: NDArray[np.bool_], fs_hz: float, smooth_s: float
) -> NDArray[np.float32]:
    """Return how far the envelope of each channel stands above its own local level.

    Args:
        filtered: (channel, time) result of `band_pass`.
        missing: (channel, time) where motion is missing.
        fs_hz: sampling rate, a multiple of `ENERGY_HZ`.
        smooth_s: standard deviation of the smoothing of the squared signal.

    Returns:
        (channel, frame) at `ENERGY_HZ`: 0 at the local mean, in units of the local median, compressed towards
        `LARGEST`; 0 where motion is missing.
    """
    every = round(fs_hz / ENERGY_HZ)
    if abs(every * ENERGY_HZ - fs_hz) > 1e-6:
        raise InputError.of("fs_hz", f"a multiple of {ENERGY_HZ:g} Hz", fs_hz)
    reach = round(4 * smooth_s * fs_hz)
    bell = np.exp(-0.5 * (np.arange(-reach, reach + 1) / (smooth_s * fs_hz)) ** 2)
    spoilt = 2 * round(SPOILT_S * fs_hz) + 1
    energy = np.zeros((len(filtered), len(range(0, filtered.shape[1], every))), dtype=np.float32)

    def rise(channel: int) -> None:
        known = np.asarray(maximum_filter1d(missing[channel], spoilt))[::every] == 0
        if not known.any() or not filtered[channel].any():
            return
        squared = filtered[channel].astype(np.float64) ** 2
        envelope = np.sqrt(np.maximum(scipy_signal.oaconvolve(squared, bell / bell.sum(), mode="same"), 0.0))[::every]
        energy[channel] = _above_level(envelope, known)

    with map_side_by_side() as map_parts:
        map_parts(rise, range(len(filtered)))
    return energy


def _above_level(envelope: FloatArray, known: NDArray[np.bool_]) -> FloatArray:
    """Return (frame,) `envelope / local median`, compressed, minus its local mean; 0 where it is not known."""
    half, n = round(0.5 * LEVEL_S * ENERGY_HZ), len(envelope)
    centres = np.arange(0, n, round(ENERGY_HZ / 2))
    first, last = np.maximum(centres - half, 0), np.minimum(centres + half + 1, n)
    count = np.concatenate([[0], np.cumsum(known)])
    usable = count[last] - count[first] >= half // 2
    if not usable.any():
        centres, first, last, usable = centres[:1], np.zeros(1, dtype=int), np.array([n]), np.ones(1, dtype=bool)
    spans = np.stack([first, last], axis=1)[usable]
    level = _by_span(envelope, known, spans, np.median)
    level = np.maximum(np.interp(np.arange(n), centres[usable], level), 1e-12)
    ratio = envelope / level
    scaled = (1.0 + LARGEST) * ratio / (ratio + LARGEST)
    mean = _by_span(scaled, known, spans, np.mean)
    return np.where(known, scaled - np.interp(np.arange(n), centres[usable], mean), 0.0)


def _by_span(
    values: FloatArray, known: NDArray[np.bool_], spans: NDArray[np.integer], statistic: Callable[..., Any]
) -> FloatArray:
    """Return (span,) a statistic of what is known in each (first, behind the last) of `spans`.

    Those of the largest length without gaps, nearly all, are done in one call.
    """
    found, length = np.empty(len(spans)), spans[:, 1] - spans[:, 0]
    count = np.concatenate([[0], np.cumsum(known)])
    whole = (length == length.max()) & (count[spans[:, 1]] - count[spans[:, 0]] == length)
    if whole.any():
        found[whole] = statistic(sliding_window_view(values, length.max())[spans[whole, 0]], axis=1)
    for number in np.flatnonzero(~whole).tolist():
        span = slice(*spans[number])
        found[number] = statistic(values[span][known[span]])
    return found


def lagged_products(energy: FloatArray, window: int, hop: int, longest: int) -> NDArray[np.float64]:
    """Return the autocorrelation of each channel in windows.

    Args:
        energy: (channel, frame) of mean about 0.
        window: frames of a window; the last one reaches beyond the end, where energy is 0.
        hop: frames between windows; the first is centred on frame 0.
        longest: largest lag in frames.

    Returns:
        (channel, window, lag + 1), each lag divided by the share of the window that it overlaps.
    """
    n = energy.shape[1]
    padded = np.pad(energy, ((0, 0), (window // 2, window)))
    taper = np.hanning(window + 2)[1:-1]
    overlap = np.correlate(taper, taper, "full")[window - 1 :][: longest + 1]
    starts = range(0, n, hop)
    size = fft.next_fast_len(2 * window, real=True)
    found = np.empty((len(energy), len(starts), longest + 1))

    def correlate(channel: int) -> None:
        parts = sliding_window_view(padded[channel], window)[starts.start : starts.stop : starts.step] * taper
        power = np.abs(np.asarray(fft.rfft(parts, size))) ** 2
        found[channel] = np.asarray(fft.irfft(power, size))[:, : longest + 1] / (overlap / overlap[0])

    with map_side_by_side() as map_parts:
        map_parts(correlate, range(len(energy)))
    return found


def channel_weights(products: NDArray[np.float64], shortest: int) -> NDArray[np.float64]:
    """Weigh channels by how periodic their energy is: the square of the mean clarity above the median channel's noise.

    Args:
        products: (channel, window, lag) result of `lagged_products`.
        shortest: lag of the fastest heart.

    Returns:
        (channel,) sum 1; all 0 where no channel moves.
    """
    power = products[:, :, 0]
    best = products[:, :, shortest:].max(axis=2)
    clarity = np.divide(best, power, out=np.zeros_like(best), where=power > 1e-9)
    alive = power > 1e-9
    mean = clarity.sum(axis=1) / np.maximum(alive.sum(axis=1), 1)
    weights = np.clip(mean, 0.02, 1.0) ** 2 * alive.any(axis=1)
    return weights / weights.sum() if weights.sum() > 0 else weights


def pool(energy: FloatArray, weights: FloatArray) -> NDArray[np.float64]:
    """Return the (frame,) weighted mean of the channels' energies.

    Args:
        energy: (channel, frame).
        weights: (channel,) sum 1.
    """
    return np.asarray(weights @ energy.astype(np.float64))

"""Draw random signals of a wanted spectrum, for slow drifts and for sensor noise."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import fft

FloatArray = NDArray[np.floating]


def coloured_noise(
    rng: np.random.Generator, shape: tuple[int, int], fs_hz: float, slope: float, band_hz: tuple[float, float]
) -> FloatArray:
    """Draw Gaussian noise whose power density goes as f**slope inside a band and is zero outside it.

    Args:
        rng: source of randomness.
        shape: (signal, time).
        fs_hz: sampling rate.
        slope: exponent of the power density; 0 is white, -1 is 1/f, 4 is white displacement seen in RCG.
        band_hz: lowest and highest frequency.

    Returns:
        (signal, time) float32, unit variance in expectation; all zero where the band holds no frequency.

    Example:
        >>> x = coloured_noise(np.random.default_rng(0), (2, 4000), 200.0, 0.0, (1.0, 25.0))
        >>> x.shape, bool(abs(x.std() - 1) < 0.1)
        ((2, 4000), True)
    """
    n_signals, n = shape
    length = fft.next_fast_len(n + round(fs_hz), True) or n
    freqs_hz = np.fft.rfftfreq(length, 1 / fs_hz)
    inside = (freqs_hz >= max(band_hz[0], 0.5 * fs_hz / length)) & (freqs_hz <= band_hz[1])
    gain = np.zeros(len(freqs_hz))
    gain[inside] = freqs_hz[inside] ** (slope / 2)
    power = float(np.sum(gain**2))
    if power == 0:
        return np.zeros(shape, np.float32)
    gain *= length / (2 * np.sqrt(power))
    parts = rng.standard_normal((n_signals, len(freqs_hz), 2), dtype=np.float32)
    spectrum = parts.view(np.complex64)[..., 0] * gain.astype(np.float32)
    return np.asarray(fft.irfft(spectrum, length, axis=-1))[:, :n]


def smooth_noise(rng: np.random.Generator, n: int, fs_hz: float, band_hz: tuple[float, float]) -> FloatArray:
    """Draw one 1/f signal (time,) of unit variance inside `band_hz`."""
    return coloured_noise(rng, (1, n), fs_hz, -1.0, band_hz)[0].astype(np.float64)


def band_power(x: FloatArray, fs_hz: float, band_hz: tuple[float, float]) -> FloatArray:
    """Return the mean square of each signal inside a band, by Parseval.

    Args:
        x: (signal, time).
        fs_hz: sampling rate.
        band_hz: lowest and highest frequency, both included.

    Returns:
        (signal,) in the squared unit of `x`.

    Example:
        >>> t = np.arange(2000) / 200
        >>> np.round(band_power(np.sin(2 * np.pi * 5 * t)[None], 200.0, (1.0, 25.0)), 3)
        array([0.5])
    """
    n = x.shape[-1]
    freqs_hz = np.fft.rfftfreq(n, 1 / fs_hz)
    inside = (freqs_hz >= band_hz[0]) & (freqs_hz <= band_hz[1])
    spectrum = np.asarray(fft.rfft(x, axis=-1))[..., inside]
    return 2 * np.sum(np.abs(spectrum) ** 2, axis=-1, dtype=np.float64) / n**2


def clipped_normal(rng: np.random.Generator, mean: float, sd: float, low: float, high: float) -> float:
    """Draw a normal number and clip it to [low, high]."""
    return float(np.clip(rng.normal(mean, sd), low, high))

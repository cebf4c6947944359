"""Range: the beat frequency of a chirp tells how far away a reflection is."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from radarode.core.errors import InputError
from radarode.radar.description import SPEED_OF_LIGHT_M_S, FmcwRadar

Window = Literal["hann", "rectangular"]


def range_window(samples: int, window: Window = "hann") -> NDArray[np.float64]:
    """Return the (sample,) taper of a chirp, of mean 1.

    "hann" keeps the leakage from transmitter to receiver, which is far stronger than a chest, out of the bins of the
    chest (side lobes fall by 18 dB per octave) and doubles the width of a bin; "rectangular" is the published chain's.

    Raises:
        InputError: the window is not known.
    """
    if window == "rectangular":
        return np.ones(samples)
    if window != "hann":
        raise InputError.of("window", "hann or rectangular", window)
    taper = np.sin(np.pi * (np.arange(samples) + 0.5) / samples) ** 2
    return taper / taper.mean()


def range_axis_m(radar: FmcwRadar, bins: int) -> NDArray[np.float64]:
    """Return (bin,) ranges of a range FFT of `bins` points over the whole sampling rate, half the round trip.

    For real samples the upper half holds the mirror image and is left out.
    """
    used = bins if radar.iq else bins // 2
    return np.arange(used) * radar.adc_rate_hz / bins * SPEED_OF_LIGHT_M_S / (2 * radar.slope_hz_per_s)


def range_fft(
    samples: NDArray[np.complexfloating], radar: FmcwRadar, window: Window = "hann", oversample: int = 1
) -> tuple[NDArray[np.complexfloating], NDArray[np.float64]]:
    """Resolve chirps in range.

    Args:
        samples: (..., sample) beat signals.
        radar: the radar.
        window: taper.
        oversample: zero-padding; the bins come so much closer, the resolution stays.

    Returns:
        (..., bin) divided by the number of samples, so that a reflection of amplitude 1 has a peak of 1, and the (bin,)
        range of each bin in metres.

    Raises:
        InputError: the last axis has not as many samples as a chirp.

    Example:
        >>> from radarode.radar.presets import PRESETS
        >>> radar = PRESETS["awr1843"]
        >>> beat_hz = 2 * 0.45 / SPEED_OF_LIGHT_M_S * radar.slope_hz_per_s
        >>> tone = np.exp(2j * np.pi * beat_hz * np.arange(256) / radar.adc_rate_hz)
        >>> bins, range_m = range_fft(tone, radar, oversample=8)
        >>> round(float(range_m[np.abs(bins).argmax()]), 2)
        0.45
    """
    if samples.shape[-1] != radar.samples:
        raise InputError.of("samples", f"chirps of {radar.samples} samples", f"shape {samples.shape}")
    bins = radar.samples * oversample
    taper = range_window(radar.samples, window).astype(samples.real.dtype) / radar.samples
    found = np.asarray(fft.fft(samples * taper, bins, axis=-1, workers=2))
    axis = range_axis_m(radar, bins)
    return found[..., : len(axis)], axis

"""Smooth low-noise differentiators: they follow slow motion and fall to zero at the Nyquist frequency."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from radarode.core.errors import InputError

_FIRST = np.array([-1, -4, -5, 0, 5, 4, 1]) / 32
_SECOND = np.array([1, 2, -1, -4, -1, 2, 1]) / 16
_HALF = 3


def second_derivative(x: ArrayLike, fs_hz: float) -> NDArray[np.floating]:
    """Differentiate twice: displacement to RCG.

    s″₀ = [(s₋₃+s₃) + 2(s₋₂+s₂) − (s₋₁+s₁) − 4 s₀] / (16 h²); exact for cubics inside, for parabolas at the ends.

    Args:
        x: (..., time) signal, at least 7 samples; a NaN makes its neighbours up to 3 samples away NaN.
        fs_hz: sampling rate, h = 1 / fs_hz.

    Returns:
        (..., time) second derivative, in units of `x` per s².

    Raises:
        InputError: fewer than 7 samples, or a rate that is not positive.

    Example:
        >>> t = np.arange(20) / 200
        >>> bool(np.allclose(second_derivative(3 * t**2, 200), 6))
        True

    Reference: Holoborodko, "Noise robust second derivative", 2012. Its ends are not defined there:
    here the signal is continued by the parabola that fits its last 7 samples best.
    """
    return _correlate(x, _SECOND * _rate(fs_hz) ** 2)


def first_derivative(x: ArrayLike, fs_hz: float) -> NDArray[np.floating]:
    """Differentiate once: velocity to RCG.

    s′₀ = [5(s₁−s₋₁) + 4(s₂−s₋₂) + (s₃−s₋₃)] / (32 h); exact for parabolas.

    Args:
        x: (..., time) signal, at least 7 samples; a NaN makes its neighbours up to 3 samples away NaN.
        fs_hz: sampling rate, h = 1 / fs_hz.

    Returns:
        (..., time) derivative, in units of `x` per s.

    Raises:
        InputError: fewer than 7 samples, or a rate that is not positive.

    Reference: Holoborodko, "Smooth noise-robust differentiators", 2008, N = 7, n = 2; ends as in
    `second_derivative`.
    """
    return _correlate(x, _FIRST * _rate(fs_hz))


def _rate(fs_hz: float) -> float:
    if not fs_hz > 0 or not np.isfinite(fs_hz):
        raise InputError.of("fs_hz", "positive", fs_hz, "Give the sampling rate in Hz")
    return float(fs_hz)


def _correlate(x: ArrayLike, taps: NDArray[np.float64]) -> NDArray[np.floating]:
    array = np.asarray(x)
    dtype = array.dtype if np.issubdtype(array.dtype, np.floating) else np.dtype(np.float64)
    if array.ndim == 0 or array.shape[-1] < len(taps):
        raise InputError.of("x", f"at least {len(taps)} samples long", f"shape {array.shape}")
    values = array.astype(np.float64)
    start = values[..., : len(taps)] @ _extension().T
    end = values[..., : -len(taps) - 1 : -1] @ _extension().T
    extended = np.concatenate([start[..., ::-1], values, end], axis=-1)
    length = array.shape[-1]
    out = np.zeros_like(values)
    for shift, tap in enumerate(taps):
        if tap:
            out += tap * extended[..., shift : shift + length]
    return out.astype(dtype)


def _extension() -> NDArray[np.float64]:
    """Return (3, 7): from the 7 end samples, nearest first, to the next 3 outside, by a fitted parabola."""
    inside = np.vander(np.arange(7), 3)
    outside = np.vander(-np.arange(1, _HALF + 1), 3)
    return outside @ np.linalg.pinv(inside)

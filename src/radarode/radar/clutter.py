"""Static clutter: what does not move between frames."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d

from radarode.core.errors import InputError


def remove_static(
    frames: NDArray[np.complexfloating], axis: int = 0, period: int | None = None
) -> NDArray[np.complexfloating]:
    """Subtract the mean over time.

    This is right for finding what moves. It is wrong before taking a phase: a chest that moves by less than a quarter
    of a wavelength draws an arc, and the mean lies on that arc, not at the circle's centre; see `iq.fit_circle`.

    Args:
        frames: any shape.
        axis: the time axis.
        period: frames of a sliding mean (static things may be moved meanwhile); None takes the mean of all.

    Returns:
        The same shape.

    Raises:
        InputError: the period is shorter than 2 frames.
    """
    if period is None:
        return frames - frames.mean(axis=axis, keepdims=True)
    if period < 2:
        raise InputError.of("period", "at least 2 frames", period)
    size = min(period, frames.shape[axis])
    mean = uniform_filter1d(frames.real, size, axis=axis) + 1j * uniform_filter1d(frames.imag, size, axis=axis)
    return (frames - mean).astype(frames.dtype)

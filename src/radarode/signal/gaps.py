"""Find stretches of missing samples, and bridge them so that a filter can run across."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from radarode.core.constants import FRAME_RATE_HZ, FS_HZ
from radarode.core.errors import InputError

FLAT_S = 0.25
"""A channel that holds one value for longer has dropped out."""


def find_gaps(missing: ArrayLike) -> NDArray[np.int64]:
    """Return the runs of True in a mask as sample ranges.

    Args:
        missing: (time,) True where a sample is missing.

    Returns:
        (gap, 2) first sample of each run and the sample after its last.

    Example:
        >>> find_gaps([False, True, True, False, True]).tolist()
        [[1, 3], [4, 5]]
    """
    mask = np.asarray(missing, dtype=bool)
    if mask.ndim != 1:
        raise InputError.of("missing", "one-dimensional", f"shape {mask.shape}")
    edges = np.diff(np.concatenate([[0], mask.astype(np.int8), [0]]))
    return np.column_stack([np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)]).astype(np.int64)


def fill_gaps(x: ArrayLike) -> tuple[NDArray[np.floating], NDArray[np.bool_]]:
    """Replace NaN by a straight line between its neighbours, and tell where that was done.

    Leading and trailing gaps repeat the nearest known sample; a row without any known sample becomes 0.

    Args:
        x: (..., time) signal; NaN marks missing samples.

    Returns:
        The finite signal in `x`'s floating type, and the (..., time) mask of what was missing.

    Raises:
        InputError: infinite values, or no time axis.

    Example:
        >>> filled, missing = fill_gaps([0.0, float("nan"), 2.0])
        >>> filled.tolist(), missing.tolist()
        ([0.0, 1.0, 2.0], [False, True, False])
    """
    array = np.asarray(x)
    array = array if np.issubdtype(array.dtype, np.floating) else array.astype(np.float64)
    if array.ndim == 0:
        raise InputError.of("x", "an array with a time axis", "a single number")
    if np.isinf(array).any():
        raise InputError.of("x", "finite, or NaN where samples are missing", "infinite values")
    missing = np.isnan(array)
    filled = array.copy()
    if array.size == 0:
        return filled, missing
    time = np.arange(array.shape[-1])
    rows, masks = filled.reshape(-1, array.shape[-1]), missing.reshape(-1, array.shape[-1])
    for row, mask in zip(rows, masks, strict=True):
        if mask.all():
            row[:] = 0
        elif mask.any():
            row[mask] = np.interp(time[mask], time[~mask], row[~mask])
    return filled, missing


def missing_samples(rcg: NDArray[np.floating], fs_hz: float) -> NDArray[np.bool_]:
    """Mark samples that carry no motion: NaN, or one value held for longer than `FLAT_S`.

    Args:
        rcg: (channel, time).
        fs_hz: sampling rate.

    Returns:
        (channel, time).
    """
    missing = np.isnan(rcg)
    shortest = max(2, round(FLAT_S * fs_hz))
    for channel, values in enumerate(rcg):
        flat = np.concatenate([[False], values[1:] == values[:-1]])
        for begin, end in find_gaps(flat):
            if end - begin + 1 >= shortest:
                missing[channel, begin - 1 : end] = True
    return missing


def frame_gaps(missing: NDArray[np.bool_], n_frames: int) -> NDArray[np.bool_]:
    """Tell which frames stand on missing samples.

    Args:
        missing: (time,) at 200 Hz.
        n_frames: number of frames of the spectrogram.

    Returns:
        (frame,) true where a sample within half a frame period is missing.
    """
    counts = np.concatenate([[0], np.cumsum(missing)])
    centres = np.arange(n_frames) * FS_HZ / FRAME_RATE_HZ
    half = 0.5 * FS_HZ / FRAME_RATE_HZ
    begin = np.clip(np.floor(centres - half).astype(np.int64), 0, len(missing))
    end = np.clip(np.ceil(centres + half).astype(np.int64) + 1, 0, len(missing))
    return counts[end] > counts[begin]

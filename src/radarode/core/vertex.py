"""Place a peak between samples."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def parabola_offset(left: ArrayLike, centre: ArrayLike, right: ArrayLike) -> NDArray[np.float64]:
    """Return where the parabola through three equally spaced samples has its maximum.

    offset = (left - right) / (2 (left - 2 centre + right)), limited to half a sample either way; 0 where the
    samples do not bend downwards.

    Args:
        left: (peak,) or a number, the sample before each peak.
        centre: the same shape, the peak's sample.
        right: the same shape, the sample after it.

    Returns:
        The same shape, in samples from the centre.

    Example:
        >>> parabola_offset([0.0, 1.0], [1.0, 1.0], [0.5, 1.0]).round(3).tolist()
        [0.167, 0.0]
    """
    before, middle, after = (np.asarray(values, dtype=np.float64) for values in (left, centre, right))
    bend = before - 2.0 * middle + after
    downwards = bend < 0
    offset = 0.5 * (before - after) / np.where(downwards, bend, -1.0)
    return np.where(downwards, np.clip(offset, -0.5, 0.5), 0.0)

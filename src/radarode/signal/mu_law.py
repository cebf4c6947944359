"""Mu-law companding: an amplitude in [-1, 1] as one of 256 classes, fine around 0 and coarse at the ends."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from radarode.core.errors import InputError

MU = 255
"""Published companding constant; there are `MU + 1` classes."""


def mu_law_encode(x: ArrayLike, mu: int = MU) -> NDArray[np.int64]:
    """Return the class of each amplitude.

        y = sign(x) ln(1 + mu |x|) / ln(1 + mu),   class = round((y + 1) mu / 2)

    Args:
        x: (...) amplitudes; what lies beyond [-1, 1] is clipped.
        mu: companding constant.

    Returns:
        (...) classes from 0 to `mu`.

    Raises:
        InputError: NaN among the amplitudes, or `mu` below 1.

    Example:
        >>> mu_law_encode([-1.0, 0.1, 1.0]).tolist()
        [0, 203, 255]

    Reference: ITU-T G.711; van den Oord et al., WaveNet, arXiv 1609.03499, section 2.2.
    """
    _check(mu)
    amplitude = np.clip(np.asarray(x, dtype=np.float64), -1.0, 1.0)
    if np.isnan(amplitude).any():
        raise InputError.of("x", "known everywhere", "NaN")
    companded = np.sign(amplitude) * np.log1p(mu * np.abs(amplitude)) / math.log1p(mu)
    return np.rint((companded + 1.0) * (mu / 2.0)).astype(np.int64)


def mu_law_decode(classes: ArrayLike, mu: int = MU) -> NDArray[np.float32]:
    """Return the amplitude that each class stands for; `mu_law_encode` takes it back to the class.

    Args:
        classes: (...) from 0 to `mu`.
        mu: companding constant.

    Raises:
        InputError: a class out of range, or `mu` below 1.

    Example:
        >>> [round(float(x), 2) for x in mu_law_decode([0, 203, 255])]
        [-1.0, 0.1, 1.0]
    """
    _check(mu)
    index = np.asarray(classes)
    if index.size and not (index.min() >= 0 and index.max() <= mu):
        raise InputError.of("classes", f"between 0 and {mu}", f"{index.min()} to {index.max()}")
    companded = 2.0 * index.astype(np.float64) / mu - 1.0
    amplitude = np.sign(companded) * np.expm1(np.abs(companded) * math.log1p(mu)) / mu
    return amplitude.astype(np.float32)


def mu_law_values(mu: int = MU) -> NDArray[np.float32]:
    """Return the (mu + 1,) amplitudes of all classes, increasing."""
    return mu_law_decode(np.arange(mu + 1), mu)


def _check(mu: int) -> None:
    if mu < 1:
        raise InputError.of("mu", "at least 1", mu)

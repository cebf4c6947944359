"""Task 2, cycle length: a class of 5 ms out of 260."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from radarode.tasks.settings import LENGTH_CLASSES, LENGTH_STEP_S, TaskSettings

READOUT_CLASSES = 8
"""Classes on each side of the best one that the sub-class readout averages over (40 ms)."""


def length_axis_s(settings: TaskSettings) -> NDArray[np.float64]:
    """Return the (260,) cycle length in seconds that each class stands for."""
    return settings.length_first_s + LENGTH_STEP_S * np.arange(LENGTH_CLASSES, dtype=np.float64)


def encode_length(length_s: NDArray[np.floating], settings: TaskSettings) -> NDArray[np.float32]:
    """Turn cycle lengths into class probabilities: one-hot, or a Gaussian around the true class.

    Args:
        length_s: (window,) seconds; lengths beyond the axis go to its ends, NaN gives a row of zeros, which the loss
            does not count.
        settings: where the axis starts and how wide the Gaussian is.

    Returns:
        (window, 260) float32, rows summing to 1.
    """
    lengths = np.asarray(length_s, dtype=np.float64)
    axis = length_axis_s(settings)
    known = np.isfinite(lengths)
    clipped = np.clip(np.where(known, lengths, axis[0]), axis[0], axis[-1])
    if settings.length_sigma_s == 0.0:
        probabilities = np.zeros((len(lengths), LENGTH_CLASSES))
        nearest = np.rint((clipped - axis[0]) / LENGTH_STEP_S).astype(np.int64)
        probabilities[np.arange(len(lengths)), nearest] = 1.0
    else:
        distance = (axis[None, :] - clipped[:, None]) / settings.length_sigma_s
        probabilities = np.exp(-0.5 * distance**2)
        probabilities /= probabilities.sum(axis=1, keepdims=True)
    return (probabilities * known[:, None]).astype(np.float32)


def decode_length(logits: NDArray[np.floating], settings: TaskSettings) -> NDArray[np.float64]:
    """Read the cycle length off the logits: the mean of the axis around the best class.

    Args:
        logits: (window, 260).
        settings: where the axis starts.

    Returns:
        (window,) seconds. Averaging over `READOUT_CLASSES` on each side resolves fractions of a class; the
        published readout is the bare class.
    """
    shifted = logits - logits.max(axis=1, keepdims=True)
    probabilities = np.exp(shifted)
    best = probabilities.argmax(axis=1)
    near = np.abs(np.arange(LENGTH_CLASSES)[None, :] - best[:, None]) <= READOUT_CLASSES
    weights = probabilities * near
    return (weights * length_axis_s(settings)).sum(axis=1) / weights.sum(axis=1)


def length_loss(logits: Tensor, target: Tensor) -> Tensor:
    """Return the cross-entropy between class logits and class probabilities (published loss of task 2).

    Args:
        logits: (window, 260).
        target: (window, 260) probabilities; rows of zeros do not count.
    """
    known = (target.sum(dim=1) > 0).sum().clamp(min=1)
    return -(target * torch.log_softmax(logits, dim=1)).sum() / known

"""What the shared trunk hands to the task heads."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

N_LENGTH_CLASSES = 260
"""Classes of the cycle length, 5 ms each."""


class Features(NamedTuple):
    """Hold the shared features of a batch of windows.

    Attributes:
        sequence: (window, channel, step) deep features.
        fine: (window, channel, frame) shallow features at the full frame rate, or None without a stem.
    """

    sequence: Tensor
    fine: Tensor | None


class FeatureSizes(NamedTuple):
    """Hold the sizes of `Features`: channels and steps of the sequence, channels of the fine map (0: none)."""

    channels: int
    frames: int
    fine_channels: int

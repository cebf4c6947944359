"""What goes into the shared trunk, and what it hands to the task heads."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

from radarode.core.errors import InputError

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


def check_windows(x: Tensor, channels: int | None, rows: int, frames: int) -> None:
    """Refuse inputs that are not (window, channel, row, frame) of these sizes; `channels` None is any number.

    Raises:
        InputError: they are not.
    """
    fits = x.ndim == 4 and tuple(x.shape[2:]) == (rows, frames) and x.shape[1] > 0
    if not fits or (channels is not None and x.shape[1] != channels):
        shape = f"(window, {channels or 'channel'}, {rows}, {frames})"
        raise InputError.of("x", f"of shape {shape}", tuple(x.shape), "Use a network made for this input")

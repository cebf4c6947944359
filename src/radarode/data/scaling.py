"""Bring the magnitudes of a window to the range that a network expects, per window and channel.

The published whole-record min-max cannot be computed while streaming. A statistic of the window alone is the
same for a stream and for a file, and does not care what gain or unit a sensor has.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from radarode.core.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor

SCALINGS = ("log_mean", "minmax")

NO_SCALING = "none"
"""For a network that takes magnitudes and scales them itself, as an exported one may."""


def scale_windows(values: Tensor, scaling: str = "log_mean") -> Tensor:
    """Scale each channel of each window by its own statistic.

    - `log_mean`: `log(1 + v / mean(v))`: a burst of movement does not push the heartbeats to zero;
    - `minmax`: `(v - min) / (max - min)`, the papers' scaling, but per window.

    Args:
        values: (window, channel, row, frame) magnitudes; below zero (noise added to a spectrogram) counts as zero.
        scaling: one of `SCALINGS`; or `NO_SCALING`, which only clamps.

    Returns:
        The same shape; a channel without any energy stays zero.
    """
    tiny = 1e-20
    values = values.clamp(min=0.0)
    if scaling == "log_mean":
        mean = values.mean(dim=(2, 3), keepdim=True)
        return values.div_(mean.clamp(min=tiny)).log1p_().mul_(mean > tiny)
    if scaling == "minmax":
        low = values.amin(dim=(2, 3), keepdim=True)
        span = values.amax(dim=(2, 3), keepdim=True) - low
        return (values - low) / span.clamp(min=tiny)
    if scaling == NO_SCALING:
        return values
    raise InputError.of("scaling", f"one of {', '.join(SCALINGS)}", repr(scaling))

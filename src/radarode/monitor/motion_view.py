"""What a page shows of a stream's motion: the channel that moves most, scaled to about ±1."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray

from radarode.core.constants import FS_HZ

MEMORY_S = 10.0
"""How long what a channel did is remembered when the channel is chosen."""

SWITCH = 2.0
"""Another channel must move with so many times the power before it is shown instead."""


class MotionView:
    """Choose the channel that moves most, and keep to it; follow its size slowly, so that its strip stays readable."""

    def __init__(self, channels: int) -> None:
        self._power = np.zeros(channels)
        self._scale = 0.0
        self.channel = 0

    def take(self, rcg: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the (time,) motion to show of (channel, time) motion; NaN in gaps."""
        if rcg.shape[1] == 0:
            return np.zeros(0, np.float32)
        share = 1 - np.exp(-rcg.shape[1] / FS_HZ / MEMORY_S)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # channels without a known sample
            power = np.nanvar(rcg.astype(np.float64), axis=1)
        self._power += share * (np.where(np.isnan(power), self._power, power) - self._power)
        best = int(self._power.argmax())
        if self._power[best] > SWITCH * self._power[self.channel]:
            self.channel = best
            self._scale = 0.0
        shown = rcg[self.channel]
        peak = float(np.nanmax(np.abs(shown), initial=0.0))
        self._scale = max(peak, self._scale + share * (peak - self._scale))
        return (shown / self._scale).astype(np.float32) if self._scale > 0 else np.where(np.isnan(shown), shown, 0.0)

"""Bridge holes while frames come in: as `holes`, a few frames behind.

A hole is filled by a curve through good frames on either side, so a frame waits where one of the next few may still
matter to it; frames without holes pass at once. Interpolating over frames and compressing in range may be done in
either order, so coefficients are bridged here, which are an order of magnitude fewer than samples.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from radarode.radar.holes import BRIDGED_S, bridge

ComplexArray = NDArray[np.complexfloating]
BoolArray = NDArray[np.bool_]

_MARGIN = 16


class HoleBridge:
    """Take rows of coefficients with holes, and return them bridged, in order, a little later.

    Args:
        fs_hz: frames per second.

    Attributes:
        ahead: most frames that a frame waits.
    """

    def __init__(self, fs_hz: float) -> None:
        self.longest = max(1, round(BRIDGED_S * fs_hz))
        self.ahead = 3 * self.longest
        self._behind = self.longest + _MARGIN
        self._values: ComplexArray | None = None
        self._missing: BoolArray | None = None
        self._released = 0

    @property
    def waiting(self) -> int:
        """Return how many frames wait."""
        return 0 if self._missing is None else len(self._missing) - self._released

    def push(self, values: ComplexArray, missing: BoolArray) -> tuple[ComplexArray, BoolArray, BoolArray]:
        """Take the next frames and return those that are complete.

        Args:
            values: (frame, virtual, K) of the next frames, anything where they are missing.
            missing: (frame, virtual).

        Returns:
            ((frame, virtual, K) bridged; (frame,) True in gaps; (frame,) True where something was bridged and no gap
            stands), of as many frames as are complete.
        """
        if self._values is None or self._missing is None:
            self._values, self._missing = values, missing
        else:
            self._values = np.concatenate([self._values, values])
            self._missing = np.concatenate([self._missing, missing])
        hurt = np.flatnonzero(self._missing.any(axis=1))
        waiting = hurt[hurt >= max(self._released, len(self._missing) - self.ahead)]
        return self._release(int(waiting[0]) if len(waiting) else len(self._missing))

    def flush(self) -> tuple[ComplexArray, BoolArray, BoolArray]:
        """Return the frames that still wait, as well as they can be bridged without what comes after."""
        if self._missing is None:
            none = np.zeros(0, dtype=np.bool_)
            return np.zeros((0, 1, 1), dtype=np.complex64), none, none
        return self._release(len(self._missing))

    def _release(self, until: int) -> tuple[ComplexArray, BoolArray, BoolArray]:
        assert self._values is not None
        assert self._missing is not None
        own = slice(self._released, until)
        if self._missing.any():
            filled = self._values.copy()
            gaps = bridge(filled, self._missing, self.longest)
            found = filled[own], gaps[own], (self._missing.any(axis=1) & ~gaps)[own]
        else:
            none = np.zeros(until - self._released, dtype=np.bool_)
            found = self._values[own], none, none
        drop = max(0, until - self._behind)
        self._values, self._missing = self._values[drop:].copy(), self._missing[drop:].copy()
        self._released = until - drop
        return found

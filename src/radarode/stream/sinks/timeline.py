"""Merge updates into what a file should hold: settled where it can be, drawn behind it, and one motion signal."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from radarode.core.constants import FS_HZ
from radarode.stream.types import Update

MOST_S = 60.0
"""What waits to be written, at most: a disk that is full for longer costs the oldest."""

STEP = round(FS_HZ)
"""Windows begin at whole seconds, as the records of EDF do."""

FloatArray = NDArray[np.floating]


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """Hold the newest part of a recording; everything before it is final.

    Attributes:
        first: number of its first sample, in stream time.
        ecg: (time,) NaN in gaps.
        motion: (channel, time) of equal length, NaN in gaps.
        r: (beat,) numbers of the samples at the R peaks, increasing.
    """

    first: int
    ecg: FloatArray
    motion: FloatArray
    r: NDArray[np.int64]

    @property
    def end(self) -> int:
        """Number of the sample behind the last."""
        return self.first + len(self.ecg)

    def cut(self, start: int, stop: int) -> Window:
        """Return the part between two samples of the stream."""
        start, stop = max(start, self.first), min(max(stop, self.first), self.end)
        part = slice(start - self.first, max(stop, start) - self.first)
        inside = (self.r >= start) & (self.r < stop)
        return Window(start, self.ecg[part], self.motion[:, part], self.r[inside])


class Timeline:
    """Keep the window of what is not final, or not written yet.

    The drawn ECG is recorded at once and replaced by the settled one as that arrives, so that a file lacks nothing that
    was on a screen and in the end holds what the offline reconstruction gives.

    Args:
        channels: number of motion signals.

    Attributes:
        final: number of the sample behind the last settled one.
        written: number of the sample behind the last that a file has; whoever writes sets it.
        lost: samples that were let go before any file had them.
    """

    def __init__(self, channels: int) -> None:
        self.final = 0
        self.written = 0
        self.lost = 0
        self._begun = False
        self._first = 0
        self._ecg = np.empty(0, np.float32)
        self._motion_first = 0
        self._motion = np.empty((channels, 0), np.float32)
        self._r: NDArray[np.int64] = np.empty(0, np.int64)

    def add(self, update: Update) -> None:
        """Take an update: motion, then drawn, then settled samples with their beats."""
        if not self._begun:
            self._begin(update)
        self._take_motion(update.rcg_first, update.rcg)
        if len(update.drawn):
            self._take_ecg(update.drawn_first, update.drawn, update.drawn_beats.r_s)
        if len(update.settled):
            self._take_ecg(update.settled_first, update.settled, update.settled_beats.r_s)
            self.final = max(self.final, update.settled_first + len(update.settled))
        self._drop_oldest()

    def window(self) -> Window:
        """Return everything that is kept, as long as both ECG and motion are there."""
        end = min(self._first + len(self._ecg), self._motion_first + self._motion.shape[1])
        n = max(0, end - self._first)
        start = self._first - self._motion_first
        return Window(
            self._first, self._ecg[:n], self._motion[:, start : start + n], self._r[self._r < self._first + n]
        )

    def recent_motion(self) -> FloatArray:
        """Return (channel, time) all motion that is kept."""
        return self._motion

    def forget(self, until: int) -> None:
        """Let go of samples that are final, up to a whole second."""
        until = min(until, self.final, self._first + len(self._ecg)) // STEP * STEP
        if until <= self._first:
            return
        self._ecg = self._ecg[until - self._first :].copy()
        if until > self._motion_first:
            self._motion = self._motion[:, until - self._motion_first :].copy()
            self._motion_first = until
        self._r = self._r[self._r >= until]
        self._first = until

    def _begin(self, update: Update) -> None:
        """Begin where the first update does: a stream that goes on from elsewhere does not begin at 0."""
        first = min(update.rcg_first, update.drawn_first, update.settled_first) // STEP * STEP
        self._first = self._motion_first = self.final = self.written = first
        self._begun = True

    def _take_motion(self, first: int, rcg: FloatArray) -> None:
        end = self._motion_first + self._motion.shape[1]
        if not rcg.shape[1] or first + rcg.shape[1] <= end:
            return
        missing = np.full((len(self._motion), max(0, first - end)), np.nan, np.float32)
        self._motion = np.concatenate([self._motion, missing, rcg[:, max(0, end - first) :]], axis=1)

    def _take_ecg(self, first: int, values: FloatArray, r_s: FloatArray) -> None:
        """Put samples where they belong; R peaks of that stretch are replaced."""
        stop, end = first + len(values), self._first + len(self._ecg)
        if stop > end:
            self._ecg = np.concatenate([self._ecg, np.full(stop - end, np.nan, np.float32)])
        start = max(first, self._first)
        if start < stop:
            self._ecg[start - self._first : stop - self._first] = values[start - first :]
        r = np.rint(np.asarray(r_s) * FS_HZ).astype(np.int64)
        kept = self._r[(self._r < first) | (self._r >= stop)]
        self._r = np.unique(np.concatenate([kept, r[(r >= start) & (r < stop)]]))

    def _drop_oldest(self) -> None:
        surplus = math.ceil((len(self._ecg) - MOST_S * FS_HZ) / STEP) * STEP
        if surplus > 0:
            until = self._first + surplus
            self.lost += max(0, until - max(self._first, self.written))
            self.final = max(self.final, until)
            self.forget(until)
        # Motion ahead of the ECG is bounded as well: a stream that draws nothing keeps the newest.
        ahead = self._motion.shape[1] - round(2 * MOST_S * FS_HZ)
        if ahead > 0 and not len(self._ecg):
            self._motion = self._motion[:, ahead:].copy()
            self._motion_first += ahead

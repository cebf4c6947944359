"""Dropouts that repeat the last value: marked as missing while samples arrive, just as offline.

A run of equal values counts as missing once it is long enough, all of it, so a run that may still become so is waited
for. Motion hardly ever repeats a value; it then waits one sample.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from radarode.signal.gaps import find_gaps


@dataclass(frozen=True, slots=True, eq=False)
class StillsState:
    """Hold what the marking needs to go on.

    Attributes:
        pending: (channel, time) samples that are waiting.
        last: (channel,) last value given out, before it was marked.
        marked: (channel,) whether it was marked.
    """

    pending: NDArray[np.float64]
    last: NDArray[np.float64]
    marked: NDArray[np.bool_]


class Stills:
    """Turn runs of equal samples into NaN.

    Args:
        shortest: samples of a run that counts.
        jointly: a run counts only where no channel changes.
        whole: mark the first sample of a run, too, as offline; without it, which was measured after all, motion that
            changes need not wait for the next sample.

    Example:
        >>> stills = Stills(shortest=3)
        >>> stills.step(stills.start(1), np.array([[1.0, 2.0, 2.0, 2.0, 5.0, 5.0]]))[1].tolist()
        [[1.0, nan, nan, nan]]
    """

    def __init__(self, shortest: int, *, jointly: bool = False, whole: bool = True) -> None:
        self.shortest = max(2, shortest)
        self.jointly = jointly
        self._lead = int(whole)

    def start(self, channels: int) -> StillsState:
        """Return the state before the first sample."""
        return StillsState(np.empty((channels, 0)), np.full(channels, np.nan), np.zeros(channels, bool))

    def step(
        self, state: StillsState, x: NDArray[np.floating], *, end: bool = False
    ) -> tuple[StillsState, NDArray[np.float64]]:
        """Take in samples (channel, time) and give out what is decided.

        Args:
            state: the stream so far; it is not changed.
            x: the next samples, NaN where missing.
            end: nothing follows, so nothing is waited for.
        """
        values = np.concatenate([state.pending, x.astype(np.float64)], axis=1)
        size = values.shape[1]
        if not size:
            return state, values
        same = np.empty(values.shape, dtype=bool)
        same[:, 1:] = values[:, 1:] == values[:, :-1]
        same[:, 0] = (state.marked | (self._lead == 0)) & (values[:, 0] == state.last)
        if self.jointly:
            same[:] = same.all(axis=0)
        runs, release = self._runs(same, state.marked)
        release = size if end else release
        kept = StillsState(
            values[:, release:].copy(),
            values[:, release - 1].copy() if release else state.last,
            runs[:, release - 1].copy() if release else state.marked,
        )
        return kept, np.where(runs, np.nan, values)[:, :release]

    def _runs(self, same: NDArray[np.bool_], marked: NDArray[np.bool_]) -> tuple[NDArray[np.bool_], int]:
        """Return where runs are that count, and how many samples cannot become part of one.

        Args:
            same: (channel, time) whether a sample equals the one before.
            marked: (channel,) whether the one before the first was in a run that counts.
        """
        size = same.shape[1]
        runs, release = np.zeros(same.shape, dtype=bool), size
        if not same.any():
            return runs, size - self._lead
        for channel in [0] if self.jointly else range(len(same)):
            begin = size
            for flat, stop in find_gaps(same[channel]):
                first = max(int(flat) - self._lead, 0)
                counts = (flat == 0 and marked[channel]) or stop - flat + 1 >= self.shortest
                runs[slice(None) if self.jointly else channel, first:stop] |= counts
                begin = first if stop == size and not counts else size
            release = min(release, begin if same[channel, -1] else size - self._lead)
        return runs, release

"""Missing samples while they arrive: short ones are bridged as offline, longer ones are filled without waiting.

Offline a gap is bridged by a straight line from its last to its next known sample. A stream does not know the next one
yet, so a gap is waited for up to a limit, and then bridged just so. A longer gap is filled with its last sample, and
behind it the motion goes on from there, so that no step shows up as a heartbeat: it fades back to its own level, or,
for a filter that takes the shift off again, stays shifted.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from radarode.signal.gaps import find_gaps

FADE_S = 0.1
"""Time in which the motion behind a long gap fades in."""

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class BridgeState:
    """Hold what a bridge needs to go on.

    Attributes:
        pending: (channel, time) samples that are waiting.
        last: (channel,) last value given out; NaN before any.
        inside: (channel,) whether that was in a gap too long to wait for.
        fade_by: (channel,) what the motion is still moved by.
        fade_left: (channel,) for how many samples; without fading, 1 where it is.
    """

    pending: FloatArray
    last: FloatArray
    inside: NDArray[np.bool_]
    fade_by: FloatArray
    fade_left: NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Bridged:
    """Hold consecutive samples without gaps; all arrays are (channel, time).

    Attributes:
        filled: finite samples.
        missing: where they were missing.
        moved: by how much known samples were moved.
    """

    filled: FloatArray
    missing: NDArray[np.bool_]
    moved: FloatArray


class Bridge:
    """Fill NaN in consecutive samples; the result does not depend on how they are cut into chunks.

    Args:
        wait: samples that a gap is waited for.
        fade: samples in which motion fades in behind a longer gap; None leaves it shifted.

    Example:
        >>> bridge = Bridge(wait=2, fade=4)
        >>> state, bridged = bridge.step(bridge.start(1), np.array([[0.0, np.nan]]))
        >>> bridged.filled.tolist()
        [[0.0]]
        >>> bridge.step(state, np.array([[2.0]]))[1].filled.tolist()
        [[1.0, 2.0]]
    """

    def __init__(self, wait: int, fade: int | None) -> None:
        self.wait = wait
        self.fade = 1 if fade is None else max(1, fade)
        self.stays = fade is None

    def start(self, channels: int) -> BridgeState:
        """Return the state before the first sample."""
        none = np.zeros(channels)
        return BridgeState(
            np.empty((channels, 0)), np.full(channels, np.nan), none.astype(bool), none, none.astype(np.int64)
        )

    def step(self, state: BridgeState, x: NDArray[np.floating], *, end: bool = False) -> tuple[BridgeState, Bridged]:
        """Take in samples and give out what is decided.

        Args:
            state: the stream so far; it is not changed.
            x: (channel, time) samples, NaN where missing.
            end: nothing follows, so nothing is waited for.

        Returns:
            The new state and the samples.
        """
        values = np.concatenate([state.pending, x.astype(np.float64)], axis=1)
        missing = np.isnan(values)
        touched = np.flatnonzero(missing.any(axis=1) | state.inside | (state.fade_left > 0))
        if not values.shape[1]:
            return state, Bridged(values, missing, values)
        release = values.shape[1] if end else self._release(missing, state, touched)
        pending, filled = values[:, release:].copy(), values[:, :release].copy()
        inside, by, left = state.inside.copy(), state.fade_by.copy(), state.fade_left.copy()
        for channel in touched:
            one = _Channel(state.last[channel], bool(state.inside[channel]), by[channel], int(left[channel]))
            done = self._fill(values[channel], missing[channel], one, release)
            filled[channel] = done
            inside[channel], by[channel], left[channel] = one.inside, one.fade_by, one.fade_left
        last = filled[:, -1].copy() if release else state.last
        absent = missing[:, :release]
        moved = np.where(absent, 0.0, filled - values[:, :release])
        return BridgeState(pending, last, inside, by, left), Bridged(filled, absent, moved)

    def _release(self, missing: NDArray[np.bool_], state: BridgeState, touched: NDArray[np.int64]) -> int:
        """Return how many samples no longer wait: all before the first gap that is open and still short."""
        size = missing.shape[1]
        release = size
        for channel in touched:
            known = np.flatnonzero(~missing[channel])
            begin = int(known[-1]) + 1 if len(known) else 0
            if not (begin == 0 and state.inside[channel]) and begin < size and size - begin <= self.wait:
                release = min(release, begin)
        return release

    def _fill(self, values: FloatArray, missing: NDArray[np.bool_], one: _Channel, release: int) -> FloatArray:
        """Return the first `release` samples of a channel without gaps, and bring `one` there."""
        filled, gaps = values.copy(), find_gaps(missing)
        starts = [(0, one.fade_by, one.fade_left)]
        if one.inside and not missing[0]:
            starts = [(0, float(one.last - values[0]), self.fade)]
        inside_until = -1
        for number, (begin, end) in enumerate(gaps):
            self._fade(filled, starts[-1], int(begin))
            before = filled[begin - 1] if begin else one.last
            is_open = end == len(values)
            is_long = (begin == 0 and one.inside) or end - begin > self.wait
            if is_open or is_long:
                level = 0.0 if np.isnan(before) else before
                filled[begin:end] = level
                inside_until = int(end) if begin < release <= end and is_long else inside_until
                if not is_open:
                    starts.append((int(end), float(level - values[end]), self.fade))
            else:
                line = np.arange(1, end - begin + 1) / (end - begin + 1)
                after = values[end] + (starts[-1][1] if self.stays and starts[-1][2] else 0.0)
                filled[begin:end] = after if np.isnan(before) else before + line * (after - before)
                starts.append((int(end), starts[-1][1], starts[-1][2]) if self.stays else (int(end), 0.0, 0))
            if number == len(gaps) - 1 and is_open:
                break
        else:
            self._fade(filled, starts[-1], len(values))
        if release:
            one.settle(starts, gaps, release, inside=inside_until >= release, stays=self.stays)
        return filled[:release]

    def _fade(self, filled: FloatArray, start: tuple[int, float, int], stop: int) -> None:
        """Move the known samples behind a long gap, from where it fades in, in place."""
        begin, by, left = start
        count = min(left, stop - begin)
        if self.stays and left and stop > begin:
            filled[begin:stop] += by
        elif count > 0:
            filled[begin : begin + count] += by * (left - np.arange(count)) / self.fade


@dataclass(slots=True)
class _Channel:
    """One channel's part of the state while it is worked on."""

    last: float
    inside: bool
    fade_by: float
    fade_left: int

    def settle(
        self,
        starts: list[tuple[int, float, int]],
        gaps: NDArray[np.int64],
        release: int,
        *,
        inside: bool,
        stays: bool,
    ) -> None:
        """Take the state behind the first `release` samples."""
        begin, by, left = [start for start in starts if start[0] < release or start[0] == 0][-1]
        interrupted = bool(((gaps[:, 0] >= begin) & (gaps[:, 0] < release)).any())
        rest = left if stays else 0 if interrupted else max(0, left - (release - begin))
        self.fade_by, self.fade_left = (by, rest) if rest else (0.0, 0)
        self.inside = inside

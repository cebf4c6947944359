"""Follow points that were chosen: frames in, displacement out, the focus checked every 10 s."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from radarode.core.errors import InputError
from radarode.radar.chain import Places
from radarode.radar.channels import virtual_channels
from radarode.radar.choose import LEAST_SCORE
from radarode.radar.fields import FmcwField
from radarode.radar.focus import BLOCK_S, refocus
from radarode.radar.heart import score_points
from radarode.radar.holes import SPOILT_SHARE, missing_channels
from radarode.radar.live_holes import HoleBridge
from radarode.radar.live_motion import MotionStream

ComplexArray = NDArray[np.complexfloating]
FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
Block = tuple[ComplexArray, NDArray[np.floating]]
"""(frame, chirp, rx, sample) and the (frame,) share of bytes that was lost."""

_SHOWN = 2 * LEAST_SCORE
"""A point's score on 10 s that shows a heart; the best of some points reaches 0.1 to 0.15 on noise."""

_GAP_BLOCK_S = 0.25
_MOST_LOST = 0.2


@dataclass(frozen=True, slots=True, eq=False)
class Moved:
    """Hold motion that was extracted.

    Attributes:
        first: number of the first frame, counted from the radar's start.
        displacement_m: (point, frame) away from the radar; NaN in gaps.
    """

    first: int
    displacement_m: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Start:
    """Say where following begins.

    Attributes:
        first: number of the first frame that is pushed.
        emit_from: frames before were given out already.
        level_m: (point,) displacement there; None for 0.
    """

    first: int = 0
    emit_from: int = 0
    level_m: FloatArray | None = None


class Follower:
    """Follow the points of `places`.

    Args:
        places: what `chain.find_places` returned.
        channels: number of signals to give out; where fewer points were chosen, the strongest are repeated.
        kept_s: how much is kept, for circles and searches.
        start: where following begins.

    Attributes:
        heartless: checks of 10 s in a row that found no heart at any point.
        shift_m: (3,) how far the focus has gone from where it began.
    """

    def __init__(self, places: Places, channels: int, kept_s: float, start: Start) -> None:
        assert isinstance(places.source, FmcwField)
        self.places = places
        self.basis, self._turn = places.source.basis, places.source.turn
        self.radar = self.basis.radar
        self._points_m = places.points_m[np.arange(channels) % len(places.points_m)]
        self._here, self._kept_s = places.path_m[0], kept_s
        self.heartless = 0
        self._checked_at = start.first
        self._holes = HoleBridge(self.radar.frame_rate_hz)
        self.motion = self._stream(start)

    @property
    def shift_m(self) -> FloatArray:
        """Return (3,) how far the focus has gone from where it began."""
        return self._here - self.places.path_m[0]

    def whole(self, blocks: Iterable[Block]) -> list[Moved]:
        """Take the stretch on which the points were chosen, its focus as it was found there."""
        taken = [self._holes.push(*self._compress(*block))[:2] for block in blocks]
        coefficients, gaps = (np.concatenate(parts) for parts in zip(*taken, strict=True))
        path_m, edges = self.places.path_m, self.places.edges
        moves = [at for at in range(1, len(path_m)) if not np.array_equal(path_m[at], path_m[at - 1])]
        bounds = [0, *(min(int(edges[at]), len(gaps)) for at in moves), len(gaps)]
        found = []
        for at, low, high in zip([0, *moves], bounds[:-1], bounds[1:], strict=True):
            self._go(path_m[at])
            found += self._push(coefficients[low:high], gaps[low:high])
        self._checked_at = self.motion.end
        return found

    def push(self, frames: ComplexArray, lost: NDArray[np.floating]) -> list[Moved]:
        """Take the next frames, at most a second of them, and return what is complete."""
        found = self._push(*self._holes.push(*self._compress(frames, lost))[:2])
        self._check()
        return found

    def gap(self, count: int) -> list[Moved]:
        """Take `count` frames of which nothing arrived; more than are kept are passed over without output."""
        if count > self._kept_s * self.radar.frame_rate_hz:
            self.begin(Start(self.end + count, 0, self.motion.level_m))
            return []
        found: list[Moved] = []
        step = max(1, round(_GAP_BLOCK_S * self.radar.frame_rate_hz))
        for done in range(0, count, step):
            size = min(step, count - done)
            nothing = np.zeros((size, self.radar.n_virtual, self.basis.filters.shape[1]), dtype=np.complex64)
            found += self._push(*self._holes.push(nothing, np.ones(nothing.shape[:2], dtype=np.bool_))[:2])
            self._check()
        return found

    def finish(self) -> list[Moved]:
        """Return the last frames of a stream that ends here."""
        found = self._push(*self._holes.flush()[:2])
        first = self.motion.next
        rest = self.motion.flush()
        return found + ([Moved(first, rest)] if rest.shape[1] else [])

    def begin(self, start: Start) -> None:
        """Begin anew with the frame `start.first`, the points and the focus staying where they are."""
        self._holes = HoleBridge(self.radar.frame_rate_hz)
        self.motion = self._stream(start)
        self._checked_at = start.first
        if self.shift_m.any():
            self.motion.aim(self.shift_m)

    @property
    def end(self) -> int:
        """Return the number of the frame that is to be pushed next."""
        return self.motion.end + self._holes.waiting

    def _stream(self, start: Start) -> MotionStream:
        return MotionStream(
            self.basis,
            self._points_m,
            self._kept_s,
            first=start.first,
            emit_from=start.emit_from,
            level_m=start.level_m,
        )

    def _compress(self, frames: ComplexArray, lost: NDArray[np.floating]) -> tuple[ComplexArray, BoolArray]:
        """Return coefficients (frame, virtual, K), and (frame, virtual) which of them lost samples."""
        missing = np.zeros((len(frames), self.radar.n_virtual), dtype=np.bool_)
        if (lost > SPOILT_SHARE).any():
            missing = missing_channels(frames, lost, self.radar)
        coefficients = self.basis.compress(virtual_channels(frames, self.radar))
        return coefficients if self._turn is None else coefficients * self._turn, missing

    def _push(self, coefficients: ComplexArray, gaps: BoolArray) -> list[Moved]:
        if not len(gaps):
            return []
        first = self.motion.next
        moved = self.motion.push(coefficients.astype(np.complex64, copy=False), gaps)
        return [Moved(first, moved)] if moved.shape[1] else []

    def _go(self, place_m: FloatArray) -> None:
        if not np.array_equal(place_m, self._here):
            self._here = place_m
            self.motion.aim(self.shift_m)

    def _check(self) -> None:
        """Every 10 s, go where the heart shows best, and count whether it shows at all."""
        if self.motion.end - self._checked_at < round(BLOCK_S * self.radar.frame_rate_hz):
            return
        self._checked_at = self.motion.end
        field = self.motion.field(BLOCK_S)
        if field.lost.mean() > _MOST_LOST or field.n_frames < round(BLOCK_S * field.fs_hz):
            return
        span = (0, field.n_frames)
        if self.places.room is not None:
            self._go(refocus(field, self._here, span, self.places.room))
        try:
            scored = score_points(field.signals(self._points_m + self.shift_m), field.fs_hz, field.wavelength_m)
        except InputError:
            return
        self.heartless = 0 if scored.score.max() >= _SHOWN else self.heartless + 1

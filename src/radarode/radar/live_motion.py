"""From coefficients that come in to displacement: `motion` in blocks of any size, 16 frames behind.

What differs from a whole recording: the circle's centre comes from the last 20 s instead of the stretch around a frame,
and is found anew every second. Each phase step is taken around one centre and at one place, so a new centre or a new
focus makes no jump. Where a target fades for longer than the 16 frames, its motion stands still, and what the phase
gained meanwhile follows behind the fade.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from radarode.radar.backprojection import RangeBasis, form
from radarode.radar.fields import FmcwField
from radarode.radar.iq import fit_circle
from radarode.radar.motion import STRETCH_S
from radarode.radar.phase import FADED, repair_turns, steps_around
from radarode.radar.rolling import Rolling

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

AHEAD = 16
"""Frames that come later and matter: the speed behind a fade, and the median that tells false turns."""

_BEHIND = 16
_SPREAD_S = 0.2
"""What a fade gained follows within this time behind it, so that it does not look like a heartbeat."""

_GUESSED_S = 1.0
"""In longer fades the speed before and after says nothing about whole turns."""

_CENTRE_S = 1.0
_SETTLED_S = 4.0
_CIRCLE_SAMPLES = 1000


class KeptField(FmcwField):
    """Hold the coefficients of the last seconds as a field, so that points can be searched in it."""

    def __init__(self, basis: RangeBasis, coefficients: NDArray[np.complex64], lost: BoolArray) -> None:
        self.fs_hz, self.wavelength_m = basis.radar.frame_rate_hz, basis.radar.wavelength_m
        self.basis, self.coefficients, self.lost = basis, coefficients, lost
        self.bridged = np.zeros_like(lost)


class MotionStream:
    """Turn coefficients into the displacement of points.

    Args:
        basis: what the coefficients are of.
        points_m: (point, 3) at the start.
        kept_s: how much is kept, at least 20 s; as much may be pushed at once.
        first: number of the first frame.
        emit_from: frames before are taken in and not given out.
        level_m: (point,) displacement before the first frame that is given out; None for 0.

    Attributes:
        next: number of the frame that is given out next.
    """

    def __init__(
        self,
        basis: RangeBasis,
        points_m: FloatArray,
        kept_s: float = STRETCH_S,
        *,
        first: int = 0,
        emit_from: int = 0,
        level_m: FloatArray | None = None,
    ) -> None:
        radar, count = basis.radar, len(points_m)
        self._basis, self._points_m = basis, points_m
        self._scale = radar.wavelength_m / (4 * math.pi)
        fs_hz = radar.frame_rate_hz
        kept = max(64, round(max(kept_s, STRETCH_S) * fs_hz)) + 2 * (AHEAD + _BEHIND)
        k = basis.filters.shape[1]
        self._coefficients = Rolling(kept, (radar.n_virtual, k), np.complex64, first)
        self._z = Rolling(kept, (count,), np.complex64, first)
        self._bad = Rolling(kept, (count,), np.bool_, first)
        self._lost = Rolling(kept, (), np.bool_, first)
        self._steps = Rolling(kept, (count,), np.float64, first)
        self._weights = basis.weights(points_m)
        self._centre = np.zeros(count, dtype=np.complex64)
        self._typical = np.zeros(count)
        self._every, self._settled = max(1, round(_CENTRE_S * fs_hz)), round(_SETTLED_S * fs_hz)
        self._centred_at = -1
        spread = np.hanning(round(_SPREAD_S * fs_hz) + 2)[1:-1]
        self._spread, self._guessed = spread / spread.sum(), round(_GUESSED_S * fs_hz)
        self._owed = np.zeros((count, len(spread)))
        self._emit_from = max(emit_from, first)
        self.level_m = np.zeros(count) if level_m is None else level_m.copy()

    @property
    def next(self) -> int:
        """Return the number of the frame that is given out next."""
        return max(self._emit_from, self._steps.end)

    @property
    def end(self) -> int:
        """Return the number of the frame that is to be pushed next."""
        return self._z.end

    def aim(self, shift_m: FloatArray) -> None:
        """Shift all points by (3,) from where they began, from the next frame that is given out on."""
        self._weights = self._basis.weights(self._points_m + shift_m)
        coefficients = self._coefficients.rows()
        kept = form(coefficients, self._weights)
        self._z.rows()[:] = kept
        self._find_centre()

    def push(self, coefficients: NDArray[np.complex64], lost: BoolArray) -> FloatArray:
        """Take the next frames and return (point, frame) displacement in metres of those that are complete.

        Args:
            coefficients: (frame, virtual, K).
            lost: (frame,) True in gaps, which become NaN.
        """
        z = form(coefficients, self._weights)
        self._coefficients.append(coefficients)
        self._z.append(z)
        self._lost.append(lost)
        if self._centred_at < 0 or self._z.end - self._centred_at >= self._every:
            self._find_centre()
        faded = np.abs(z - self._centre) < FADED * self._typical
        self._bad.append(faded | lost[:, None])
        return self._give(self._z.end - AHEAD)

    def flush(self) -> FloatArray:
        """Return the displacement of the last frames of a stream that ends here."""
        return self._give(self._z.end)

    def field(self, seconds: float) -> KeptField:
        """Return the last seconds as a field."""
        first = max(self._lost.start, self._lost.end - round(seconds * self._basis.radar.frame_rate_hz))
        return KeptField(self._basis, self._coefficients.rows(first), self._lost.rows(first))

    def _find_centre(self) -> None:
        """Fit the circles to what is kept; a short start fits nothing that could be trusted, or is not fitted."""
        good = np.flatnonzero(~self._lost.rows())
        if len(good) >= (8 if self._centred_at < 0 else self._settled):
            few = np.ascontiguousarray(self._z.rows()[good[:: max(1, len(good) // _CIRCLE_SAMPLES)]].T)
            self._centre = fit_circle(few).usable_centre.astype(np.complex64)
            self._typical = np.median(np.abs(few - self._centre[:, None]), axis=1)
            self._centred_at = self._z.end

    def _give(self, until: int) -> FloatArray:
        """Return the displacement of the frames before `until` that were not given out yet."""
        done = self._steps.end
        if until <= done:
            return np.empty((len(self.level_m), 0))
        begin = self._begin()
        z = (self._z.rows(begin) - self._centre).T
        new = steps_around(z, self._bad.rows(begin).T)
        if begin == done:
            new[:, 0] = 0.0
        before = self._steps.rows(max(self._steps.start, done - _BEHIND)).T
        late = self._settle_fades(new, z, begin, until)
        repaired = repair_turns(np.concatenate([before, new[:, done - begin :]], axis=1))
        steps = repaired[:, before.shape[1] : before.shape[1] + until - done]
        self._steps.append(steps.T)
        return self._integrate(steps + late, done, until)

    def _integrate(self, steps: FloatArray, done: int, until: int) -> FloatArray:
        skip = min(max(0, self._emit_from - done), until - done)
        moved = self.level_m[:, None] + self._scale * np.cumsum(steps[:, skip:], axis=1)
        if moved.shape[1]:
            self.level_m = moved[:, -1].copy()
            moved[:, self._lost.rows(done + skip, until)] = np.nan
        return moved

    def _begin(self) -> int:
        """Return from where steps are to be taken: a few frames back, before any fade that is still open."""
        done, start = self._steps.end, max(self._bad.start, self._steps.start)
        begin = max(start, done - _BEHIND)
        if done > start and self._bad.rows(done - 1, done).any():
            open_now = self._bad.rows(done - 1, done)[0]
            good = ~self._bad.rows(start, done)[:, open_now]
            last_good = [int(np.flatnonzero(column)[-1]) if column.any() else 0 for column in good.T]
            begin = min(begin, max(start, start + min(last_good) - _BEHIND))
        return begin

    def _settle_fades(self, new: FloatArray, z: NDArray[np.complex64], begin: int, until: int) -> FloatArray:
        """Hold points still that fade for long, and return (point, frame) what earlier fades turn out to have gained.

        Args:
            new: (point, frame) steps from frame `begin`; those of long fades are set to 0.
            z: (point, frame) centred signals.
            begin: number of the first frame.
            until: number of the frame behind the last that is given out now.
        """
        done = self._steps.end
        here, count = done - begin, until - done
        owed = np.zeros((len(new), count + len(self._spread)))
        owed[:, : len(self._spread)] = self._owed
        bad = self._bad.rows(begin)
        for point in np.flatnonzero(bad[here - 1]) if here else ():
            good = np.flatnonzero(~bad[:, point])
            start, after = int(np.searchsorted(good, here)), good[good >= here]
            stop = int(after[0]) if len(after) else bad.shape[0]
            first = int(good[start - 1]) + 1 if start else 0
            if stop - first < AHEAD:
                continue
            gained = self._gained(new[point], z[point], first, stop) if start and stop < here + count else 0.0
            new[point, here : stop + 1] = 0.0
            if stop < here + count:
                gained -= float(self._steps.rows(begin + first, done)[:, point].sum()) if start else 0.0
                at = stop - here
                hidden = bool(self._lost.rows(begin + stop - 1, begin + stop)[0])
                owed[point, at : at + len(self._spread)] += gained * (
                    np.eye(1, len(self._spread))[0] if hidden else self._spread
                )
        self._owed = owed[:, count:]
        return owed[:, :count]

    def _gained(self, steps: FloatArray, z: NDArray[np.complex64], first: int, stop: int) -> float:
        """Return the phase that a point gained in a fade; in a long one, whole turns are not guessed."""
        if stop - first > self._guessed:
            return float(np.angle(z[stop] * np.conj(z[first - 1])))
        return float(steps[first : stop + 1].sum())

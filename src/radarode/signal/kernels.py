"""Inner loops of the transforms: one pass over the coefficients instead of one for each of about twenty operations."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.polynomial import chebyshev, polynomial

from radarode.core.compiled import compiled

_RUN = 128
"""Points whose accumulators and intermediate values stay in the first caches."""

_TINY = np.float32(1e-36)
_LOWEST_RAD_S = np.float32(1e-3)
_EXPONENT_BIAS, _MANTISSA, _ONE_BITS = 127, 0x7FFFFF, 0x3F800000


def _log2_polynomial() -> tuple[np.float32, ...]:
    """Return the coefficients of log2(1.5 + x) for |x| <= 1/2, constant first; the largest error is 6e-8."""
    series = chebyshev.Chebyshev.interpolate(lambda x: np.log2(1.5 + x), 8, domain=[-0.5, 0.5])
    plain = series.convert(kind=polynomial.Polynomial, domain=[-1, 1], window=[-1, 1])
    return tuple(np.float32(value) for value in plain.coef)


_C0, _C1, _C2, _C3, _C4, _C5, _C6, _C7, _C8 = _log2_polynomial()


@compiled
def modulus(w: Any, out: Any) -> None:
    """Write |w| of (channel, row, point, 2) real and imaginary parts into (channel, point, row)."""
    channels, rows, points = w.shape[:3]
    for channel in range(channels):
        for row in range(rows):
            for point in range(points):
                real, imaginary = w[channel, row, point, 0], w[channel, row, point, 1]
                out[channel, point, row] = np.sqrt(real * real + imaginary * imaginary)


@compiled
def reassign(w: Any, slope: Any, axis: tuple[Any, ...], split: bool, weight: Any, out: Any) -> None:
    """Add every coefficient to the row of its instantaneous frequency and write the magnitudes of the sums.

    Args:
        w: (channel, row, point, 2) float32 real and imaginary parts of the coefficients.
        slope: their derivatives by time, likewise.
        axis: rows an octave, row of 1 rad/s, and the lowest and highest place, all float32; row k has place k + 1,
            and places 0 and `out` rows + 1 collect what is dropped.
        split: whether a coefficient is shared by the two rows next to its place, or goes to the one below.
        weight: float32 factor of the magnitudes.
        out: (channel, point, row) float32 magnitudes, written to.
    """
    channels, rows, points = w.shape[:3]
    n_rows = out.shape[2]
    per_octave, origin, lowest, highest = axis
    total = np.empty((_RUN, n_rows + 3, 2), np.float32)
    rad_s, place = np.empty(_RUN, np.float32), np.empty(_RUN, np.float32)
    octave, mantissa = np.empty(_RUN, np.float32), np.empty(_RUN, np.float32)
    rad_s_bits, mantissa_bits = rad_s.view(np.int32), mantissa.view(np.int32)
    for channel in range(channels):
        for first in range(0, points, _RUN):
            count = min(_RUN, points - first)
            total[:count] = 0
            for row in range(rows):
                ws, slopes = w[channel, row, first : first + count], slope[channel, row, first : first + count]
                for i in range(count):
                    turn = slopes[i, 1] * ws[i, 0] - slopes[i, 0] * ws[i, 1]
                    turn /= ws[i, 0] * ws[i, 0] + ws[i, 1] * ws[i, 1] + _TINY
                    rad_s[i] = turn if turn > _LOWEST_RAD_S else _LOWEST_RAD_S
                # log2: exponent and mantissa in a loop of their own, since a loop that reads what it wrote through
                # another view of the same memory is not vectorised
                for i in range(count):
                    octave[i] = np.float32((rad_s_bits[i] >> 23) - _EXPONENT_BIAS)
                    mantissa_bits[i] = (rad_s_bits[i] & _MANTISSA) | _ONE_BITS
                for i in range(count):
                    x = mantissa[i] - np.float32(1.5)
                    high = _C4 + x * (_C5 + x * (_C6 + x * (_C7 + x * _C8)))
                    at = (octave[i] + (_C0 + x * (_C1 + x * (_C2 + x * (_C3 + x * high))))) * per_octave + origin
                    at = at if at > lowest else lowest
                    place[i] = at if at < highest else highest
                if split:
                    for i in range(count):
                        below = np.int32(place[i])
                        share = place[i] - np.float32(below)
                        real, imaginary = ws[i, 0] * share, ws[i, 1] * share
                        total[i, below, 0] += ws[i, 0] - real
                        total[i, below, 1] += ws[i, 1] - imaginary
                        total[i, below + 1, 0] += real
                        total[i, below + 1, 1] += imaginary
                else:
                    for i in range(count):
                        below = np.int32(place[i])
                        total[i, below, 0] += ws[i, 0]
                        total[i, below, 1] += ws[i, 1]
            for i in range(count):
                for row in range(n_rows):
                    real, imaginary = total[i, row + 1, 0], total[i, row + 1, 1]
                    out[channel, first + i, row] = weight * np.sqrt(real * real + imaginary * imaginary)


@compiled
def decimate(magnitudes: Any, taps: Any, step: int, out: Any) -> None:
    """Low-pass (channel, point, row) magnitudes into (channel, row, frame) frames, none below 0.

    Args:
        magnitudes: float32; frame k is made of the points from k · `step` on.
        taps: (tap,) float32 weights of a frame's points, odd in number and symmetric.
        step: points between frames.
        out: (channel, row, frame) float32, written to.
    """
    channels, rows, frames = out.shape
    total = np.empty(rows, np.float32)
    half = len(taps) // 2
    for channel in range(channels):
        for frame in range(frames):
            points = magnitudes[channel, frame * step : frame * step + len(taps)]
            for row in range(rows):
                total[row] = taps[half] * points[half, row]
            reach = 1
            while reach + 2 <= half:  # three pairs at a time: the running sum is fetched and stored a third as often
                before = points[half - reach], points[half - reach - 1], points[half - reach - 2]
                after = points[half + reach], points[half + reach + 1], points[half + reach + 2]
                near, middle, far = taps[half + reach], taps[half + reach + 1], taps[half + reach + 2]
                for row in range(rows):
                    pairs = near * (before[0][row] + after[0][row]) + middle * (before[1][row] + after[1][row])
                    total[row] += pairs + far * (before[2][row] + after[2][row])
                reach += 3
            while reach <= half:
                for row in range(rows):
                    total[row] += taps[half + reach] * (points[half - reach, row] + points[half + reach, row])
                reach += 1
            for row in range(rows):
                out[channel, row, frame] = total[row] if total[row] > 0 else np.float32(0)

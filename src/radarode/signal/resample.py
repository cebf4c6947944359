"""Change the sampling rate by any ratio without aliasing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import signal as scipy_signal
from scipy import sparse

from radarode.core.errors import InputError
from radarode.signal.gaps import fill_gaps

_LARGEST_TERM = 640
_HALF_TAPS = 24
_KAISER_BETA = 8.0
_OUTPUTS_AT_ONCE = 50_000


def resample(x: ArrayLike, fs_in_hz: float, fs_out_hz: float) -> NDArray[np.floating]:
    """Resample the last axis; output sample k stands at k / `fs_out_hz`, as input sample n at n / `fs_in_hz`.

    Ratios of small integers go through a polyphase filter, others (250.371 to 200 Hz) through a windowed-sinc
    interpolation on the exact output times; both cut off below the lower of the two Nyquist frequencies. Before
    filtering the straight line from the first to the last sample is taken off, so that an offset or a drift
    makes no transient at the ends.

    Args:
        x: (..., time) signal; NaN marks missing samples, which stay missing: an output is NaN where an input
            sample beside its time is. Gaps shorter than the distance of two outputs may be bridged.
        fs_in_hz: rate of `x`.
        fs_out_hz: rate wanted.

    Returns:
        (..., round(time · fs_out / fs_in)) in `x`'s floating type.

    Raises:
        InputError: a rate that is not positive, or an empty or infinite signal.

    Example:
        >>> slow = np.sin(2 * np.pi * 3 * np.arange(500) / 250)
        >>> fast = resample(slow, 250, 200)
        >>> bool(np.allclose(fast[50:350], np.sin(2 * np.pi * 3 * np.arange(50, 350) / 200), atol=1e-3))
        True
    """
    for name, rate in (("fs_in_hz", fs_in_hz), ("fs_out_hz", fs_out_hz)):
        if not rate > 0 or not np.isfinite(rate):
            raise InputError.of(name, "positive", rate, "Give the sampling rate in Hz")
    filled, missing = fill_gaps(x)
    if filled.shape[-1] == 0:
        raise InputError.of("x", "at least one sample long", f"shape {filled.shape}")
    ratio = fs_out_hz / fs_in_hz
    length = max(1, round(filled.shape[-1] * ratio))
    if ratio == 1:
        out = filled
    else:
        line = _end_line(filled)
        out = _interpolate(filled - line(np.arange(filled.shape[-1])), ratio, length)
        out = (out + line(np.arange(length) / ratio)).astype(filled.dtype)
    if missing.any():
        out[_missing_at(missing, np.arange(length) / ratio)] = np.nan
    return out


def lowpass_taps(half: int, cutoff: float, beta: float) -> NDArray[np.float64]:
    """Return the 2 · `half` + 1 taps of a Kaiser-windowed low-pass; `cutoff` is a fraction of the Nyquist frequency."""
    window = ("kaiser", beta)
    return np.asarray(scipy_signal.firwin(2 * half + 1, cutoff, window=window))  # pyright: ignore[reportArgumentType]


@dataclass(frozen=True, slots=True, eq=False)
class Kernel:
    """Hold the low-pass that both ways of resampling share; an output at t is the sum of x[n] h(t - n).

    Attributes:
        ratio: output rate over input rate.
        half: input samples on either side of an output that it depends on.
        up, down: the ratio as small integers; 0 where it is none.
        taps: of the polyphase filter at `up` times the input rate; empty where there is none.
    """

    ratio: float
    half: int
    up: int
    down: int
    taps: NDArray[np.float64]

    def positions(self, outputs: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the (output,) places of outputs, in input samples."""
        return outputs * self.down / self.up if self.up else outputs / self.ratio

    def matrix(self, outputs: NDArray[np.int64], first: int, size: int) -> sparse.csr_array:
        """Return (output, input) weights of the inputs `first` to `first + size`; what lies outside counts as 0.

        Args:
            outputs: (output,) numbers of consecutive outputs.
            first: number of the first input.
            size: number of inputs.
        """
        before = outputs * self.down // self.up if self.up else np.floor(outputs / self.ratio).astype(np.int64)
        index = before[:, None] + np.arange(-self.half + 1, self.half + 1)
        weights = self._phases(outputs, index) if self.up else self._sinc(outputs / self.ratio, index)
        inside = (index >= first) & (index < first + size)
        row = np.broadcast_to(np.arange(len(outputs))[:, None], index.shape)
        return sparse.csr_array((weights[inside], (row[inside], index[inside] - first)), shape=(len(outputs), size))

    def _phases(self, outputs: NDArray[np.int64], index: NDArray[np.int64]) -> NDArray[np.float64]:
        place = outputs[:, None] * self.down - index * self.up + len(self.taps) // 2
        known = (place >= 0) & (place < len(self.taps))
        return np.where(known, self.up * self.taps[place.clip(0, len(self.taps) - 1)], 0.0)

    def _sinc(self, time: NDArray[np.float64], index: NDArray[np.int64]) -> NDArray[np.float64]:
        scale = min(1.0, self.ratio)
        offset = time[:, None] - index
        weights = _cutoff() * scale * np.sinc(_cutoff() * scale * offset)
        return (
            weights * np.i0(_KAISER_BETA * np.sqrt(np.clip(1 - (offset / self.half) ** 2, 0, 1))) / np.i0(_KAISER_BETA)
        )


def resampling_kernel(ratio: float) -> Kernel:
    """Return the low-pass for a ratio of output to input rate: polyphase for small integers, else a windowed sinc."""
    half = int(np.ceil(_HALF_TAPS / min(1.0, ratio)))
    fraction = Fraction(ratio).limit_denominator(_LARGEST_TERM)
    exact = abs(float(fraction) / ratio - 1) < 1e-12
    if not exact or fraction.numerator > _LARGEST_TERM:
        return Kernel(ratio, half, 0, 0, np.empty(0))
    up, down = fraction.numerator, fraction.denominator
    slowest = max(up, down)
    return Kernel(ratio, half, up, down, lowpass_taps(_HALF_TAPS * slowest, _cutoff() / slowest, _KAISER_BETA))


def _interpolate(x: NDArray[np.floating], ratio: float, length: int) -> NDArray[np.floating]:
    kernel = resampling_kernel(ratio)
    if not kernel.up:
        return _sinc_interpolate(x, kernel, length)
    out = scipy_signal.resample_poly(x, kernel.up, kernel.down, axis=-1, window=kernel.taps)
    if out.shape[-1] < length:
        out = np.concatenate([out, np.zeros((*out.shape[:-1], length - out.shape[-1]))], axis=-1)
    return out[..., :length]


def _sinc_interpolate(x: NDArray[np.floating], kernel: Kernel, length: int) -> NDArray[np.floating]:
    """Evaluate the sum of x[n] h(t - n) at t = k / ratio, with h the Kaiser-windowed sinc of the same low-pass."""
    columns = x.reshape(-1, x.shape[-1]).T
    out = np.empty((length, columns.shape[1]))
    for start in range(0, length, _OUTPUTS_AT_ONCE):
        outputs = np.arange(start, min(length, start + _OUTPUTS_AT_ONCE))
        position = kernel.positions(outputs)
        first = max(0, int(position[0]) - kernel.half)
        last = min(x.shape[-1], int(position[-1]) + kernel.half + 1)
        out[start : start + len(outputs)] = kernel.matrix(outputs, first, last - first) @ columns[first:last]
    return out.T.reshape(*x.shape[:-1], length)


def _cutoff() -> float:
    """Return the half-amplitude frequency as a fraction of the lower Nyquist frequency.

    A Kaiser window with β = 8 (80 dB) and half length L input periods has a transition of about 5.1 / (2 L).
    """
    return 1 - 5.1 / (2 * _HALF_TAPS) / 2


def _end_line(x: NDArray[np.floating]) -> Callable[[NDArray], NDArray]:
    first = x[..., :1].astype(np.float64)
    slope = (x[..., -1:] - first) / max(1, x.shape[-1] - 1)
    return lambda position: first + slope * position


def _missing_at(missing: NDArray[np.bool_], position: NDArray[np.float64]) -> NDArray[np.bool_]:
    last = missing.shape[-1] - 1
    before = np.clip(np.floor(position + 1e-9).astype(np.int64), 0, last)
    after = np.clip(np.ceil(position - 1e-9).astype(np.int64), 0, last)
    return missing[..., before] | missing[..., after]

"""What a capture becomes once it is read: a field from which the signal of any point in space can be formed.

An FMCW capture is kept as range-compressed coefficients (about 2 KB a frame, 250 MB for ten minutes of 12 channels at
200 frames/s), a pulsed one as its range points, a continuous-wave one as its corrected I and Q. The file is read
once.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from radarode.core.errors import InputError
from radarode.radar.backprojection import RangeBasis, form, span_of
from radarode.radar.capture import Capture
from radarode.radar.description import CwRadar, FmcwRadar, PulsedRadar
from radarode.radar.grid import check_in_view
from radarode.radar.holes import SPOILT_SHARE, read_channels
from radarode.radar.iq import correct_imbalance, fit_imbalance
from radarode.radar.range import Window

FloatArray = NDArray[np.float64]
ComplexArray = NDArray[np.complexfloating]
Watch = Callable[[str, int, int], None]
"""Progress: (what, done, of)."""

CHUNK_BYTES = 48 * 2**20
LARGEST_BYTES = 4 * 2**30

INDEPENDENT = 0.01
"""A signal counts as a further one where it holds more than so large a share of the strongest one's power."""


def silent(what: str, done: int, of: int) -> None:
    """Watch nothing."""


class Field(ABC):
    """Signals of points in space over time.

    Attributes:
        fs_hz: frames per second.
        wavelength_m: that turns phase into distance.
        lost: (frame,) True in gaps: where too much was lost to be bridged.
        bridged: (frame,) True where a loss was bridged, see `holes`.
        focusing: whether nearby points have different signals, so that searching between candidates makes sense.
    """

    fs_hz: float
    wavelength_m: float
    lost: NDArray[np.bool_]
    bridged: NDArray[np.bool_]
    focusing: bool = False

    @abstractmethod
    def signals(self, points_m: FloatArray, first: int = 0, last: int | None = None) -> NDArray[np.complex64]:
        """Return (frame, point) for points (point, 3) and frames [first, last)."""

    @abstractmethod
    def independent(self, points_m: FloatArray) -> int:
        """Return how many of the points (point, 3) the radar can tell apart; the others repeat them."""

    @property
    def n_frames(self) -> int:
        """Return the number of frames."""
        return len(self.lost)


class FmcwField(Field):
    """Focus virtual channels on points.

    Attributes:
        coefficients: (frame, virtual, K) complex64.
        basis: what they are coefficients of.
        turn: (virtual, 1) what `align` multiplied the coefficients by; None before.
    """

    focusing = True
    turn: NDArray[np.complex64] | None = None

    def __init__(self, capture: Capture, points_m: FloatArray, window: Window = "hann", watch: Watch = silent) -> None:
        radar = capture.radar
        assert isinstance(radar, FmcwRadar)
        check_in_view(points_m, radar)
        self.fs_hz, self.wavelength_m = capture.frame_rate_hz, radar.wavelength_m
        self.lost = np.zeros(capture.n_frames, dtype=np.bool_)
        self.bridged = self.lost.copy()
        self.basis = RangeBasis.over(span_of(points_m, radar), radar, window)
        shape = (capture.n_frames, radar.n_virtual, self.basis.filters.shape[1])
        _check_length(capture, int(np.prod(shape)) * 8)
        self.coefficients = np.empty(shape, dtype=np.complex64)
        at_once = frames_at_once(radar)
        for first in range(0, capture.n_frames, at_once):
            last = min(first + at_once, capture.n_frames)
            channels, self.lost[first:last], self.bridged[first:last] = read_channels(capture, first, last)
            self.coefficients[first:last] = self.basis.compress(channels)
            watch("focusing", last, capture.n_frames)

    def signals(self, points_m: FloatArray, first: int = 0, last: int | None = None) -> NDArray[np.complex64]:
        """Return (frame, point) focused signals; see `Field`."""
        return form(self.coefficients[first:last], self.basis.weights(points_m))

    def align(self, point_m: FloatArray) -> None:
        """Turn the channels so that their moving parts add up at a point.

        For antennas whose positions or polarities are not known: the direction is lost, the gain is kept. The turn is
        the phase of the strongest singular vector of the channels focused on the point one by one.
        """
        self.turn = np.exp(-1j * np.angle(self._pattern(point_m, self._covariance()))).astype(np.complex64)[:, None]
        self.coefficients *= self.turn

    def agreement(self, points_m: FloatArray) -> float:
        """Return how well the described antennas add the channels up at the best of some points.

        The amplitude of the sum over the one after `align`, squared: 1 where the description is right, about
        3 / channels where it is not.
        """
        covariance = self._covariance()
        patterns = [self._pattern(point, covariance) for point in points_m]
        return max(float(np.abs(one.sum()) ** 2 / max(np.abs(one).sum() ** 2, 1e-30)) for one in patterns)

    def independent(self, points_m: FloatArray) -> int:
        """Return how many of the points the antennas can tell apart; see `Field`."""
        steering = self.basis.weights(points_m).astype(np.complex128)
        steering /= np.linalg.norm(steering, axis=0)
        gram = steering @ steering.conj().T if len(points_m) > len(steering) else steering.conj().T @ steering
        return _count(np.linalg.eigvalsh(gram))

    def _pattern(self, point_m: FloatArray, covariance: ComplexArray) -> ComplexArray:
        """Return (virtual,) how the channels, focused on a point one by one, share their strongest common motion."""
        n, k = self.coefficients.shape[1:]
        weights = self.basis.weights(np.asarray(point_m, dtype=np.float64)[None])[:, 0].reshape(n, k)
        by_channel = np.einsum("nk,nkml->nml", weights.conj(), covariance.reshape(n, k, n, k))
        single = np.einsum("nml,ml->nm", by_channel, weights)  # <conj(z_n) z_m>
        return np.linalg.eigh(single)[1][:, -1].conj()

    def _covariance(self) -> ComplexArray:
        """Return (virtual * K, virtual * K) mean of conj(c_a) c_b over at most 2000 frames, the static part removed."""
        few = self.coefficients[:: max(1, self.n_frames // 2000)].reshape(-1, int(np.prod(self.coefficients.shape[1:])))
        moving = few - few.mean(axis=0)
        return moving.conj().T @ moving / len(moving)


class PulsedField(Field):
    """Take the nearest range point of a pulsed radar; x and y are not resolved."""

    def __init__(self, capture: Capture, watch: Watch = silent) -> None:
        radar = capture.radar
        assert isinstance(radar, PulsedRadar)
        self.fs_hz, self.wavelength_m = capture.frame_rate_hz, radar.wavelength_m
        self.lost = np.asarray(capture.lost) > SPOILT_SHARE
        self.bridged = np.zeros_like(self.lost)
        self.range_m = radar.ranges_m
        shape = (capture.n_frames, radar.points)
        _check_length(capture, int(np.prod(shape)) * 8)
        self.values = np.empty(shape, dtype=np.complex64)
        at_once = max(16, CHUNK_BYTES // (8 * radar.points * radar.sweeps))
        for first, frames in capture.chunks(at_once):
            self.values[first : first + len(frames)] = frames
            watch("reading", first + len(frames), capture.n_frames)

    def signals(self, points_m: FloatArray, first: int = 0, last: int | None = None) -> NDArray[np.complex64]:
        """Return (frame, point) of the nearest range points; see `Field`."""
        nearest = np.abs(np.asarray(points_m)[:, 2, None] - self.range_m).argmin(axis=1)
        return self.values[first:last][:, nearest].astype(np.complex64)

    def independent(self, points_m: FloatArray) -> int:
        """Return how many of the points differ in what moves: the length of the pulse is not known; see `Field`."""
        z = self.signals(points_m).astype(np.complex128)
        moving = z - z.mean(axis=0)
        moving /= np.maximum(np.linalg.norm(moving, axis=0), 1e-30)
        return _count(np.linalg.eigvalsh(moving.conj().T @ moving))


class CwField(Field):
    """Hold the one signal of a continuous-wave radar, its imbalance and DC taken out.

    Attributes:
        note: what was corrected, or why nothing was.
    """

    def __init__(self, capture: Capture, watch: Watch = silent) -> None:
        radar = capture.radar
        assert isinstance(radar, CwRadar)
        self.fs_hz, self.wavelength_m = capture.frame_rate_hz, radar.wavelength_m
        self.lost = np.asarray(capture.lost) > SPOILT_SHARE
        self.bridged = np.zeros_like(self.lost)
        z = capture.read().astype(np.complex128)
        step = max(1, len(z) // 20_000)
        try:
            found = fit_imbalance(z[::step][~self.lost[::step]])
        except InputError as error:
            self.values, self.note = z, f"not corrected: {error}"
        else:
            plausible = 0.5 < found.gain < 2.0 and abs(found.skew_rad) < 0.5
            self.values = correct_imbalance(z, found) if plausible else z
            self.note = f"gain {found.gain:.3f}, phase {np.degrees(found.skew_rad):.1f} degrees" if plausible else (
                "not corrected: the samples cover too little of an ellipse"
            )  # fmt: skip
        watch("reading", len(z), len(z))

    def signals(self, points_m: FloatArray, first: int = 0, last: int | None = None) -> NDArray[np.complex64]:
        """Return (frame, point), the same signal for every point; see `Field`."""
        return np.repeat(self.values[first:last, None].astype(np.complex64), len(points_m), axis=1)

    def independent(self, points_m: FloatArray) -> int:
        """Return 1."""
        return 1


def _count(eigenvalues: NDArray[np.floating]) -> int:
    """Return how many eigenvalues stand out."""
    return int((eigenvalues > INDEPENDENT * eigenvalues[-1]).sum())


def _check_length(capture: Capture, n_bytes: int) -> None:
    if n_bytes > LARGEST_BYTES:
        minutes = capture.duration_s / 60 * LARGEST_BYTES / n_bytes
        raise InputError(f"{capture.source} is too long to be held at once. Extract stretches of {minutes:.0f} min.")


def frames_at_once(radar: FmcwRadar) -> int:
    """Return how many frames to read at a time."""
    return max(16, CHUNK_BYTES // (8 * int(np.prod(radar.frame_shape))))

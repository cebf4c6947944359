"""Back-projection: focus the virtual channels on points in space, exactly and fast.

A reflection at round trip r gives, in sample i of a chirp, exp(+j 2 pi (f0 tau + k tau t_i - k tau^2 / 2)) with tau =
r / c, start frequency f0, slope k and t_i = adc_start + i / adc_rate. The matched sum over virtual channels n and
samples i

    S(p, t) = sum_n sum_i w_i y[t, n, i] exp(-j 2 pi (f0 tau_pn + k tau_pn t_i - k tau_pn^2 / 2)) / (N I)

is 2 x N x I multiplications per point and frame. But all kernels of a grid lie between its nearest and its farthest
round trip, and chirps over a limited span of ranges are few-dimensional (span over resolution, and a few): an
orthonormal basis of K of them, found once by singular values, carries every kernel to `TOLERANCE`. So

    frames (t, n, i) -> coefficients (t, n, K) -> points (t, p)

with N I K + N K P instead of N I P multiplications, and what is kept of a recording are its coefficients, from which
any point of the span can be formed later without reading the file again.

Reference: MMECG's back-projection (Chen et al., IEEE TMC 2024), whose kernel leaves out -k tau^2 / 2 and has the
opposite sign of phase; here the phase grows with the distance.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from radarode.core.errors import InputError
from radarode.radar.description import SPEED_OF_LIGHT_M_S, FmcwRadar
from radarode.radar.grid import round_trips_m
from radarode.radar.range import Window, range_window

ComplexArray = NDArray[np.complexfloating]
FloatArray = NDArray[np.float64]

TOLERANCE = 1e-5
"""Largest relative error of a kernel in the basis."""

_FORM_BYTES = 64 * 2**20
_KERNEL_POINTS = 256


def kernels(round_trip_m: FloatArray, radar: FmcwRadar, window: Window = "hann") -> NDArray[np.complex128]:
    """Return the matched filters (..., sample) of round trips (...), tapered and divided by the number of samples."""
    tau = np.asarray(round_trip_m, dtype=np.float64)[..., None] / SPEED_OF_LIGHT_M_S
    time_s = radar.adc_start_s + np.arange(radar.samples) / radar.adc_rate_hz
    cycles = radar.start_hz * tau + radar.slope_hz_per_s * tau * (time_s - tau / 2)
    taper = range_window(radar.samples, window) / radar.samples
    return np.asarray(taper * np.exp(-2j * np.pi * cycles), dtype=np.complex128)


def form_directly(
    channels: ComplexArray, points_m: FloatArray, radar: FmcwRadar, window: Window = "hann"
) -> NDArray[np.complex64]:
    """Form the sum as it is written, the yardstick of the fast way.

    Args:
        channels: (frame, virtual, sample).
        points_m: (point, 3).
        radar: the radar.
        window: taper.

    Returns:
        (frame, point).
    """
    filters = kernels(round_trips_m(points_m, radar), radar, window) / radar.n_virtual
    filters = torch.from_numpy(filters.astype(np.complex64))
    samples = torch.from_numpy(np.ascontiguousarray(channels, dtype=np.complex64))
    return torch.einsum("tni,pni->tp", samples, filters).numpy()


@dataclass(frozen=True, slots=True, eq=False)
class RangeBasis:
    """Carry every matched filter between two round trips.

    Attributes:
        radar: the radar.
        window: taper.
        span_m: shortest and longest round trip.
        filters: (sample, K) orthonormal; coefficients are `channels @ filters`.
    """

    radar: FmcwRadar
    window: Window
    span_m: tuple[float, float]
    filters: NDArray[np.complex128]

    @classmethod
    def over(cls, span_m: tuple[float, float], radar: FmcwRadar, window: Window = "hann") -> RangeBasis:
        """Find the basis for round trips from `span_m[0]` to `span_m[1]`, by singular values of densely spaced kernels.

        Raises:
            InputError: the span is empty.
        """
        if not 0 <= span_m[0] <= span_m[1]:
            raise InputError.of("span_m", "two increasing round trips", span_m)
        count = 8 + int(8 * (span_m[1] - span_m[0]) / radar.range_resolution_m)
        sampled = kernels(np.linspace(*span_m, min(count, 4 * radar.samples)), radar, window)
        _, values, right = np.linalg.svd(sampled, full_matrices=False)
        rest = np.sqrt(np.cumsum(values[::-1] ** 2))[::-1] / np.sqrt(len(sampled))
        keep = int((rest > TOLERANCE * np.linalg.norm(sampled[0])).sum())
        return cls(radar, window, span_m, right[:keep].conj().T)

    def compress(self, channels: ComplexArray) -> NDArray[np.complex64]:
        """Return coefficients (frame, virtual, K) of channels (frame, virtual, sample)."""
        samples = torch.from_numpy(np.ascontiguousarray(channels, dtype=np.complex64))
        # kernel = (kernel @ filters) @ filters^H, so sum_i y_i kernel_i = (y @ conj(filters)) . (kernel @ filters)
        return (samples @ torch.from_numpy(self.filters.conj().astype(np.complex64))).numpy()

    def weights(self, points_m: FloatArray) -> NDArray[np.complex64]:
        """Return (virtual * K, point): `coefficients.reshape(frame, -1) @ weights` is the focused signal.

        Raises:
            InputError: a point lies outside the span.
        """
        trips = round_trips_m(points_m, self.radar)
        slack = 1e-9
        if trips.min() < self.span_m[0] - slack or trips.max() > self.span_m[1] + slack:
            raise InputError.of(
                "points_m", f"within round trips of {self.span_m[0]:.2f} to {self.span_m[1]:.2f} m", "other"
            )
        found = np.empty((len(trips), trips.shape[1], self.filters.shape[1]), dtype=np.complex64)
        for start in range(0, len(trips), _KERNEL_POINTS):
            part = slice(start, start + _KERNEL_POINTS)
            found[part] = kernels(trips[part], self.radar, self.window) @ self.filters
        return np.ascontiguousarray(found.reshape(len(trips), -1).T / np.float32(trips.shape[1]))


def form(coefficients: ComplexArray, weights: NDArray[np.complex64]) -> NDArray[np.complex64]:
    """Form focused signals from coefficients, in chunks of frames.

    Args:
        coefficients: (frame, virtual, K).
        weights: (virtual * K, point) of `RangeBasis.weights`.

    Returns:
        (frame, point).
    """
    flat = coefficients.reshape(len(coefficients), -1)
    matrix = torch.from_numpy(weights)
    out = np.empty((len(flat), weights.shape[1]), dtype=np.complex64)
    step = max(1, _FORM_BYTES // (8 * max(flat.shape[1], weights.shape[1])))
    for start in range(0, len(flat), step):
        part = torch.from_numpy(np.ascontiguousarray(flat[start : start + step], dtype=np.complex64))
        torch.matmul(part, matrix, out=torch.from_numpy(out[start : start + step]))
    return out


def span_of(points_m: FloatArray, radar: FmcwRadar, margin_m: float = 0.1) -> tuple[float, float]:
    """Return the shortest and longest round trip to points, widened by a margin on either side."""
    trips = round_trips_m(points_m, radar)
    return max(0.0, float(trips.min()) - 2 * margin_m), float(trips.max()) + 2 * margin_m

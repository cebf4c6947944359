"""What the ADC of a chirping radar delivers of a simulated scene, exactly.

A reflection whose path transmitter -> scatterer -> receiver is r(t_c) long at the time t_c of its chirp gives, in
sample i,

    a exp(+j 2 pi (f0 tau + k tau t_i - k tau^2 / 2)),  tau = r / c,  t_i = adc_start + i / adc_rate

with start frequency f0, slope k, and a = reflectivity / (distance to the transmitter x distance to the receiver).
Chirp c of frame t starts at t frame_period + c chirp_period, so transmitters in turn see a moving chest at different
times; within a chirp nothing moves. Real samples are the real part.

Summed as it stands, that is one complex exponential per scatterer, channel and sample. Over one chest tau varies by
about 1 ns, so exp(j 2 pi k tau t_i) is expanded in Chebyshev polynomials T_m of u = (tau - tau_0) / Delta in [-1, 1]
(Jacobi-Anger, z_i = 2 pi k Delta (t_i - t_mid)):

    exp(j z_i u) = J_0(z_i) + 2 sum_m j^m J_m(z_i) T_m(u)

so that scatterers are summed once per term and channel, and one product of matrices spreads the terms over the samples.
Terms beyond `TOLERANCE` are left out; together with single precision the error is below 1e-5 of the sum of all
amplitudes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import jv

from radarode.radar.description import SPEED_OF_LIGHT_M_S, FmcwRadar
from radarode.simulate.scene import Reflector, Subject

FloatArray = NDArray[np.floating]
ComplexArray = NDArray[np.complexfloating]

TOLERANCE = 1e-7
"""Largest term of the expansion that is left out."""

_ROWS_BYTES = 2 * 2**20


@dataclass(frozen=True, eq=False)
class Echoes:
    """Give the beat signals of a scene before noise and quantisation.

    Attributes:
        radar: the radar.
        subjects: people, who move.
        reflectors: what stands still.
        correlated: phase noise grows with the range, as that of one oscillator that sends and receives; otherwise all
            ranges have the same.
    """

    radar: FmcwRadar
    subjects: Sequence[Subject]
    reflectors: Sequence[Reflector] = ()
    correlated: bool = True

    def frames(self, index: NDArray[np.integer], jitter_rad: FloatArray | None = None) -> NDArray[np.complex64]:
        """Return the samples of some frames.

        Args:
            index: (frame,) increasing frame numbers.
            jitter_rad: (frame, chirp) phase noise, of a reflection at 1 m where it is correlated; None for none.

        Returns:
            (frame, chirp, rx, sample); amplitude 1 is a reflector of reflectivity 1 at 1 m.
        """
        out = self.still(len(index), jitter_rad)
        for subject in self.subjects:
            self._add_moving(out, subject, index, jitter_rad)
        return out

    def moving(self, index: NDArray[np.integer]) -> NDArray[np.complex64]:
        """Return the part of the first person in `frames`, without phase noise."""
        out = np.zeros((len(index), *self.radar.frame_shape), dtype=np.complex64)
        self._add_moving(out, self.subjects[0], index, None)
        return out

    def still(self, n_frames: int, jitter_rad: FloatArray | None) -> NDArray[np.complex64]:
        """Return the part of the reflectors in `frames`."""
        radar = self.radar
        out = np.zeros((n_frames, *radar.frame_shape), dtype=np.complex64)
        if not self.reflectors:
            return out
        places_m = np.array([one.place_m for one in self.reflectors])
        strength = np.array([one.reflectivity for one in self.reflectors])
        to_tx, to_rx = (np.linalg.norm(places_m[:, None] - np.array(a), axis=-1) for a in (radar.tx_m, radar.rx_m))
        for chirp, tx in enumerate(radar.tx_order):
            path_m = to_tx[:, tx, None] + to_rx
            each = beat_signal(path_m, strength[:, None] / (to_tx[:, tx, None] * to_rx), radar)
            if jitter_rad is None:
                out[:, chirp] = each.sum(axis=0)
                continue
            for rx in range(radar.n_rx):
                turn = np.exp(1j * self._turn(jitter_rad[:, chirp, None], path_m[:, rx]))
                out[:, chirp, rx] = turn.astype(np.complex64) @ each[:, rx].astype(np.complex64)
        return out

    def _turn(self, jitter_rad: FloatArray, path_m: FloatArray) -> FloatArray:
        """Return the phase noise of paths."""
        return jitter_rad * (path_m / 2 if self.correlated else 1.0)

    def _add_moving(
        self, out: ComplexArray, subject: Subject, index: NDArray[np.integer], jitter_rad: FloatArray | None
    ) -> None:
        """Add the echoes of one person to `out`, chirp by chirp and some frames at a time."""
        radar = self.radar
        most = max(1, _ROWS_BYTES // (8 * radar.n_rx * len(subject.surface.reflectivity)))
        for start in range(0, len(index), most):
            part = slice(start, start + most)
            starts_s = chirp_starts_s(radar, index[part])
            moved = subject.motion.displacement_m(starts_s.reshape(-1)).reshape(-1, *starts_s.shape)
            for chirp, tx in enumerate(radar.tx_order):
                path_m, amplitude = paths(subject, np.ascontiguousarray(moved[:, :, chirp].T), radar, tx)
                rows = path_m.reshape(-1, path_m.shape[-1])
                turn = 0.0 if jitter_rad is None else self._turn(jitter_rad[part, chirp, None, None], path_m)
                turn = np.broadcast_to(turn, path_m.shape).reshape(rows.shape)
                summed = sum_echoes(rows, amplitude.reshape(rows.shape), turn, radar)
                out[part, chirp] += summed.reshape(-1, radar.n_rx, radar.samples)


def chirp_starts_s(radar: FmcwRadar, index: NDArray[np.integer]) -> FloatArray:
    """Return (frame, chirp) when each chirp of some frames starts."""
    return index[:, None] * radar.frame_period_s + np.arange(radar.n_chirps) * radar.chirp_period_s


def beat_signal(path_m: FloatArray, amplitude: FloatArray, radar: FmcwRadar) -> ComplexArray:
    """Return the samples (..., sample) of paths (...) by the formula, in double precision."""
    tau = np.asarray(path_m, dtype=np.float64)[..., None] / SPEED_OF_LIGHT_M_S
    time_s = radar.adc_start_s + np.arange(radar.samples) / radar.adc_rate_hz
    cycles = radar.start_hz * tau + radar.slope_hz_per_s * tau * (time_s - tau / 2)
    return np.asarray(np.asarray(amplitude)[..., None] * np.exp(2j * np.pi * cycles), dtype=np.complex128)


def paths(subject: Subject, moved_m: FloatArray, radar: FmcwRadar, tx: int) -> tuple[FloatArray, FloatArray]:
    """Return the lengths of the paths over moved scatterers, exactly, and the amplitudes of their echoes.

    Args:
        subject: whose chest.
        moved_m: (frame, scatterer) displacement along `inward`.
        radar: its antennas.
        tx: the transmitter.

    Returns:
        Two arrays (frame, rx, scatterer).
    """
    surface = subject.surface
    sent, received = (
        [_distance(surface.places_m - place, surface.inward, moved_m) for place in places]
        for places in ([np.array(radar.tx_m[tx])], np.array(radar.rx_m))
    )
    to_rx = np.stack(received, axis=1)
    return sent[0][:, None] + to_rx, surface.reflectivity / (sent[0][:, None] * to_rx)


def sum_echoes(
    path_m: FloatArray, amplitude: FloatArray, turn_rad: FloatArray, radar: FmcwRadar
) -> NDArray[np.complex64]:
    """Sum the samples of many paths that lie close together; the fast form of `beat_signal`.

    Args:
        path_m: (row, scatterer) lengths.
        amplitude: (row, scatterer).
        turn_rad: (row, scatterer) additional phase.
        radar: the radar.

    Returns:
        (row, sample).
    """
    tau = path_m / SPEED_OF_LIGHT_M_S
    low, high = float(tau.min()), float(tau.max())
    middle, half = (low + high) / 2, max((high - low) / 2, 1e-15)
    time_s = radar.adc_start_s + np.arange(radar.samples) / radar.adc_rate_hz
    centre_s = (time_s[0] + time_s[-1]) / 2
    cycles = radar.start_hz * tau + radar.slope_hz_per_s * tau * (centre_s - tau / 2)
    angle = (2 * np.pi * (cycles - np.rint(cycles)) + turn_rad).astype(np.float32)
    basis = _basis(2 * np.pi * radar.slope_hz_per_s * half * (time_s - centre_s))
    size = amplitude.astype(np.float32)
    u = ((tau - middle) / half).astype(np.float32)
    moments = _moments((size * np.cos(angle), size * np.sin(angle)), u, len(basis))
    basis = basis * np.exp(2j * np.pi * radar.slope_hz_per_s * middle * (time_s - centre_s))
    return moments @ basis.astype(np.complex64)


def _distance(away_m: FloatArray, inward: FloatArray, moved_m: FloatArray) -> FloatArray:
    """Return |away + moved inward| (frame, scatterer) for unit vectors `inward`."""
    along = 2 * (away_m * inward).sum(axis=1)
    return np.sqrt((away_m**2).sum(axis=1) + moved_m * (along + moved_m))


def _basis(z: FloatArray) -> NDArray[np.complex128]:
    """Return (term, sample) c_m j^m J_m(z), as many terms as count."""
    largest = float(np.abs(z).max())
    orders = np.arange(int(largest + 12 * max(largest, 1.0) ** (1 / 3)) + 12)
    keep = int((np.abs(jv(orders, largest)) > TOLERANCE).nonzero()[0][-1]) + 2
    scale = np.where(orders[:keep] == 0, 1.0, 2.0) * 1j ** (orders[:keep] % 4)
    return scale[:, None] * jv(orders[:keep, None], z)


def _moments(parts: tuple[NDArray, NDArray], u: NDArray[np.float32], terms: int) -> NDArray[np.complex64]:
    """Return (row, term) sums over scatterers of (parts[0] + j parts[1]) T_m(u)."""
    out = np.empty((len(u), terms), dtype=np.complex64)
    twice = 2 * u
    before, now = np.ones_like(u), u
    for m in range(terms):
        out.real[:, m] = np.einsum("rs,rs->r", parts[0], before)
        out.imag[:, m] = np.einsum("rs,rs->r", parts[1], before)
        before, now = now, twice * now - before
    return out

"""Score points by how clearly their motion repeats at cardiac rates.

Two scores, both on the recording alone:

`repetition` (default): the envelope of the heart's vibrations (6 to 25 Hz where the frame rate allows, else the
velocity in 0.7 to 4 Hz) is correlated with itself one and two beats later; the beat period is tracked once for all
points together, so a point without a heart scores 0 on average and not the maximum of noise. The envelope forgives
beats that come some ms early or late.

`template_score` (in `dtw.py`): the published chain's, by dynamic time warping of the cycles onto their average.

The first is the default because it is several times faster and holds up better where beats are irregular and echoes
weak; with strong echoes the second separates points with a heart from points without one slightly better. Both are
measured by `benchmarks/bench_radar.py`; figures in docs/radar.md.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import fft
from scipy.ndimage import uniform_filter1d

from radarode.core.errors import InputError
from radarode.radar.iq import fit_circle
from radarode.radar.phase import FADED
from radarode.signal.beat_energy import ENERGY_HZ, lagged_products
from radarode.signal.beat_period import Period, track_period

FloatArray = NDArray[np.float64]
ComplexArray = NDArray[np.complexfloating]

LIMITS_S = (0.4, 1.4)
VIBRATION_HZ = (6.0, 25.0)
SLOW_HZ = (0.7, 4.0)
LEAST_VIBRATION_FS_HZ = 60.0
"""Below this frame rate the vibrations themselves (up to 25 Hz) are not sampled; the slow band is used."""

WINDOW_S, HOP_S = 8.0, 4.0
_LARGEST = 3.0
_LEVEL_S = 3.0
_CIRCLE_SAMPLES = 600


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """Hold the scores of points on one stretch.

    Attributes:
        score: (point,) correlation with the next two beats, -1 to 1, about 0 without a heart.
        power: (point,) mean square of the complex signal's moving part.
        motion_m: (point,) standard deviation of the displacement's velocity, in metres per second.
        period: the beat period of all points together.
    """

    score: FloatArray
    power: FloatArray
    motion_m: FloatArray
    period: Period


def velocity(z: ComplexArray, fs_hz: float, wavelength_m: float) -> NDArray[np.float32]:
    """Return (point, frame) radial velocity in m/s of focused signals, 0 where a signal fades; quick, without repair.

    The circle's centre is subtracted where it can be trusted.

    Args:
        z: (frame, point).
        fs_hz: frames per second.
        wavelength_m: of the radar.
    """
    few = np.ascontiguousarray(z[:: max(1, len(z) // _CIRCLE_SAMPLES)].T)
    centre = fit_circle(few, steps=2).usable_centre.astype(np.complex64)
    centred = torch.from_numpy(np.ascontiguousarray((z - centre).T))
    steps = torch.angle(centred[:, 1:] * centred[:, :-1].conj())
    size = centred.abs()
    weak = size < FADED * size.median(dim=1, keepdim=True).values
    steps[weak[:, 1:] | weak[:, :-1]] = 0.0
    steps *= fs_hz * wavelength_m / (4 * np.pi)
    return torch.nn.functional.pad(steps, (1, 0)).numpy()


def vibration_envelope(speed: NDArray[np.floating], fs_hz: float) -> NDArray[np.float32]:
    """Return (point, frame at 50 Hz) what is correlated with itself: 0 at its local mean, clipped.

    From 60 frames/s on the envelope of the acceleration in 6 to 25 Hz; below, the velocity in 0.7 to 4 Hz itself.

    Args:
        speed: (point, frame) velocity.
        fs_hz: frames per second.
    """
    n = speed.shape[1]
    out = max(8, round(n / fs_hz * ENERGY_HZ))
    spectrum = torch.fft.fft(torch.from_numpy(np.ascontiguousarray(speed, dtype=np.float32)))
    freq = np.abs(fft.fftfreq(n, 1 / fs_hz))
    if fs_hz < LEAST_VIBRATION_FS_HZ:
        band = (freq >= SLOW_HZ[0]) & (freq <= min(SLOW_HZ[1], 0.45 * fs_hz))
        return _resampled(spectrum * torch.from_numpy(band), out).real.numpy().astype(np.float32)
    high = min(VIBRATION_HZ[1], 0.45 * fs_hz)
    first, last = (round(edge * n / fs_hz) for edge in (VIBRATION_HZ[0], high))
    last = min(last, first + out - 1)
    ramp = torch.from_numpy(np.arange(first, last, dtype=np.float32) * np.float32(1 / n))
    base = torch.zeros((len(speed), out), dtype=spectrum.dtype)
    base[:, : last - first] = spectrum[:, first:last] * ramp
    envelope = torch.fft.ifft(base).abs()
    level = envelope.median(dim=1, keepdim=True).values.clamp_min(1e-30)
    clipped = (envelope / level).clamp_max(1 + _LARGEST).numpy()
    return clipped - uniform_filter1d(clipped, round(_LEVEL_S * ENERGY_HZ), axis=1, mode="nearest")


def _resampled(spectrum: torch.Tensor, out: int) -> torch.Tensor:
    """Return the inverse transform at `out` points of spectra whose band fits."""
    n, half = spectrum.shape[1], min(spectrum.shape[1], out) // 2
    padded = torch.zeros((len(spectrum), out), dtype=spectrum.dtype)
    padded[:, :half] = spectrum[:, :half]
    padded[:, out - half + 1 :] = spectrum[:, n - half + 1 :]
    return torch.fft.ifft(padded) * (out / n)


def score_points(z: ComplexArray, fs_hz: float, wavelength_m: float) -> Scored:
    """Score focused signals by `repetition`.

    Args:
        z: (frame, point), at least 6 s.
        fs_hz: frames per second.
        wavelength_m: of the radar.

    Raises:
        InputError: the stretch is too short to hold beats.
    """
    if len(z) < 6 * fs_hz:
        raise InputError(f"a stretch of {len(z) / fs_hz:.1f} s is too short to look for a heart; 6 s are needed.")
    speed = velocity(z, fs_hz, wavelength_m)
    power = (np.abs(z - z.mean(axis=0)) ** 2).mean(axis=0).astype(np.float64)
    envelope = vibration_envelope(speed, fs_hz)
    period, products = shared_period(envelope, power)
    return Scored(repetition(products, period), power, speed.std(axis=1).astype(np.float64), period)


def shared_period(envelope: NDArray[np.floating], power: FloatArray) -> tuple[Period, NDArray[np.float64]]:
    """Track the beat period of all points together; also return their autocorrelations (point, window, lag).

    Args:
        envelope: (point, frame) result of `vibration_envelope`.
        power: (point,) weights.
    """
    window, hop = round(min(WINDOW_S, envelope.shape[1] / ENERGY_HZ) * ENERGY_HZ), round(HOP_S * ENERGY_HZ)
    longest = min(round(2 * LIMITS_S[1] * ENERGY_HZ) + 2, window - 1)
    products = lagged_products(envelope, window, hop, longest)
    normal = products / np.maximum(products[:, :, :1], 1e-12)
    clarity = normal[:, :, round(LIMITS_S[0] * ENERGY_HZ) :].max(axis=2).mean(axis=1)
    weights = np.sqrt(np.maximum(power, 0.0)) * np.clip(clarity, 0.02, 1.0) ** 2
    weights = weights / max(float(weights.sum()), 1e-30)
    summed = np.einsum("p,pwl->wl", weights, normal)
    return track_period(summed, summed, hop, LIMITS_S), products


def repetition(products: NDArray[np.float64], period: Period) -> FloatArray:
    """Return (point,) the normalised autocorrelation one and two beats later, the mean of both and over windows.

    Args:
        products: (point, window, lag) autocorrelations.
        period: beat period of each window.
    """
    rows, total = np.arange(products.shape[1]), np.maximum(products[:, :, 0], 1e-12)
    found = np.zeros(products.shape[:2])
    for beats in (1, 2):
        lag = np.clip(beats * period.period_s * ENERGY_HZ, 0, products.shape[2] - 1.001)
        low = np.floor(lag).astype(np.int64)
        part = lag - low
        found += (1 - part) * products[:, rows, low] + part * products[:, rows, low + 1]
    return (0.5 * found / total).mean(axis=1)

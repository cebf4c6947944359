"""Reference ECG of a virtual person: the McSharry model, or real beats placed at simulated times.

Reference: McSharry, Clifford, Tarassenko, Smith, IEEE TBME 50(3), 2003, eq. 1. Deviations: the angle runs
exactly from R to R, so that R peaks stand where the rhythm puts them; the forcing is multiplied by the angular
rate, so that heights do not depend on the heart rate; wave positions follow
QT ~ sqrt(RR) (Bazett) and PR ~ RR^(1/4), QRS keeps its duration.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from radarode.core.errors import InputError
from radarode.simulate.heart import VENTRICULAR, Rhythm
from radarode.simulate.random_signals import coloured_noise
from radarode.simulate.traits import EcgTraits

FloatArray = NDArray[np.floating]

P, Q, R, S, T = range(5)
OVERSAMPLING = 4
TIME_EXPONENT = np.array([0.25, 0.0, 0.0, 0.0, 0.5])
FALLEN = (P, Q, R)
RISEN = (R, S, T)


@dataclass(frozen=True, slots=True, eq=False)
class RealBeats:
    """Hold stretches of a real ECG from one R peak to the next.

    Attributes:
        pieces_mv: one array a beat interval, sampled at `fs_hz`, both R peaks included.
        fs_hz: sampling rate.
    """

    pieces_mv: tuple[FloatArray, ...]
    fs_hz: float


def cut_beats(ecg_mv: FloatArray, fs_hz: float, r_peaks_s: FloatArray) -> RealBeats:
    """Cut a real ECG at its R peaks, for `Conditions.beats`.

    Args:
        ecg_mv: (time,) a real ECG.
        fs_hz: its sampling rate.
        r_peaks_s: (beat,) its R peaks.

    Returns:
        The stretches of 0.35-2 s that hold no NaN, in order.

    Raises:
        InputError: fewer than three such stretches exist.
    """
    time_s = np.arange(len(ecg_mv)) / fs_hz
    pieces = []
    for start_s, stop_s in pairwise(r_peaks_s):
        if not (0.35 <= stop_s - start_s <= 2.0 and start_s >= 0 and stop_s <= time_s[-1]):
            continue
        grid_s = np.linspace(start_s, stop_s, round((stop_s - start_s) * fs_hz) + 1)
        piece = np.interp(grid_s, time_s, ecg_mv)
        if np.isfinite(piece).all():
            pieces.append(piece)
    if len(pieces) < 3:
        raise InputError.of("beats", "an ECG with at least 3 clean beat intervals", len(pieces))
    return RealBeats(tuple(pieces), fs_hz)


def simulate_ecg(
    traits: EcgTraits, rhythm: Rhythm, n_samples: int, fs_hz: float, rng: np.random.Generator
) -> FloatArray:
    """Solve the McSharry model on a rhythm and add baseline wander and noise.

    z' = sum_f -(A_f / b_f^2) dtheta_f exp(-dtheta_f^2 / 2 b_f^2) theta' - z, solved as the linear recurrence
    z[k+1] = (1 - h) z[k] + h forcing[k] on a grid four times finer than the output.

    Args:
        traits: the person's waves.
        rhythm: R peaks; must begin before 0 and end after the last sample.
        n_samples: length of the output.
        fs_hz: its rate.
        rng: source of randomness.

    Returns:
        (time,) ECG in mV.
    """
    fine_hz = OVERSAMPLING * fs_hz
    lead = round(2.0 * fine_hz)
    time_s = (np.arange(lead + n_samples * OVERSAMPLING) - lead) / fine_hz
    beat = np.clip(np.searchsorted(rhythm.r_s, time_s, side="right") - 1, 0, len(rhythm.r_s) - 2)
    interval_s = np.diff(rhythm.r_s)[beat]
    since_s = time_s - rhythm.r_s[beat]
    waves = _waves_in_time(traits, rhythm, rng)
    forcing = np.zeros(len(time_s))
    for wave in RISEN:
        forcing += _forcing(waves, wave, beat, since_s, since_s < 0.75 * interval_s)
    for wave in FALLEN:
        forcing += _forcing(waves, wave, beat + 1, since_s - interval_s, since_s > 0.35 * interval_s)
    h = 1 / fine_hz
    middle = 0.5 * (forcing[1:] + forcing[:-1])
    z = np.concatenate([[0.0], lfilter([h], [1.0, -(1.0 - h)], middle)])
    ecg_mv = z[lead::OVERSAMPLING]
    return ecg_mv + _reference_noise(traits, rhythm.irregular, n_samples, fs_hz, rng)


def _waves_in_time(
    traits: EcgTraits, rhythm: Rhythm, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return amplitude [mV], centre [s from R] and width [s] of every wave of every beat, each (beat, 5)."""
    slow_s = rhythm.slow_interval_s[:, None]
    width_s = traits.width_rad / (2 * np.pi) * slow_s**TIME_EXPONENT
    centre_s = traits.angle_rad / (2 * np.pi) * slow_s**TIME_EXPONENT
    n_beats = len(slow_s)
    amplitude = traits.amplitude_mv * (1 + rng.normal(0, (0.08, 0.05, 0.02, 0.04, 0.04), (n_beats, 5)))
    if rhythm.irregular:
        amplitude[:, P] = 0.0
    ventricular = rhythm.kind == VENTRICULAR
    amplitude[ventricular] *= (0.0, 0.5, 1.2, 1.3, -1.3)
    width_s[ventricular] *= (1.0, 2.0, 2.2, 2.0, 1.2)
    centre_s[ventricular] *= (1.0, 2.0, 2.2, 2.0, 1.1)
    return amplitude, centre_s - _apex_s(amplitude, centre_s, width_s), width_s


def _apex_s(amplitude: FloatArray, centre_s: FloatArray, width_s: FloatArray) -> FloatArray:
    """Return (beat, 1) how far Q and S push the top of R away from the centre of the R wave."""
    offset_s = np.linspace(-0.012, 0.012, 97)
    total = np.zeros((len(amplitude), len(offset_s)))
    for wave in (Q, R, S):
        ratio = (offset_s - centre_s[:, wave, None]) / width_s[:, wave, None]
        total += amplitude[:, wave, None] * np.exp(-0.5 * ratio**2)
    return offset_s[np.argmax(total, axis=1)][:, None]


def _forcing(
    waves: tuple[FloatArray, FloatArray, FloatArray],
    wave: int,
    beat: NDArray[np.integer],
    since_s: FloatArray,
    where: NDArray[np.bool_],
) -> FloatArray:
    """Return the forcing of one wave: the derivative of a Gaussian around its place in the cycle."""
    amplitude, centre_s, width_s = (part[beat[where], wave] for part in waves)
    ratio = (since_s[where] - centre_s) / width_s
    forcing = np.zeros(len(since_s))
    forcing[where] = -amplitude * ratio / width_s * np.exp(-0.5 * ratio**2)
    return forcing


def _reference_noise(
    traits: EcgTraits, irregular: bool, n_samples: int, fs_hz: float, rng: np.random.Generator
) -> FloatArray:
    noise = traits.noise_mv * coloured_noise(rng, (1, n_samples), fs_hz, 0.0, (1.0, 40.0))[0]
    noise = noise + traits.wander_mv * coloured_noise(rng, (1, n_samples), fs_hz, -1.0, (0.05, 0.5))[0]
    if irregular:
        noise = noise + 0.03 * coloured_noise(rng, (1, n_samples), fs_hz, 0.0, (4.5, 7.5))[0]
    return noise.astype(np.float64)


def place_beats(beats: RealBeats, rhythm: Rhythm, n_samples: int, fs_hz: float, rng: np.random.Generator) -> FloatArray:
    """Place real beats, in their own order from a random start, on simulated R peaks.

    Each stretch from R to R is warped in pieces: QRS keeps its duration, T moves with sqrt(RR), P keeps its
    distance to the next R, the rest of diastole takes up the difference.

    Args:
        beats: stretches of a real ECG.
        rhythm: R peaks; must begin before 0 and end after the last sample.
        n_samples: length of the output.
        fs_hz: its rate.
        rng: source of randomness.

    Returns:
        (time,) ECG in mV.
    """
    time_s = np.arange(n_samples) / fs_hz
    ecg_mv = np.zeros(n_samples)
    first = int(rng.integers(len(beats.pieces_mv)))
    last_mv = beats.pieces_mv[first][0]
    edges = np.searchsorted(time_s, rhythm.r_s)
    for k, (start, stop) in enumerate(pairwise(edges)):
        piece = beats.pieces_mv[(first + k) % len(beats.pieces_mv)]
        piece_s = (len(piece) - 1) / beats.fs_hz
        interval_s = rhythm.r_s[k + 1] - rhythm.r_s[k]
        since_s = time_s[start:stop] - rhythm.r_s[k]
        there_s = np.interp(since_s, _knots_s(interval_s), _knots_s(piece_s))
        values = np.interp(there_s * beats.fs_hz, np.arange(len(piece)), piece)
        ecg_mv[start:stop] = values + (last_mv - piece[0]) * (1 - since_s / interval_s)
        last_mv = piece[-1]
    return ecg_mv


def _knots_s(interval_s: float) -> FloatArray:
    """Return R, end of S, end of T, start of P, start of Q and the next R inside an interval."""
    t_end_s = min(0.42 * np.sqrt(interval_s), 0.62 * interval_s)
    p_start_s = max(interval_s - 0.22, 0.7 * interval_s)
    return np.array([0.0, 0.08, t_end_s, p_start_s, interval_s - 0.06, interval_s])

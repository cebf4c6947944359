"""Chest wall: from beats to the RCG of many points.

Each beat adds wavelets a cos(2 pi f (t-T) + phase) exp(-(t-T)^2 / b^2) to the displacement: the parts of v1
after the opening of the aortic valve, those of v2 around its closure, and weaker ones. Deviation from the
paper's signal model: the cosine is counted from T, not from 0, since otherwise two beats of one heart would
differ at random.

The wavelets are built in the frequency domain, where the second derivative, the propagation delay, the
sensor's response and the place between two samples are products, and added on their support only.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from radarode.core.types import Status
from radarode.simulate.breathing import Breathing
from radarode.simulate.heart import VENTRICULAR, Rhythm
from radarode.simulate.sensor import Sensor
from radarode.simulate.traits import MechanicsTraits, Person, Wavelet

FloatArray = NDArray[np.floating]

SUPPORT = 256
"""Samples of the longest wavelet."""

SUB_STEPS = 8
"""Places between two samples at which wavelets are prepared (0.6 ms at 200 Hz)."""

Q_TO_R_S = 0.04
"""From the onset of Q, which the regressions count from, to the R peak."""

PRE_EJECTION_S = 0.143
"""Weissler's 131 ms plus 12 ms, about half-way to the mean measured by impedance cardiography (PEPbench: 134 ms
at 68 bpm). Q to opening is 119 ms at 67 bpm with an SD of 21 ms between persons, less than that table's 29 ms,
which also holds the scatter of single beats and of manoeuvres (`radarode.simulate.person`)."""


@dataclass(frozen=True, slots=True, eq=False)
class Timing:
    """Hold the mechanical events of each beat and how strong it is, each (beat,).

    Attributes:
        opening_s: aortic valve opening.
        closure_s: aortic valve closure.
        gain: strength, 1 on average.
        turn: part of the second shape that breathing and chance mix in.
    """

    opening_s: FloatArray
    closure_s: FloatArray
    gain: FloatArray
    turn: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Points:
    """Hold the observed points of the chest.

    Attributes:
        positions_m: (point, 3) place; x to the left side, y to the head, z to the sensor.
        gain: (point,) how well each point is seen, signed.
        delay_s: (point,) delay of the sensor's view of each point.
        breathing_gain: (point,) how far breathing moves it.
    """

    positions_m: FloatArray
    gain: FloatArray
    delay_s: FloatArray
    breathing_gain: FloatArray


def beat_timing(
    mechanics: MechanicsTraits, rhythm: Rhythm, breathing: Breathing, status: Status, rng: np.random.Generator
) -> Timing:
    """Draw when the aortic valve opens and closes in each beat.

    R to opening = 143 - 40 - 0.4 HR + person [ms]; opening to closure = 413 - 1.7 HR (men), 418 - 1.6 HR
    (women) + person; each with a breathing part and chance. Premature beats fill less: they open later, close
    sooner and move the chest less. PE shortens the pre-ejection period by a further 10-30 ms.

    Args:
        mechanics: the person's timing.
        rhythm: the beats.
        breathing: breathing of the same recording.
        status: MMECG status.
        rng: source of randomness.

    Returns:
        The events of each beat.

    Reference:
        Weissler, Harris, Schoenfeld, Circulation 37, 1968.
    """
    n = len(rhythm.r_s)
    rate_bpm = 60 / rhythm.slow_interval_s
    level = breathing.level(rhythm.r_s)
    filling = np.clip(rhythm.interval_s / rhythm.slow_interval_s, 0.4, 1.3)
    short = np.clip(1 - filling, 0, 1)
    opening_s = PRE_EJECTION_S - Q_TO_R_S - 0.0004 * rate_bpm + mechanics.pre_ejection_offset_s
    if status == "PE":
        opening_s = opening_s - rng.uniform(0.01, 0.03)
    opening_s += mechanics.respiratory_s * level + mechanics.jitter_s * rng.standard_normal(n)
    opening_s += 0.06 * short + 0.02 * (rhythm.kind == VENTRICULAR)
    ejection_s = mechanics.ejection_intercept_s + mechanics.ejection_slope_s_per_bpm * rate_bpm
    ejection_s += mechanics.ejection_offset_s - 0.8 * mechanics.respiratory_s * level
    ejection_s += mechanics.jitter_s * rng.standard_normal(n) - 0.12 * short
    gain = np.exp(mechanics.gain_jitter * rng.standard_normal(n)) * filling**0.7
    gain *= np.maximum(1 + mechanics.gain_respiratory * level, 0.3)
    turn = rng.uniform(-0.3, 0.3) * level + rng.uniform(0.02, 0.12) * rng.standard_normal(n)
    opened_s = rhythm.r_s + np.maximum(opening_s, 0.02)
    return Timing(opened_s, opened_s + np.maximum(ejection_s, 0.16), gain, turn)


def sample_points(n_points: int, rng: np.random.Generator) -> Points:
    """Draw observed points on a chest patch of about 24 x 28 cm, 0.4-0.5 m from the sensor.

    Gains are log-normal (4 dB), a third of the points moves the other way, up to a fifth is nearly dead.
    """
    xy_m = rng.uniform((-0.12, -0.14), (0.12, 0.14), (n_points, 2))
    depth_m = rng.uniform(0.4, 0.5) + 1.5 * xy_m[:, 0] ** 2 + 0.004 * rng.standard_normal(n_points)
    gain = np.exp(rng.normal(0, 0.45, n_points)) * np.where(rng.random(n_points) < rng.uniform(0, 0.5), -1, 1)
    dead = rng.random(n_points) < rng.uniform(0.0, 0.2)
    gain[dead] *= rng.uniform(0.02, 0.15, np.count_nonzero(dead))
    if dead.all():
        gain[0] = 1.0
    return Points(
        positions_m=np.column_stack([xy_m, depth_m]),
        gain=gain,
        delay_s=0.0015 * np.abs(rng.standard_normal(n_points)),
        breathing_gain=np.exp(rng.normal(0, 0.35, n_points)) * np.sign(rng.uniform(-0.15, 1, n_points)),
    )


def cardiac_rcg(
    person: Person,
    rhythm: Rhythm,
    timing: Timing,
    points: Points,
    sensor: Sensor,
    n_samples: int,
    rng: np.random.Generator,
) -> FloatArray:
    """Add the wavelets of every beat at every point.

    Args:
        person: whose wavelets.
        rhythm: the beats.
        timing: their mechanical events.
        points: the observed points.
        sensor: gives the sampling rate and the response.
        n_samples: length of the output.
        rng: source of randomness.

    Returns:
        (point, time) RCG in mm/s^2 (nominal, since the sensor's response is arbitrary), float32.
    """
    fs_hz = sensor.fs_hz
    n_points = len(points.gain)
    padded = np.zeros((n_points, n_samples + 2 * SUPPORT), np.float32)
    atrial = np.where((rhythm.kind == VENTRICULAR) | rhythm.irregular, 0.0, 1.0)
    events = {"r": rhythm.r_s, "opening": timing.opening_s, "closure": timing.closure_s}
    weights = np.stack([timing.gain, timing.gain * timing.turn], axis=1).astype(np.float32)
    for wavelet in person.wavelets:
        shapes, centre = _wavelet_shapes(wavelet, points, sensor, rng)
        width = shapes.shape[-1]
        weight = weights * atrial[:, None].astype(np.float32) if wavelet.event == "r" else weights
        place = (events[wavelet.event] + wavelet.delay_s) * fs_hz + SUPPORT - centre
        steps = np.round(place * SUB_STEPS).astype(int)
        for (start, step), (even, odd) in zip(np.column_stack(np.divmod(steps, SUB_STEPS)), weight, strict=True):
            if 0 <= start <= padded.shape[1] - width:
                padded[:, start : start + width] += even * shapes[step, 0] + odd * shapes[step, 1]
    return padded[:, SUPPORT : SUPPORT + n_samples]


def _wavelet_shapes(
    wavelet: Wavelet, points: Points, sensor: Sensor, rng: np.random.Generator
) -> tuple[NDArray[np.float32], int]:
    """Return (sub-step, even/odd, point, time) RCG of one wavelet and the sample where its T stands.

    The odd shape is a quarter turn away with other gains; mixing a little of it in is how breathing and chance
    change the form of a beat.
    """
    n_points = len(points.gain)
    away_m = points.positions_m[:, :2] - np.array(wavelet.source_m)
    distance_m = np.linalg.norm(away_m, axis=1)
    gain = points.gain * np.exp(-0.5 * (distance_m / wavelet.reach_m) ** 2)
    gain = wavelet.amplitude_mm * (gain + 0.15 * np.sign(gain)) * np.exp(rng.normal(0, 0.3, n_points))
    freq_hz = wavelet.freq_hz * np.exp(rng.normal(0, 0.1, n_points))
    width_s = wavelet.width_s * np.exp(rng.normal(0, 0.12, n_points))
    phase_rad = wavelet.phase_rad + away_m @ rng.normal(0, 6.0, 2) + rng.normal(0, 0.35, n_points)
    delay_s = points.delay_s + distance_m / rng.uniform(10.0, 30.0)
    gains = np.stack([gain, gain * rng.normal(0, 1.0, n_points)])[..., None]
    turns = np.exp(1j * np.stack([phase_rad, phase_rad + np.pi / 2]))[..., None]
    freqs_hz = np.fft.rfftfreq(SUPPORT, 1 / sensor.fs_hz)
    omega = 2 * np.pi * freqs_hz
    bell = np.pi * width_s[:, None]
    positive = np.exp(-((bell * (freqs_hz - freq_hz[:, None])) ** 2))
    negative = np.exp(-((bell * (freqs_hz + freq_hz[:, None])) ** 2))
    spectrum = gains * (turns * positive + turns.conj() * negative)
    spectrum *= 0.5 * np.sqrt(np.pi) * width_s[:, None] * sensor.fs_hz * -(omega**2) * sensor.response(freqs_hz)
    half = int(np.clip(round(3.6 * wavelet.width_s * sensor.fs_hz) + 12, 24, SUPPORT // 2))
    sub_s = np.arange(SUB_STEPS)[:, None, None, None] / (SUB_STEPS * sensor.fs_hz)
    shift = np.exp(-1j * omega * (delay_s[:, None] + sub_s + half / sensor.fs_hz))
    shapes = np.asarray(fft.irfft((spectrum * shift).astype(np.complex64), SUPPORT, axis=-1))
    return np.ascontiguousarray(shapes[..., : 2 * half]), half

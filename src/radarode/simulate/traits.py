"""What stays the same about a virtual person from one recording to the next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.floating]
Event = Literal["r", "opening", "closure"]


@dataclass(frozen=True, slots=True)
class HeartTraits:
    """Hold the rhythm of a person at rest.

    Attributes:
        rate_bpm: mean heart rate at rest.
        respiratory: relative amplitude of respiratory sinus arrhythmia.
        respiratory_phase_rad: lag of the arrhythmia behind inspiration.
        low_frequency: relative SD of the variability around 0.1 Hz.
        drift: relative SD of the 1/f drift below 0.05 Hz.
        jitter_s: SD of the independent part of each interval.
    """

    rate_bpm: float
    respiratory: float
    respiratory_phase_rad: float
    low_frequency: float
    drift: float
    jitter_s: float


@dataclass(frozen=True, slots=True)
class BreathingTraits:
    """Hold the breathing of a person at rest: rate, depth, and the shape of a breath.

    Attributes:
        rate_hz: breaths per second.
        depth_mm: peak-to-peak excursion of the chest.
        harmonics: (3,) relative amplitudes of the second to fourth harmonic.
        variability: relative SD of rate and depth from breath to breath.
    """

    rate_hz: float
    depth_mm: float
    harmonics: tuple[float, float, float]
    variability: float


@dataclass(frozen=True, slots=True, eq=False)
class EcgTraits:
    """Hold the parameters of the McSharry model at 60 bpm, in the order P, Q, R, S, T.

    Attributes:
        amplitude_mv: (5,) height of each wave; the model's a is `amplitude_mv / width_rad**2`.
        width_rad: (5,) the model's b.
        angle_rad: (5,) the model's theta, counted from R.
        noise_mv: SD of the noise of the reference.
        wander_mv: SD of its baseline wander.
    """

    amplitude_mv: FloatArray
    width_rad: FloatArray
    angle_rad: FloatArray
    noise_mv: float
    wander_mv: float


@dataclass(frozen=True, slots=True)
class MechanicsTraits:
    """Hold the timing of a person's heart against the R peak.

    Attributes:
        pre_ejection_offset_s: difference from the regression of the pre-ejection period.
        ejection_offset_s: difference from the regression of the ejection time.
        ejection_intercept_s: 0.413 for men, 0.418 for women.
        ejection_slope_s_per_bpm: -0.0017 for men, -0.0016 for women.
        jitter_s: SD of the independent part of each beat's timing.
        respiratory_s: amplitude of the part that follows breathing.
        gain_jitter: relative SD of each beat's strength.
        gain_respiratory: relative amplitude of its breathing part.
    """

    pre_ejection_offset_s: float
    ejection_offset_s: float
    ejection_intercept_s: float
    ejection_slope_s_per_bpm: float
    jitter_s: float
    respiratory_s: float
    gain_jitter: float
    gain_respiratory: float


@dataclass(frozen=True, slots=True)
class Wavelet:
    """Hold one part of the chest motion of a beat, a cos(2 pi f (t-T) + phase) exp(-(t-T)^2 / b^2).

    Attributes:
        name: what it stands for.
        event: what T is counted from: the R peak, aortic valve opening or closure.
        delay_s: T minus that event.
        amplitude_mm: a, in displacement.
        freq_hz: f.
        width_s: b.
        phase_rad: phase at T.
        source_m: (x, y) where on the chest it is strongest.
        reach_m: distance over which it fades.
    """

    name: str
    event: Event
    delay_s: float
    amplitude_mm: float
    freq_hz: float
    width_s: float
    phase_rad: float
    source_m: tuple[float, float]
    reach_m: float


@dataclass(frozen=True, slots=True, eq=False)
class Person:
    """Hold one virtual person.

    Attributes:
        subject: identifier.
        sex: "female" or "male", which sets the ejection-time regression.
        heart: rhythm.
        breathing: breathing.
        ecg: shape of the ECG.
        mechanics: timing of motion against R.
        wavelets: parts of the chest motion of a beat.
        snr_db: usual level of the sensor's noise on this person, 1-25 Hz, median over points.
    """

    subject: str
    sex: Literal["female", "male"]
    heart: HeartTraits
    breathing: BreathingTraits
    ecg: EcgTraits
    mechanics: MechanicsTraits
    wavelets: tuple[Wavelet, ...]
    snr_db: float

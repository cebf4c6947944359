"""Draw virtual persons.

Sources of the numbers: Weissler's regressions and the pre-ejection periods of the PEPbench tables; Taebi et al. 2019
and Inan et al. 2015 for the events inside the systolic and diastolic complexes of chest vibrations; the McSharry
angles (`radarode.signal.ecg_model`) for the ECG; breadth set so that a real recording (laser-speckle camera)
lies well inside the population.

Pre-ejection period (Q to aortic opening) at rest: 119 ms at 67 bpm on average, half-way between Weissler's
regression (104 ms) and the PEPbench table of 24 people (134 ms), with an SD of 21 ms between persons. The table's
own 134 +- 29 ms pools all beats of everyone; it is wider because it also holds the scatter of single beats (24 ms
within a person, in part of the manual B point) and manoeuvres (153 ms when tilted up, 128 ms at rest). Between the
24 people the SD is 18 ms, which is what a person's offset stands for here.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from radarode.signal.ecg_model import DEFAULT_ANGLE_RAD
from radarode.simulate.random_signals import clipped_normal
from radarode.simulate.traits import (
    BreathingTraits,
    EcgTraits,
    Event,
    HeartTraits,
    MechanicsTraits,
    Person,
    Wavelet,
)

__all__ = ["Person", "sample_person"]


def sample_person(rng: np.random.Generator, subject: str = "sim-0000") -> Person:
    """Draw a person.

    Args:
        rng: source of randomness; the same generator state gives the same person.
        subject: identifier to give.

    Returns:
        The person.

    Example:
        >>> person = sample_person(np.random.default_rng(7), "sim-0007")
        >>> person.subject, 45 <= person.heart.rate_bpm <= 95
        ('sim-0007', True)
    """
    sex: Literal["female", "male"] = "female" if rng.random() < 0.5 else "male"
    return Person(
        subject=subject,
        sex=sex,
        heart=_sample_heart(rng),
        breathing=_sample_breathing(rng),
        ecg=_sample_ecg(rng),
        mechanics=_sample_mechanics(rng, sex),
        wavelets=_sample_wavelets(rng),
        snr_db=float(rng.uniform(0.0, 15.0)),
    )


def _sample_heart(rng: np.random.Generator) -> HeartTraits:
    return HeartTraits(
        rate_bpm=clipped_normal(rng, 68.0, 11.0, 46.0, 95.0),
        respiratory=float(rng.uniform(0.01, 0.07)),
        respiratory_phase_rad=float(rng.uniform(0.0, 1.2)),
        low_frequency=float(rng.uniform(0.01, 0.04)),
        drift=float(rng.uniform(0.01, 0.03)),
        jitter_s=float(rng.uniform(0.001, 0.008)),
    )


def _sample_breathing(rng: np.random.Generator) -> BreathingTraits:
    second, third, fourth = rng.uniform(-1, 1, 3) * (0.25, 0.08, 0.025)
    return BreathingTraits(
        rate_hz=float(rng.uniform(0.2, 0.34)),
        depth_mm=float(rng.uniform(4.0, 12.0)),
        harmonics=(float(second), float(third), float(fourth)),
        variability=float(rng.uniform(0.04, 0.15)),
    )


def _sample_ecg(rng: np.random.Generator) -> EcgTraits:
    angle_rad = DEFAULT_ANGLE_RAD - DEFAULT_ANGLE_RAD[2]
    angle_rad = angle_rad + np.deg2rad(rng.normal(0.0, (5.0, 1.5, 0.0, 2.0, 7.0)))
    r_mv = rng.uniform(0.6, 2.0)
    share = rng.uniform((0.06, -0.16, 1.0, -0.35, 0.12), (0.18, 0.0, 1.0, -0.02, 0.45))
    if rng.random() < 0.04:
        share[4] *= -0.5
    width_rad = rng.uniform((0.12, 0.05, 0.055, 0.06, 0.22), (0.22, 0.09, 0.09, 0.11, 0.36))
    rng.uniform(1.0, 1.6)  # reserved for an asymmetric T: drawn, so that a seed stays the same person, but not applied
    return EcgTraits(
        amplitude_mv=r_mv * share,
        width_rad=width_rad,
        angle_rad=angle_rad,
        noise_mv=float(rng.uniform(0.003, 0.015)),
        wander_mv=float(rng.uniform(0.005, 0.04)),
    )


def _sample_mechanics(rng: np.random.Generator, sex: str) -> MechanicsTraits:
    return MechanicsTraits(
        pre_ejection_offset_s=clipped_normal(rng, 0.0, 0.02, -0.045, 0.05),
        ejection_offset_s=clipped_normal(rng, 0.0, 0.02, -0.05, 0.05),
        ejection_intercept_s=0.413 if sex == "male" else 0.418,
        ejection_slope_s_per_bpm=-0.0017 if sex == "male" else -0.0016,
        jitter_s=float(rng.uniform(0.001, 0.0035)),
        respiratory_s=float(rng.uniform(0.0005, 0.0055)),
        gain_jitter=float(rng.uniform(0.02, 0.12)),
        gain_respiratory=float(rng.uniform(0.02, 0.22)),
    )


def _sample_wavelets(rng: np.random.Generator) -> tuple[Wavelet, ...]:
    """Draw the parts of v1 (three), of v2 (two), early filling, atrial kick and the slow volume pulse.

    Amplitudes are drawn as RCG peaks in mm/s^2 and divided by (2 pi f)^2, so that a weak fast vibration
    can rule the RCG while the slow pulse rules the displacement (0.2-0.5 mm), as on a real chest.
    Valve closure is 0.15-1.3 of ejection in RCG, which is about 0.1-0.8 in displacement.
    """
    heart_m = rng.normal((0.03, 0.0), 0.03)

    def draw(
        name: str, event: Event, delay_s: tuple[float, float], peak: tuple[float, float], freq_hz: float
    ) -> Wavelet:
        freq = float(np.clip(freq_hz * np.exp(rng.normal(0, 0.3)), 3.5, 26.0))
        strength = rng.uniform(*peak)
        source = heart_m + rng.normal(0, 0.03, 2)
        return Wavelet(
            name=name,
            event=event,
            delay_s=float(rng.uniform(*delay_s)),
            amplitude_mm=float(level * strength / (2 * np.pi * freq) ** 2),
            freq_hz=freq,
            width_s=float(np.clip(rng.uniform(0.35, 0.9) / freq, 0.018, 0.14)),
            phase_rad=float(rng.uniform(-np.pi, np.pi)),
            source_m=(float(source[0]), float(source[1])),
            reach_m=float(rng.uniform(0.06, 0.16)),
        )

    level = float(np.exp(rng.uniform(np.log(60.0), np.log(220.0))))
    closure = float(np.exp(rng.uniform(np.log(0.15), np.log(1.3))))
    fast = (
        draw("ejection", "opening", (0.0, 0.0), (1.0, 1.0), 11.5),
        draw("mitral closure", "opening", (-0.045, -0.02), (0.0, 0.8), 15.0),
        draw("rapid ejection", "opening", (0.04, 0.1), (0.0, 0.8), 10.0),
        draw("valve closure", "closure", (0.0, 0.0), (closure, closure), 15.0),
        draw("closure ringing", "closure", (0.03, 0.08), (0.0, 0.9 * closure), 13.0),
        draw("early filling", "closure", (0.11, 0.2), (0.0, 0.45), 9.0),
        draw("atrial kick", "r", (-0.11, -0.05), (0.0, 0.2), 7.0),
    )
    pulse = Wavelet(
        name="volume pulse",
        event="opening",
        delay_s=float(rng.uniform(0.08, 0.16)),
        amplitude_mm=float(rng.uniform(0.16, 0.32)),
        freq_hz=float(rng.uniform(0.8, 1.6)),
        width_s=float(rng.uniform(0.17, 0.26)),
        phase_rad=float(rng.uniform(-0.6, 0.6)),
        source_m=(float(heart_m[0]), float(heart_m[1])),
        reach_m=float(rng.uniform(0.1, 0.2)),
    )
    return (*fast, pulse)

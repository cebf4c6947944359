"""Heart rhythm: when the R peaks come.

An integral pulse frequency model: a heart rate that varies smoothly is integrated, and a beat falls where the
integral passes a whole number. Reference: Mateo and Laguna, IEEE TBME 47(8), 2000.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from radarode.core.types import Status
from radarode.simulate.breathing import GRID_HZ, Breathing
from radarode.simulate.random_signals import smooth_noise
from radarode.simulate.traits import HeartTraits

FloatArray = NDArray[np.floating]

RATE_FACTOR = {"NB": 1.0, "IB": 1.02, "PE": 1.0, "SP": 0.88, "unknown": 1.0}
RESPIRATORY_FACTOR = {"NB": 1.0, "IB": 1.2, "PE": 0.3, "SP": 1.5, "unknown": 1.0}
RATE_LIMITS_BPM = (42.0, 150.0)
SHORTEST_S = 0.33

NORMAL, ATRIAL, VENTRICULAR = 0, 1, 2


@dataclass(frozen=True, slots=True, eq=False)
class Rhythm:
    """Hold the beats of one recording, with some before its start and after its end.

    Attributes:
        r_s: (beat,) R peaks, increasing.
        kind: (beat,) 0 normal, 1 premature atrial, 2 premature ventricular.
        irregular: whether the atria fibrillate, so that no P wave and no atrial kick exist.
    """

    r_s: FloatArray
    kind: NDArray[np.integer]
    irregular: bool

    @property
    def interval_s(self) -> FloatArray:
        """Return (beat,) the interval that ended with each beat; the first beat repeats the second's."""
        interval_s = np.diff(self.r_s)
        return np.concatenate([interval_s[:1], interval_s])

    @property
    def slow_interval_s(self) -> FloatArray:
        """Return (beat,) the interval smoothed over about six past beats, which the QT time follows."""
        past = np.concatenate([np.full(7, self.interval_s[0]), self.interval_s])
        weights = 0.75 ** np.arange(8)
        return np.convolve(past, weights / weights.sum(), mode="valid")


def simulate_rhythm(
    traits: HeartTraits,
    breathing: Breathing,
    status: Status,
    rng: np.random.Generator,
    ectopic_per_min: float = 0.0,
    irregular: bool = False,
) -> Rhythm:
    """Draw the R peaks of one recording.

    Rate = trend x (1 + respiratory + low-frequency + drift parts); then jitter, premature beats with a full
    compensatory pause, or fibrillation-like intervals (independent, log-normal, CV 0.15-0.25).

    Args:
        traits: the person's rhythm at rest.
        breathing: breathing of the same recording, whose phase drives the respiratory part.
        status: MMECG status; PE starts at 90-130 bpm and decays towards rest.
        rng: source of randomness.
        ectopic_per_min: mean number of premature beats a minute.
        irregular: draw fibrillation-like intervals.

    Returns:
        The beats on the time range of `breathing`.
    """
    rate_bpm = _rate_bpm(traits, breathing, status, rng)
    n_beats = np.concatenate([[0.0], np.cumsum(rate_bpm[:-1]) / (60 * GRID_HZ)])
    wanted = rng.uniform(0, 1) + np.arange(int(n_beats[-1]))
    r_s = np.interp(wanted, n_beats, breathing.time_s)
    if irregular:
        interval_s = np.diff(r_s) * np.exp(rng.normal(0, rng.uniform(0.15, 0.25), len(r_s) - 1))
        r_s = r_s[0] + np.concatenate([[0.0], np.cumsum(np.clip(interval_s, SHORTEST_S, 2.2))])
        while r_s[-1] < breathing.time_s[-1] - 0.5:
            r_s = np.append(r_s, r_s[-1] + max(SHORTEST_S, rng.choice(interval_s)))
        return Rhythm(r_s, np.zeros(len(r_s), int), True)
    interval_s = np.diff(r_s)
    jitter_s = np.clip(rng.normal(0, traits.jitter_s, len(interval_s)), -0.05, 0.05)
    r_s = r_s[0] + np.concatenate([[0.0], np.cumsum(np.maximum(interval_s + jitter_s, SHORTEST_S))])
    kind = np.zeros(len(r_s), int)
    if ectopic_per_min > 0:
        r_s, kind = _insert_ectopic(r_s, ectopic_per_min, rng)
    return Rhythm(r_s, kind, False)


def _rate_bpm(traits: HeartTraits, breathing: Breathing, status: Status, rng: np.random.Generator) -> FloatArray:
    """Return the instantaneous heart rate on the breathing grid."""
    time_s = breathing.time_s
    rest_bpm = traits.rate_bpm * RATE_FACTOR[status] * np.exp(rng.normal(0, 0.04))
    trend = np.full(len(time_s), rest_bpm)
    if status == "PE":
        start_bpm = max(rng.uniform(90.0, 130.0), rest_bpm + 15.0)
        floor_bpm = rest_bpm + 0.4 * (start_bpm - rest_bpm)
        decay = np.exp(-np.maximum(time_s, 0) / rng.uniform(60.0, 150.0))
        trend = floor_bpm + (start_bpm - floor_bpm) * decay
    calm = 0.5 if status == "PE" else 1.0
    varied = (
        traits.respiratory * RESPIRATORY_FACTOR[status] * breathing.level(time_s, lag_rad=traits.respiratory_phase_rad)
        + calm * traits.low_frequency * smooth_noise(rng, len(time_s), GRID_HZ, (0.06, 0.14))
        + calm * traits.drift * smooth_noise(rng, len(time_s), GRID_HZ, (0.005, 0.05))
    )
    return np.clip(trend * (1 + np.clip(varied, -0.3, 0.3)), *RATE_LIMITS_BPM)


def _insert_ectopic(
    r_s: FloatArray, per_min: float, rng: np.random.Generator
) -> tuple[FloatArray, NDArray[np.integer]]:
    """Make some beats premature by 22-40 % of their interval; the next beat stays, which is the pause."""
    r_s, kind = r_s.copy(), np.zeros(len(r_s), int)
    n_wanted = max(1, int(rng.poisson(per_min * (r_s[-1] - r_s[0]) / 60)))
    candidates = rng.permutation(np.arange(4, len(r_s) - 3, 2))[:n_wanted]
    for beat in candidates:
        interval_s = r_s[beat] - r_s[beat - 1]
        early_s = rng.uniform(0.22, 0.4) * interval_s
        r_s[beat] -= min(early_s, interval_s - SHORTEST_S)
        kind[beat] = VENTRICULAR if rng.random() < 0.5 else ATRIAL
    return r_s, kind

"""Find heartbeats in motion without a network: energy, period, template, train of beats.

1. The energy of all channels is pooled; its autocorrelation gives the beat period over time.
2. A learned pattern, the average energy around R in training recordings, says where in the period R may be.
3. The recording's own average beat over all channels is matched and the beats are chosen again, twice. Each time, all
   beats together move to where their average energy is most likely around R: v1 and v2 stand at a distance that people
   share, whichever of the two is the stronger, which tells systole from diastole.
4. The waveforms themselves align each beat to the average one, to a few milliseconds.

No reference is used.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from radarode.core.constants import FS_HZ
from radarode.core.vertex import parabola_offset
from radarode.reconstruction.rhythm import beat_quality, choose_beats, stretch_quality
from radarode.reconstruction.settings import ReconstructSettings
from radarode.reconstruction.windows import silence
from radarode.signal.beat_energy import ENERGY_HZ
from radarode.signal.motion_energy import (
    PATTERN_AFTER_S,
    PATTERN_BEFORE_S,
    EnergyPrior,
    MotionEnergy,
    average_pattern,
    pattern_times_s,
    systole_scale,
)
from radarode.signal.template import align, cut_windows, find_peaks, match_template, robust_average

FloatArray = NDArray[np.float64]

ROUNDS = 2
HEIGHT = 0.6
"""Height of a beat that equals the template: as clear as an anchor of the networks can be."""

RHYTHM_WEIGHT = 0.5
"""Added to the cost of unexpected intervals where the period is perfectly clear."""

NOISE_CLARITY, FULL_CLARITY = 0.12, 0.4
"""Clarity of the period that noise reaches, and from which it is beyond doubt."""

WAVE_SPAN_S = (0.02, 0.3)
"""Part of the beat, before and after R, whose waveform places it."""

WAVE_REACH_S = 0.03
_SCALE_STEP = 0.04
_FEWEST = 3


@dataclass(frozen=True, slots=True, eq=False)
class FoundBeats:
    """Hold the beats that were found, good and doubtful ones.

    Attributes:
        r_s: (beat,) R peaks.
        heights: (beat,) match with the average beat; 0.6 equals it.
        period_s: (beat,) local period.
        clarity: (beat,) how clear the period is around.
    """

    r_s: FloatArray
    heights: FloatArray
    period_s: FloatArray
    clarity: FloatArray


def find_beats(motion: MotionEnergy, prior: EnergyPrior, delay_s: float, settings: ReconstructSettings) -> FoundBeats:
    """Find the R peaks.

    Args:
        motion: energy and period of the recording.
        prior: what the energy around R looks like in people.
        delay_s: by how much the place that the prior gives is late, in people.
        settings: threshold, weights and tolerance of the choice of beats.
    """
    period = motion.period
    weight = min(1.0, settings.rhythm_weight + RHYTHM_WEIGHT * float(np.median(period.clarity)))
    settings = replace(settings, rhythm_weight=weight)
    heard = ~silence(motion.missing)
    places, heights = _choose(_prior_match(motion, prior), motion, heard, settings)
    for _ in range(ROUNDS):
        if len(places) < _FEWEST:
            break
        places = places + _phase(motion, prior, places)
        places, heights = _choose(_own_match(motion, places), motion, heard, settings)
    times_s = _aligned(motion, places / ENERGY_HZ, settings)
    clarity = np.interp(times_s, period.time_s, _smooth(period.clarity))
    return FoundBeats(times_s - delay_s, heights, period.at(times_s), clarity)


def rate_beats(found: FoundBeats, silent: NDArray[np.bool_]) -> tuple[FloatArray, FloatArray]:
    """Return the (beat,) quality of beats, and that of the stretches around them, in [0, 1].

    Args:
        found: the beats.
        silent: (time,) at 200 Hz, where no channel carries motion.
    """
    clear = np.clip((found.clarity - NOISE_CLARITY) / (FULL_CLARITY - NOISE_CLARITY), 0.0, 1.0)
    stretch = clear * stretch_quality(found.r_s, found.heights, found.period_s, silent)
    return stretch * beat_quality(found.r_s, found.heights, found.period_s), stretch


def _prior_match(motion: MotionEnergy, prior: EnergyPrior) -> FloatArray:
    """Return the (frame,) match of the pooled energy with the mean pattern at the local rate."""
    times_s = np.arange(len(motion.pooled)) / ENERGY_HZ
    steps = np.rint(systole_scale(motion.period.at(times_s)) / _SCALE_STEP).astype(np.int64)
    found = np.zeros(len(times_s))
    for step in np.unique(steps):
        scaled_s = pattern_times_s() * step * _SCALE_STEP
        before, after = int(-scaled_s[0] * ENERGY_HZ), int(scaled_s[-1] * ENERGY_HZ)
        pattern = np.interp(np.arange(-before, after + 1) / ENERGY_HZ, scaled_s, prior.mean)
        match = match_template(motion.pooled[None], pattern[None], np.ones(1), before)
        found[steps == step] = match[steps == step]
    level = np.std(found)
    return found / (2.0 * level) if level > 0 else found


def _own_match(motion: MotionEnergy, places: FloatArray) -> FloatArray:
    """Return the (frame,) match of the energy of all channels with the average beat."""
    before, after = round(PATTERN_BEFORE_S * ENERGY_HZ), round(PATTERN_AFTER_S * ENERGY_HZ)
    centres = np.clip(np.rint(places), 0, motion.energy.shape[1] - 1).astype(np.int64)
    own = robust_average(cut_windows(motion.energy, centres, before, after))
    return match_template(motion.energy, own, motion.weights, before)


def _choose(
    curve: FloatArray, motion: MotionEnergy, heard: NDArray[np.bool_], settings: ReconstructSettings
) -> tuple[FloatArray, FloatArray]:
    """Return places [frames] and heights of the most plausible train of peaks."""
    places, heights = find_peaks(HEIGHT * curve, 0.5 * settings.threshold)
    near = np.clip(np.rint(places * FS_HZ / ENERGY_HZ).astype(np.int64), 0, len(heard) - 1)
    places, heights = places[heard[near]], np.minimum(heights[heard[near]], 1.5 * HEIGHT)
    times_s = places / ENERGY_HZ
    chosen = choose_beats(times_s, heights, motion.period.at(times_s), settings)
    return places[chosen], heights[chosen]


def _phase(motion: MotionEnergy, prior: EnergyPrior, places: FloatArray) -> float:
    """Return by how many frames all beats together must move to be most likely."""
    period_s = motion.period.at(places / ENERGY_HZ)
    most = int(0.5 * np.median(period_s) * ENERGY_HZ)
    shifts = np.arange(-most, most + 1)
    patterns = [average_pattern(motion.pooled, (places + shift) / ENERGY_HZ, period_s) for shift in shifts]
    likely = prior.log_likelihood(np.stack(patterns))
    best = int(np.argmax(likely))
    offset = 0.0
    if 0 < best < len(shifts) - 1:
        offset = float(parabola_offset(likely[best - 1], likely[best], likely[best + 1]))
    return float(shifts[best]) + offset


def _aligned(motion: MotionEnergy, times_s: FloatArray, settings: ReconstructSettings) -> FloatArray:
    """Place beats by their waveforms, unless that would bring two of them too close."""
    before, after, reach = (round(s * FS_HZ) for s in (*WAVE_SPAN_S, WAVE_REACH_S))
    moved_s = align(motion.filtered, motion.weights, times_s * FS_HZ, (before, after), reach) / FS_HZ
    return moved_s if (np.diff(moved_s) > 0.5 * settings.min_distance_s).all() else times_s


def _smooth(clarity: FloatArray) -> FloatArray:
    kernel = np.ones(5)
    counts = np.convolve(np.ones(len(clarity)), kernel)[2 : 2 + len(clarity)]
    return np.convolve(clarity, kernel)[2 : 2 + len(clarity)] / counts

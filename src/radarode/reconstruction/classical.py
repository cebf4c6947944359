"""The long-term ECG of the classical baseline: one mean cycle laid on every beat."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from radarode.core.constants import FS_HZ
from radarode.core.types import Beats, ReconstructedEcg
from radarode.reconstruction.classical_beats import FoundBeats, find_beats, rate_beats
from radarode.reconstruction.settings import ReconstructSettings
from radarode.reconstruction.stitch import MAX_INTERVAL
from radarode.reconstruction.windows import silence
from radarode.signal.gaps import find_gaps
from radarode.signal.motion_energy import EnergyPrior, MotionEnergy
from radarode.tasks.cycles import cut_cycles
from radarode.tasks.shape import decode_shape

FloatArray = NDArray[np.float64]


def good_beats(
    motion: MotionEnergy, prior: EnergyPrior, delay_s: float, settings: ReconstructSettings
) -> tuple[FoundBeats, FloatArray]:
    """Find beats and keep those in stretches that are rated `min_quality` or better.

    Args:
        motion: energy and period of the recording.
        prior: energy around R in people.
        delay_s: by how much the place that the prior gives is late, in people.
        settings: how beats are chosen.

    Returns:
        The beats where there is motion, and their (beat,) quality.
    """
    silent = silence(motion.missing)
    found = find_beats(motion, prior, delay_s, settings)
    quality, stretch = rate_beats(found, silent)
    sample = np.rint(found.r_s * FS_HZ).astype(np.int64)
    inside = (sample >= 0) & (sample < len(silent))
    good = (stretch >= settings.min_quality) & inside & ~silent[np.clip(sample, 0, len(silent) - 1)]
    kept = FoundBeats(found.r_s[good], found.heights[good], found.period_s[good], found.clarity[good])
    return kept, quality[good]


def lay_cycle(
    found: FoundBeats,
    quality: FloatArray,
    cycle: NDArray[np.floating],
    silent: NDArray[np.bool_],
    r_fraction: float,
) -> ReconstructedEcg:
    """Lay one cycle on every beat; what lies outside the cycles is a gap.

    Args:
        found: the beats.
        quality: (beat,) their quality.
        cycle: (200,) in [0, 1].
        silent: (time,) at 200 Hz, where no channel carries motion.
        r_fraction: place of R in the cycle.
    """
    limit_s = MAX_INTERVAL * 0.5 * (found.period_s[1:] + found.period_s[:-1])
    cycles = cut_cycles(found.r_s, r_fraction=r_fraction, max_interval_s=limit_s)
    shapes = np.tile(np.asarray(cycle, dtype=np.float64), (len(cycles), 1))
    ecg = decode_shape(shapes, FS_HZ, len(silent), cycles, r_fraction=r_fraction)
    ecg[silent] = np.nan
    beats = Beats(cycles.r_s[cycles.valid], cycles.length_s[cycles.valid], quality[: len(cycles)][cycles.valid])
    return ReconstructedEcg(ecg=ecg, fs_hz=FS_HZ, beats=beats, gaps_s=find_gaps(np.isnan(ecg)) / FS_HZ)

"""The summary of a reconstruction, as plain values for JSON."""

from __future__ import annotations

from typing import Any

import numpy as np

from radarode.core.notice import NOTICE
from radarode.core.types import ReconstructedEcg, Recording
from radarode.core.version import __version__


def summarise(recording: Recording, ecg: ReconstructedEcg) -> dict[str, Any]:
    """Return what a user wants to know first: beats, rate, variability, quality, gaps, and what this is.

    Args:
        recording: what was reconstructed from.
        ecg: the result.
    """
    intervals = np.diff(ecg.beats.r_s)
    length = ecg.beats.length_s[1:]
    contiguous = intervals[np.abs(intervals - length) < 0.6 * length]
    return {
        "notice": NOTICE,
        "radarode": __version__,
        "recording": recording.name,
        "source": recording.source,
        "simulated": recording.simulated,
        "channels": recording.n_channels,
        "duration_s": round(ecg.duration_s, 3),
        "beats": len(ecg.beats),
        "heart_rate_bpm": _rounded(60.0 / np.median(contiguous)) if len(contiguous) else None,
        "sdnn_ms": _rounded(1e3 * np.std(contiguous)) if len(contiguous) > 1 else None,
        "median_quality": _rounded(np.median(ecg.beats.quality), 3) if len(ecg.beats) else None,
        "coverage": round(float(np.isfinite(ecg.ecg).mean()), 4),
        "gaps_s": [[round(float(start), 3), round(float(end), 3)] for start, end in ecg.gaps_s],
        "calibrated": ecg.calibrated,
    }


def _rounded(value: np.floating, digits: int = 2) -> float:
    return round(float(value), digits)

"""Get the reference R peaks of a recording, given or detected."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from radarode.core.errors import InputError
from radarode.core.types import Recording


def find_r_peaks(recording: Recording) -> NDArray[np.floating]:
    """Return the recording's R peaks, given or detected in its reference ECG; empty where there are none.

    Args:
        recording: any.

    Returns:
        (beat,) seconds, increasing.
    """
    if recording.r_peaks_s is not None and len(recording.r_peaks_s):
        return recording.r_peaks_s
    if recording.ecg_mv is None or not np.isfinite(recording.ecg_mv).any():
        return np.empty(0)
    from radarode.signal.peaks import detect_r_peaks

    return detect_r_peaks(recording.ecg_mv, recording.fs_hz)


def reference_r_peaks(recording: Recording) -> NDArray[np.floating]:
    """Return the recording's R peaks, given or detected; refuse a recording without any.

    Args:
        recording: with `r_peaks_s`, or else with `ecg_mv`.

    Returns:
        (beat,) seconds, increasing.

    Raises:
        InputError: the recording has neither, or its ECG shows no beat.
    """
    found = find_r_peaks(recording)
    if len(found) == 0 and recording.ecg_mv is None:
        raise InputError(
            f"recording {recording.name} has no reference: scoring needs `ecg_mv` or `r_peaks_s`. "
            "Choose a recording with an ECG."
        )
    if len(found) == 0:
        raise InputError(f"recording {recording.name} has a reference ECG without a single R peak. Check its lead.")
    return found

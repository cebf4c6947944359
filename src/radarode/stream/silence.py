"""What is told while nothing arrives."""

from __future__ import annotations

import numpy as np

from radarode.core.types import Beats
from radarode.stream.types import Counts, Update


def silence(last: Update | None, counts: Counts, shape: tuple[int, int], lag_s: float) -> Update:
    """Return an update without content behind the last one, which says that there is no signal.

    Args:
        last: None before there was any.
        counts: totals so far.
        shape: channels of the motion, rows of its spectrogram.
        lag_s: how long nothing arrived.
    """
    none, nothing = np.empty(0, np.float32), Beats(np.empty(0), np.empty(0), np.empty(0))
    return Update(
        rcg_first=0 if last is None else last.rcg_first + last.rcg.shape[1],
        rcg=np.empty((shape[0], 0), np.float32),
        frames_first=0 if last is None else last.frames_first + last.frames.shape[1],
        frames=np.empty((shape[1], 0), np.float32),
        drawn_first=0 if last is None else last.drawn_first + len(last.drawn),
        drawn=none,
        drawn_beats=nothing,
        settled_first=0 if last is None else last.settled_first + len(last.settled),
        settled=none,
        settled_beats=nothing,
        signal="no signal",
        quality=0.0,
        heart_rate_bpm=None,
        lag_s=lag_s,
        drift_ppm=None if last is None else last.drift_ppm,
        counts=counts,
    )

"""The ECG for files: what nothing that arrives later can change, equal to the reconstruction of the whole recording."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from radarode.core.constants import FS_HZ
from radarode.core.types import Beats
from radarode.reconstruction import reconstruct_windows
from radarode.reconstruction.settings import ReconstructSettings
from radarode.reconstruction.windows import WindowOutputs
from radarode.tasks import TaskSettings

SETTLE_S = 9.0
"""How far behind the final map a result is final: the next R peak (2.8 s), the stretch that rates it (4 s), and the
choice between trains of beats (2.2 s)."""

HORIZON_S = 24.0
"""What lies before: as much again for the rating, and room for the choice to forget where it began."""


def settle(
    outputs: WindowOutputs, first: int, span: tuple[int, int], tasks: TaskSettings, settings: ReconstructSettings
) -> tuple[NDArray[np.float32], Beats]:
    """Return the samples of a span and the beats whose R peak lies in it.

    Args:
        outputs: of the windows on the grid, in time from sample `first`.
        first: number of the sample that `outputs` begins with.
        span: number of the first sample, and of the one behind the last.
        tasks: how the tasks are encoded.
        settings: how beats are chosen.
    """
    begin, stop = span
    values = np.full(stop - begin, np.nan, np.float32)
    none = np.empty(0)
    if not len(outputs.start_s) or stop == begin:
        return values, Beats(none, none, none)
    ecg = reconstruct_windows(outputs, tasks, settings)
    skip = max(0, first - begin)
    values[skip:] = ecg.ecg[begin + skip - first : stop - first]
    r_s = ecg.beats.r_s + first / FS_HZ
    inside = (r_s >= begin / FS_HZ) & (r_s < stop / FS_HZ)
    return values, Beats(r_s[inside], ecg.beats.length_s[inside], ecg.beats.quality[inside])

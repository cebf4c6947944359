"""The ceiling of the representation: what a perfect network could reach on a given ECG."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from radarode.core.constants import FRAME_RATE_HZ, FS_HZ, WINDOW_S
from radarode.core.types import ReconstructedEcg
from radarode.reconstruction import reconstruct_windows
from radarode.reconstruction.merge import MapMerger
from radarode.reconstruction.settings import ReconstructSettings
from radarode.reconstruction.windows import WindowOutputs
from radarode.tasks import TaskSettings
from radarode.tasks.length import decode_length
from radarode.tasks.targets import Reference


def decode_of_encode(
    ecg: NDArray[np.floating],
    r_s: NDArray[np.float64],
    tasks: TaskSettings | None = None,
    settings: ReconstructSettings | None = None,
) -> ReconstructedEcg:
    """Encode an ECG into the targets of its windows and reconstruct it from them: `decode(encode(ecg))`.

    Args:
        ecg: (time,) at 200 Hz.
        r_s: (beat,) its R peaks.
        tasks: how the tasks are encoded; `None` takes the defaults.
        settings: how windows become a long-term ECG; `None` takes the defaults.
    """
    tasks = tasks or TaskSettings()
    settings = settings or ReconstructSettings()
    reference = Reference.of(ecg, FS_HZ, r_s, tasks)
    step = max(1, round(settings.step_s * FRAME_RATE_HZ))
    last = int((len(ecg) / FS_HZ - WINDOW_S) * FRAME_RATE_HZ)
    start_s = np.arange(0, last + 1, step) / FRAME_RATE_HZ
    start_s = start_s[reference.usable(start_s)]
    targets = reference.targets(start_s)
    length_s = decode_length(np.log(targets.length.astype(np.float64) + 1e-12), tasks)
    merger = MapMerger(len(ecg))
    merger.add(targets.anchor, start_s)
    outputs = WindowOutputs(start_s, targets.shape, length_s, merger.merged(), np.isnan(ecg))
    return reconstruct_windows(outputs, tasks, settings)

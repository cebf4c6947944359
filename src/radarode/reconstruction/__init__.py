"""From windows to a long-term ECG: merge anchor maps, choose beats, lay shapes on them. No reference is used."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from radarode.core.config import from_plain
from radarode.core.constants import FS_HZ, WINDOW_S
from radarode.core.types import ReconstructedEcg, Recording
from radarode.models.pretrained import Pretrained, load_model
from radarode.reconstruction.disturb import Disturb
from radarode.reconstruction.rhythm import beat_quality, choose_beats, stretch_quality
from radarode.reconstruction.settings import ReconstructSettings
from radarode.reconstruction.stitch import stitch
from radarode.reconstruction.windows import WindowOutputs, run_windows
from radarode.tasks import TaskSettings
from radarode.tasks.anchor import decode_anchor

__all__ = ["ReconstructSettings", "rated_beats", "reconstruct", "reconstruct_windows"]


def reconstruct(
    recording: Recording,
    weights: Pretrained | str = "default",
    settings: ReconstructSettings | None = None,
    *,
    disturb: Disturb | None = None,
) -> ReconstructedEcg:
    """Turn the motion of a recording into a long-term ECG; its reference, if any, is never looked at.

    Args:
        recording: at 200 Hz, any number of channels that the weights accept, at least one window long.
        weights: of radarODE-MTL: loaded, a folder, or "default".
        settings: how to merge and choose; `None` takes the defaults.
        disturb: called on the spectrogram, cut into windows, before they are scaled, to try noise on it.

    Returns:
        An ECG in nominal units with its beats, their quality and the gaps. `reconstructed, not measured; not for
        diagnosis`.

    Raises:
        InputError: the recording is too short, at another rate, or has a channel count that the weights refuse.
    """
    loaded = load_model(weights) if isinstance(weights, str) else weights
    chosen = settings or ReconstructSettings()
    tasks = from_plain(TaskSettings, loaded.tasks)
    outputs = run_windows(recording, loaded, tasks, chosen, disturb=disturb)
    return reconstruct_windows(outputs, tasks, chosen)


def reconstruct_windows(outputs: WindowOutputs, tasks: TaskSettings, settings: ReconstructSettings) -> ReconstructedEcg:
    """Turn the network's answers into a long-term ECG.

    Args:
        outputs: of all windows, in order of time.
        tasks: how the tasks are encoded.
        settings: how to merge and choose.
    """
    r_s, quality, length_s = rated_beats(outputs, settings)
    return stitch(r_s, quality, length_s, outputs, r_fraction=tasks.r_fraction)


def rated_beats(
    outputs: WindowOutputs, settings: ReconstructSettings
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Choose and rate the beats; those in stretches rated below `min_quality` are left out.

    Args:
        outputs: of all windows, in order of time.
        settings: how to choose.

    Returns:
        (beat,) R peaks in seconds, their quality, and the predicted length of their cycles.
    """
    times_s, heights = decode_anchor(
        outputs.anchor, threshold=settings.threshold, min_distance_s=0.5 * settings.min_distance_s
    )
    # Peaks are found first and dropped after: a map cut off at a gap would grow a false peak at the cut.
    heard = ~outputs.missing[np.rint(times_s * FS_HZ).astype(np.int64).clip(0, len(outputs.missing) - 1)]
    times_s, heights = times_s[heard], heights[heard]
    length_s = _length_at(times_s, outputs)
    chosen = choose_beats(times_s, heights, length_s, settings)
    times_s, heights, length_s = times_s[chosen], heights[chosen], length_s[chosen]
    stretch = stretch_quality(times_s, heights, length_s, outputs.missing)
    quality = stretch * beat_quality(times_s, heights, length_s)
    good = stretch >= settings.min_quality
    return times_s[good], quality[good], length_s[good]


def _length_at(times_s: np.ndarray, outputs: WindowOutputs) -> np.ndarray:
    """Interpolate the predicted cycle length between window centres."""
    if len(outputs.start_s) == 0:
        return np.empty(0)
    return np.interp(times_s, outputs.start_s + WINDOW_S / 2, outputs.length_s)

"""Run an MMECG network over a recording of any length: conditions from overlapping windows, then one free run."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from radarode.core.constants import FS_HZ
from radarode.core.types import Recording
from radarode.data.motion import scale_motion
from radarode.models.mmecg import Mmecg
from radarode.models.tcn_stepper import free_run
from radarode.reconstruction.merge import window_weights
from radarode.reconstruction.settings import ReconstructSettings
from radarode.reconstruction.windows import check_recording, silence
from radarode.signal.gaps import fill_gaps, find_gaps, missing_samples


@torch.inference_mode()
def curve_of(
    model: Mmecg, recording: Recording, settings: ReconstructSettings
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return the ECG curve of a recording, and where there is none; the reference is not looked at.

    The decoder starts anew, without a past, behind every gap, as it starts in training.

    Args:
        model: in evaluation mode.
        recording: at 200 Hz, at least one window long.
        settings: step, batch, gaps.

    Returns:
        (time,) curve, nominally in [0, 1], NaN in gaps, and (time,) where motion is missing.

    Raises:
        InputError: the recording is too short, at another rate, or has a channel count that the network refuses.
    """
    check_recording(recording, model.config.samples / FS_HZ)
    conditions, missing = conditions_of(model, recording, settings)
    curve = np.full(len(missing), np.nan, dtype=np.float32)
    for begin, end in find_gaps(~missing):
        amplitude = free_run(model.decoder, conditions[None, :, begin:end], model.config.readout)
        curve[begin:end] = 0.5 * (amplitude[0] + 1.0)
    return curve, missing


@torch.inference_mode()
def conditions_of(
    model: Mmecg, recording: Recording, settings: ReconstructSettings
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return what conditions the decoder at every sample: the weighted mean of the windows that reach it.

    A window's weight falls from its centre to its ends as a raised cosine, so windows fade into each other. Channels
    that miss more than `max_gap_share` of a window are left out of it, and windows without any channel are left out.

    Returns:
        (condition, time) float32, and (time,) where no motion is.
    """
    samples = model.config.samples
    absent = missing_samples(recording.rcg, recording.fs_hz)
    total = recording.rcg.shape[1]
    summed = np.zeros((model.config.conditions, total))
    weight = np.zeros(total)
    window = window_weights(samples)
    starts = _window_starts(absent, samples, settings)
    rcg, _ = fill_gaps(np.where(absent, np.float32(np.nan), recording.rcg))
    for begin in range(0, len(starts), settings.batch):
        group = starts[begin : begin + settings.batch]
        motion = torch.from_numpy(np.stack([_window(rcg, absent, s, samples, settings) for s in group]))
        found = model.encode(scale_motion(motion), _places(recording, len(group))).numpy()
        for first, one in zip(group, found, strict=True):
            summed[:, first : first + samples] += window * one
            weight[first : first + samples] += window
    missing = silence(absent) | (weight == 0)
    return (summed / np.where(weight > 0, weight, 1.0)).astype(np.float32), missing


def _window_starts(absent: NDArray[np.bool_], samples: int, settings: ReconstructSettings) -> NDArray[np.int64]:
    """Return the first sample of every window in which some channel is there for most of the time."""
    step = max(1, min(round(settings.step_s * FS_HZ), samples // 2))
    starts = np.arange(0, absent.shape[1] - samples + 1, step)
    if starts[-1] != absent.shape[1] - samples:
        starts = np.append(starts, absent.shape[1] - samples)
    counts = np.concatenate([np.zeros((len(absent), 1), np.int64), np.cumsum(absent, axis=1)], axis=1)
    share = (counts[:, starts + samples] - counts[:, starts]) / samples
    return starts[(share <= settings.max_gap_share).any(axis=0)]


def _window(
    rcg: NDArray[np.floating], absent: NDArray[np.bool_], first: int, samples: int, settings: ReconstructSettings
) -> NDArray[np.float32]:
    part = slice(int(first), int(first) + samples)
    usable = absent[:, part].mean(axis=1) <= settings.max_gap_share
    # The window's own mean is removed by the scaling; a channel that is left out must stay all zero.
    return np.where(usable[:, None], rcg[:, part], np.float32(0.0)).astype(np.float32)


def _places(recording: Recording, windows: int) -> torch.Tensor:
    places = np.zeros((recording.n_channels, 3), np.float32) if recording.positions_m is None else recording.positions_m
    known = np.nan_to_num(np.asarray(places, dtype=np.float32))
    return torch.from_numpy(known).expand(windows, -1, -1)

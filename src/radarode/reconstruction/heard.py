"""All that is heard of a recording, in the layout of a store: spectrogram, motion, and where either is missing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from radarode.core.constants import FRAME_RATE_HZ, WINDOW_FRAMES
from radarode.core.errors import InputError
from radarode.core.types import Recording
from radarode.data.store import StoredRecording
from radarode.models.pretrained import Pretrained
from radarode.reconstruction.disturb import Disturb, disturbed
from radarode.reconstruction.windows import check_recording, fitting_transform, iterate_frames, silence
from radarode.signal.gaps import fill_gaps, frame_gaps, missing_samples

LARGEST = 6e4
"""What float16 holds."""


@dataclass(frozen=True, slots=True, eq=False)
class Heard:
    """Hold spectrogram and motion of a recording.

    Attributes:
        frames: (frame, channel, row) float16 magnitudes, in any unit of each channel.
        motion: (time, channel) at 200 Hz, in any unit of each channel, bridged where it is missing.
        absent: (channel, time) where a channel's motion is missing.
        absent_frames: (channel, frame) the same for the frames.
        missing: (time,) where no channel carries motion, so that nothing may be placed there.
    """

    frames: NDArray[np.float16]
    motion: NDArray[np.floating]
    absent: NDArray[np.bool_]
    absent_frames: NDArray[np.bool_]
    missing: NDArray[np.bool_]


@torch.inference_mode()
def hear(
    recording: Recording,
    weights: Pretrained,
    disturb: Disturb | None = None,
) -> Heard:
    """Transform a recording as a whole; its reference, if any, is never looked at.

    The frames are kept, 0.2 MB per second with 50 channels, since beats are placed by them before windows are cut.

    Args:
        recording: at 200 Hz.
        weights: of radarODE.
        disturb: called on the magnitudes, cut into windows side by side; so the energy and every window cut from the
            frames later see one and the same noise.

    Raises:
        InputError: the recording is not at 200 Hz, shorter than one window, or has not the network's channels.
    """
    check_recording(recording)
    wanted = weights.model.config.channels
    if wanted is not None and recording.n_channels != wanted:
        raise InputError.of("recording", f"of {wanted} channels, which the network reads", recording.n_channels)
    transform = fitting_transform(weights)
    absent = missing_samples(recording.rcg, recording.fs_hz)
    motion, _ = fill_gaps(np.where(absent, np.float32(np.nan), recording.rcg))
    motion = motion / _typical(motion)[:, None]
    blocks = [np.empty((0, len(motion), len(transform.freqs_hz)), np.float16)]
    for block in disturbed(iterate_frames(motion, absent, transform), disturb):
        blocks.append(_as_float16(block.permute(2, 0, 1)))
    frames = np.concatenate(blocks)
    absent_frames = np.stack([frame_gaps(channel, len(frames)) for channel in absent])
    return Heard(frames, motion.T, absent, absent_frames, silence(absent))


def hear_stored(recording: StoredRecording) -> Heard:
    """Return the same of a recording in a store, whose gaps are bridged and take no part in training.

    Args:
        recording: with its motion.
    """
    if recording.motion is None:
        raise InputError("the store holds no motion. Build one for this framework, or name no store.")
    n_frames, channels = recording.frames.shape[:2]
    samples = len(recording.motion)
    present, present_frames = np.zeros((channels, samples), bool), np.zeros((channels, n_frames), bool)
    return Heard(recording.frames, recording.motion, present, present_frames, np.zeros(samples, bool))


def usable_channels(absent: NDArray[np.bool_], begin: int, length: int, most: float) -> NDArray[np.bool_]:
    """Tell which channels miss no larger share of a window than `most`.

    Args:
        absent: (channel, sample or frame).
        begin: first sample of the window.
        length: of the window.
        most: largest share.
    """
    return absent[:, begin : begin + length].mean(axis=1) <= most


def _typical(motion: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return each channel's median size, so that its frames fit into float16 whatever its unit; 1 if it never moves."""
    size = np.median(np.abs(motion), axis=1)
    size = np.where(size > 0, size, motion.std(axis=1))
    return np.where(size > 0, size, 1.0).astype(np.float32)


def _as_float16(values: Tensor) -> NDArray[np.float16]:
    return values.clamp(-LARGEST, LARGEST).to(torch.float16).contiguous().numpy()


def frames_at(times_s: NDArray[np.floating], n_frames: int) -> NDArray[np.int64]:
    """Return the first frame of the whole window centred on each time, or -1 where there is none.

    Args:
        times_s: (window,) centres.
        n_frames: frames of the recording.
    """
    starts = np.rint(np.asarray(times_s) * FRAME_RATE_HZ).astype(np.int64) - WINDOW_FRAMES // 2
    return np.where((starts >= 0) & (starts + WINDOW_FRAMES <= n_frames), starts, -1)

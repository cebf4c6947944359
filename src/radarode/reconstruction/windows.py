"""Run the network over a recording of any length, window by window, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from radarode.core.constants import FRAME_RATE_HZ, FS_HZ, WINDOW_FRAMES, WINDOW_S, WINDOW_SAMPLES
from radarode.core.errors import InputError
from radarode.core.types import Recording
from radarode.data.scaling import scale_windows
from radarode.data.store import frame_gaps
from radarode.models.pretrained import Pretrained
from radarode.reconstruction.settings import ReconstructSettings
from radarode.signal.blocks import Transform
from radarode.signal.gaps import fill_gaps, find_gaps
from radarode.signal.timefrequency import make_transform
from radarode.tasks import TaskSettings
from radarode.tasks.length import decode_length
from radarode.tasks.settings import SHAPE_SAMPLES

CHUNK_S = 60.0
"""Motion handed to the transform at a time."""

FLAT_S = 0.25
"""A channel that holds one value for longer has dropped out."""


@dataclass(frozen=True, slots=True, eq=False)
class WindowOutputs:
    """Hold what the network says of each window of a recording.

    Attributes:
        start_s: (window,) start of each window.
        shapes: (window, 200) cycle at the window's centre.
        length_s: (window,) its length.
        anchors: (window, 800) R-peak map.
        missing: (time,) at 200 Hz, where no channel carries motion: nothing may be placed there.
    """

    start_s: NDArray[np.float64]
    shapes: NDArray[np.float32]
    length_s: NDArray[np.float64]
    anchors: NDArray[np.float32]
    missing: NDArray[np.bool_]


def missing_samples(rcg: NDArray[np.floating], fs_hz: float) -> NDArray[np.bool_]:
    """Mark samples that carry no motion: NaN, or one value held for longer than `FLAT_S`.

    Args:
        rcg: (channel, time).
        fs_hz: sampling rate.

    Returns:
        (channel, time).
    """
    missing = np.isnan(rcg)
    shortest = max(2, round(FLAT_S * fs_hz))
    for channel, values in enumerate(rcg):
        flat = np.concatenate([[False], values[1:] == values[:-1]])
        for begin, end in find_gaps(flat):
            if end - begin + 1 >= shortest:
                missing[channel, begin - 1 : end] = True
    return missing


def iterate_frames(recording: Recording, transform: Transform) -> Iterator[Tensor]:
    """Yield consecutive spectrogram frames (channel, row, frame), as a stream of the motion would."""
    state = transform.init_state(recording.n_channels)
    chunk = round(CHUNK_S * FS_HZ)
    for begin in range(0, recording.rcg.shape[1], chunk):
        filled, _ = fill_gaps(recording.rcg[:, begin : begin + chunk])
        state, frames = transform.step(state, filled)
        yield frames
    yield transform.flush(state)


def run_windows(
    recording: Recording, weights: Pretrained, tasks: TaskSettings, settings: ReconstructSettings
) -> WindowOutputs:
    """Slide the window over a recording and collect the network's answers.

    Windows that miss more than `max_gap_share` of their frames are left out, as are channels that are mostly
    missing within a window.

    Raises:
        InputError: the recording is not at 200 Hz or shorter than one window.
    """
    if recording.fs_hz != FS_HZ:
        raise InputError.of("fs_hz", f"{FS_HZ:g} Hz", recording.fs_hz, "Use radarode.load, which resamples")
    if recording.duration_s < WINDOW_S:
        raise InputError.of("recording", f"at least one window of {WINDOW_S:g} s long", f"{recording.duration_s:.1f} s")
    missing = missing_samples(recording.rcg, recording.fs_hz)
    transform = make_transform(**weights.transform)
    silent = np.asarray(missing.all(axis=0))
    parts = [_no_answer()]
    for batch, start_s in _batches(recording, missing, transform, settings):
        parts.append((start_s, *_answer(batch, weights, tasks)))
    start_s, shapes, length_s, anchors = (np.concatenate(column) for column in zip(*parts, strict=True))
    return WindowOutputs(start_s, shapes, length_s, anchors, silent)


def _no_answer() -> tuple[NDArray, NDArray, NDArray, NDArray]:
    """Return what zero windows give, so that a recording without a usable window needs no case of its own."""
    anchors = np.empty((0, WINDOW_SAMPLES), np.float32)
    return np.empty(0), np.empty((0, SHAPE_SAMPLES), np.float32), np.empty(0), anchors


def _batches(
    recording: Recording, missing: NDArray[np.bool_], transform: Transform, settings: ReconstructSettings
) -> Iterator[tuple[Tensor, NDArray[np.float64]]]:
    """Yield (window, channel, row, frame) magnitudes with the start of each window."""
    n_frames = int(np.ceil(recording.rcg.shape[1] * FRAME_RATE_HZ / FS_HZ))
    gaps = np.stack([frame_gaps(channel, n_frames) for channel in missing])
    step = max(1, round(settings.step_s * FRAME_RATE_HZ))
    starts = np.arange(0, n_frames - WINDOW_FRAMES + 1, step)
    if starts[-1] != n_frames - WINDOW_FRAMES:
        starts = np.append(starts, n_frames - WINDOW_FRAMES)
    pending: list[Tensor] = []
    pending_starts: list[int] = []
    buffer, offset, done = torch.empty(recording.n_channels, len(transform.freqs_hz), 0), 0, 0
    for frames in iterate_frames(recording, transform):
        buffer = torch.cat([buffer, frames], dim=2)
        while done < len(starts) and starts[done] + WINDOW_FRAMES <= offset + buffer.shape[2]:
            begin = int(starts[done])
            done += 1
            share = gaps[:, begin : begin + WINDOW_FRAMES].mean(axis=1)
            usable = torch.from_numpy(share <= settings.max_gap_share)
            if not usable.any():
                continue
            window = buffer[:, :, begin - offset : begin - offset + WINDOW_FRAMES]
            pending.append(window * usable[:, None, None])
            pending_starts.append(begin)
            if len(pending) == settings.batch:
                yield torch.stack(pending), np.array(pending_starts) / FRAME_RATE_HZ
                pending, pending_starts = [], []
        keep_from = int(starts[done]) - offset if done < len(starts) else buffer.shape[2]
        buffer, offset = buffer[:, :, keep_from:].clone(), offset + keep_from
    if pending:
        yield torch.stack(pending), np.array(pending_starts) / FRAME_RATE_HZ


@torch.inference_mode()
def _answer(batch: Tensor, weights: Pretrained, tasks: TaskSettings) -> tuple[NDArray, NDArray, NDArray]:
    outputs = weights.model(scale_windows(batch, weights.scaling))
    length_s = decode_length(outputs.length.double().numpy(), tasks)
    return outputs.shape.numpy(), length_s, outputs.anchor.numpy()

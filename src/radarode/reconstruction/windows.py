"""Run the network over a recording of any length, window by window, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from radarode.core.constants import FRAME_RATE_HZ, FS_HZ, WINDOW_FRAMES, WINDOW_S
from radarode.core.errors import InputError
from radarode.core.types import Recording
from radarode.data.scaling import scale_windows
from radarode.models.pretrained import Pretrained
from radarode.reconstruction.disturb import Disturb, disturbed
from radarode.reconstruction.merge import MapMerger
from radarode.reconstruction.settings import ReconstructSettings
from radarode.signal.blocks import Transform
from radarode.signal.gaps import fill_gaps, find_gaps, frame_gaps, missing_samples
from radarode.signal.timefrequency import make_transform
from radarode.tasks import TaskSettings
from radarode.tasks.length import decode_length
from radarode.tasks.settings import SHAPE_SAMPLES

CHUNK_S = 60.0
"""Motion handed to the transform at a time."""

BRIDGE_S = 0.1
"""Motion that is missing for no longer is bridged; longer silence is a gap of the ECG."""


@dataclass(frozen=True, slots=True, eq=False)
class WindowOutputs:
    """Hold what the network says of each window of a recording.

    Attributes:
        start_s: (window,) start of each window.
        shapes: (window, 200) cycle at the window's centre.
        length_s: (window,) its length.
        anchor: (time,) merged R-peak map at 200 Hz.
        missing: (time,) at 200 Hz, where no channel carries motion: nothing may be placed there.
    """

    start_s: NDArray[np.float64]
    shapes: NDArray[np.float32]
    length_s: NDArray[np.float64]
    anchor: NDArray[np.float64]
    missing: NDArray[np.bool_]


def check_recording(recording: Recording, window_s: float = WINDOW_S) -> None:
    """Refuse a recording that cannot be cut into windows.

    Args:
        recording: to be reconstructed.
        window_s: length of a window.

    Raises:
        InputError: it is not at 200 Hz, or shorter than one window.
    """
    if recording.fs_hz != FS_HZ:
        raise InputError.of("fs_hz", f"{FS_HZ:g} Hz", recording.fs_hz, "Use radarode.load, which resamples")
    if recording.duration_s < window_s:
        raise InputError.of("recording", f"at least one window of {window_s:g} s long", f"{recording.duration_s:.1f} s")


def iterate_frames(rcg: NDArray[np.floating], missing: NDArray[np.bool_], transform: Transform) -> Iterator[Tensor]:
    """Yield consecutive spectrogram frames (channel, row, frame), as a stream of the motion would.

    Args:
        rcg: (channel, time) motion at 200 Hz.
        missing: (channel, time) samples to bridge.
        transform: makes the frames.
    """
    state = transform.init_state(len(rcg))
    chunk = round(CHUNK_S * FS_HZ)
    for begin in range(0, rcg.shape[1], chunk):
        part = slice(begin, begin + chunk)
        filled, _ = fill_gaps(np.where(missing[:, part], np.float32(np.nan), rcg[:, part]))
        state, frames = transform.step(state, filled)
        yield frames
    yield transform.flush(state)


@torch.inference_mode()
def run_windows(
    recording: Recording,
    weights: Pretrained,
    tasks: TaskSettings,
    settings: ReconstructSettings,
    *,
    disturb: Disturb | None = None,
) -> WindowOutputs:
    """Slide the window over a recording and collect the network's answers.

    Windows that miss more than `max_gap_share` of their frames are left out, as are channels that are mostly
    missing within a window.

    Args:
        recording: at 200 Hz.
        weights: of radarODE-MTL.
        tasks: how the tasks are encoded.
        settings: step, batch, gaps.
        disturb: called on the magnitudes, to try noise on the spectrogram; all frames are held in memory then.

    Raises:
        InputError: the recording is not at 200 Hz or shorter than one window.
    """
    check_recording(recording)
    transform = fitting_transform(weights)
    missing = missing_samples(recording.rcg, recording.fs_hz)
    merger = MapMerger(recording.rcg.shape[1])
    start_s, shapes, length_s = [np.empty(0)], [np.empty((0, SHAPE_SAMPLES), np.float32)], [np.empty(0)]
    frames = disturbed(iterate_frames(recording.rcg, missing, transform), disturb)
    for batch, starts in _batches(frames, recording, missing, settings, weights.scaling):
        outputs = weights.model(batch)
        start_s.append(starts)
        shapes.append(outputs.shape.numpy())
        length_s.append(decode_length(outputs.length.double().numpy(), tasks))
        merger.add(outputs.anchor.numpy(), starts)
    return WindowOutputs(
        np.concatenate(start_s), np.concatenate(shapes), np.concatenate(length_s), merger.merged(), silence(missing)
    )


def fitting_transform(weights: Pretrained) -> Transform:
    """Return the transform that weights were trained with, once it fits their network."""
    transform = make_transform(**weights.transform)
    rows, config = len(transform.freqs_hz), weights.model.config
    if (transform.fs_hz, transform.frame_rate_hz) != (FS_HZ, FRAME_RATE_HZ) or rows != config.rows:
        rule = f"{config.rows} rows at {FRAME_RATE_HZ:g} frames/s from {FS_HZ:g} Hz, which the network reads"
        got = f"{rows} rows at {transform.frame_rate_hz:g} frames/s from {transform.fs_hz:g} Hz"
        raise InputError.of("transform", rule, got, "Use the config.json that belongs to the weights")
    return transform


def silence(missing: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return (time,) where no channel carries motion for longer than `BRIDGE_S`, of a mask (channel, time)."""
    silent = np.asarray(missing.all(axis=0))
    for begin, end in find_gaps(silent):
        if end - begin <= BRIDGE_S * FS_HZ:
            silent[begin:end] = False
    return silent


def _batches(
    frames: Iterator[Tensor],
    recording: Recording,
    missing: NDArray[np.bool_],
    settings: ReconstructSettings,
    scaling: str,
) -> Iterator[tuple[Tensor, NDArray[np.float64]]]:
    """Yield scaled (window, channel, row, frame) magnitudes with the start of each window."""
    n_frames = int(np.ceil(recording.rcg.shape[1] * FRAME_RATE_HZ / FS_HZ))
    gaps = np.stack([frame_gaps(channel, n_frames) for channel in missing])
    step = max(1, round(settings.step_s * FRAME_RATE_HZ))
    starts = np.arange(0, n_frames - WINDOW_FRAMES + 1, step)
    if starts[-1] != n_frames - WINDOW_FRAMES:
        starts = np.append(starts, n_frames - WINDOW_FRAMES)
    pending: list[Tensor] = []
    pending_starts: list[int] = []
    first = next(frames)
    buffer, offset, done = first[:, :, :0], 0, 0
    for new in chain([first], frames):
        buffer = torch.cat([buffer, new], dim=2)
        while done < len(starts) and starts[done] + WINDOW_FRAMES <= offset + buffer.shape[2]:
            begin = int(starts[done])
            done += 1
            share = gaps[:, begin : begin + WINDOW_FRAMES].mean(axis=1)
            usable = torch.from_numpy(share <= settings.max_gap_share)
            if not usable.any():
                continue
            window = buffer[:, :, begin - offset : begin - offset + WINDOW_FRAMES]
            pending.append(scale_windows((window * usable[:, None, None])[None], scaling))  # still in the cache
            pending_starts.append(begin)
            if len(pending) == settings.batch:
                yield torch.cat(pending), np.array(pending_starts) / FRAME_RATE_HZ
                pending, pending_starts = [], []
        keep_from = int(starts[done]) - offset if done < len(starts) else buffer.shape[2]
        buffer, offset = buffer[:, :, keep_from:].clone(), offset + keep_from
    if pending:
        yield torch.cat(pending), np.array(pending_starts) / FRAME_RATE_HZ

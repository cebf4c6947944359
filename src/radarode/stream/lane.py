"""One way from 200 Hz motion to what the network says of its windows, step by step and in bounded memory.

A stream has two: one with the transform of the weights, whose windows are those of a file; and a quick one, whose
wavelets are cut shorter so that frames come 0.9 s behind the motion instead of 4.3 s. On the real camera recording the
beats of both are the same within 5 ms.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from radarode.core.config import from_plain
from radarode.core.constants import FRAME_RATE_HZ, FS_HZ, WINDOW_FRAMES, WINDOW_S, WINDOW_SAMPLES
from radarode.data.scaling import scale_windows
from radarode.models.pretrained import Pretrained
from radarode.reconstruction.merge import lay_maps, mean_map
from radarode.reconstruction.settings import ReconstructSettings
from radarode.reconstruction.windows import WindowOutputs, silence
from radarode.signal.blocks import Transform
from radarode.signal.gaps import frame_gaps
from radarode.signal.stream_state import StreamState as TransformState
from radarode.tasks import TaskSettings
from radarode.tasks.length import decode_length
from radarode.tasks.settings import SHAPE_SAMPLES

_ALIGNED_FRAMES = round(FRAME_RATE_HZ / 10)
_ALIGNED_SAMPLES = round(FS_HZ / 10)


@dataclass(frozen=True, slots=True, eq=False)
class LaneState:
    """Hold what a lane needs to go on.

    Attributes:
        transform: of the spectrogram.
        frames: (channel, row, frame) the newest frames.
        frames_first: number of the first of them.
        absent: (channel, time) where motion was missing, from the sample of `frames_first` on or earlier.
        absent_first: number of its first sample.
        next_start: first frame of the next window on the grid.
        newest_end: frame behind the newest window; 0 before any.
        map_first: number of the first sample of the arrays that follow.
        map_total, map_weight: (time,) sums of the windows' anchor maps.
        silent: (time,) where no channel carried motion, as far as that is known.
        start_s, shapes, length_s: of the windows that reach behind `map_first`.
    """

    transform: TransformState
    frames: Tensor
    frames_first: int
    absent: NDArray[np.bool_]
    absent_first: int
    next_start: int
    newest_end: int
    map_first: int
    map_total: NDArray[np.float64]
    map_weight: NDArray[np.float64]
    silent: NDArray[np.bool_]
    start_s: NDArray[np.float64]
    shapes: NDArray[np.float32]
    length_s: NDArray[np.float64]

    @property
    def n_frames(self) -> int:
        """Frames so far."""
        return self.frames_first + self.frames.shape[2]


class Lane:
    """Run a transform and the network along a stream.

    Args:
        weights: of radarODE-MTL.
        transform: that makes the frames.
        settings: step and gaps of windows.
        grid: whether windows start where those of a file do; otherwise one ends at the newest frame of every step.
        horizon_s: how far back results are kept.
    """

    def __init__(
        self, weights: Pretrained, transform: Transform, settings: ReconstructSettings, *, grid: bool, horizon_s: float
    ) -> None:
        self.transform, self.settings, self.grid = transform, settings, grid
        self._weights, self._tasks = weights, from_plain(TaskSettings, weights.tasks)
        self._hop = max(1, round(settings.step_s * FRAME_RATE_HZ))
        self._horizon = _aligned(round(horizon_s * FRAME_RATE_HZ))

    def start(self, channels: int) -> LaneState:
        """Return the state before the first sample."""
        none = np.empty(0)
        return LaneState(
            transform=self.transform.init_state(channels),
            frames=torch.zeros(channels, len(self.transform.freqs_hz), 0),
            frames_first=0,
            absent=np.empty((channels, 0), bool),
            absent_first=0,
            next_start=0,
            newest_end=0,
            map_first=0,
            map_total=none,
            map_weight=none,
            silent=none.astype(bool),
            start_s=none,
            shapes=np.empty((0, SHAPE_SAMPLES), np.float32),
            length_s=none,
        )

    @torch.inference_mode()
    def step(
        self, state: LaneState, filled: NDArray[np.floating], missing: NDArray[np.bool_], *, end: bool = False
    ) -> tuple[LaneState, Tensor]:
        """Take in the next motion and run the windows that are due.

        Args:
            state: the stream so far; it is not changed.
            filled: (channel, time) finite motion at 200 Hz.
            missing: (channel, time) where it was bridged.
            end: nothing follows; the last frames are given as at the end of a file.

        Returns:
            The new state and the new frames (channel, row, frame).
        """
        parts: dict[str, Any] = {name: getattr(state, name) for name in LaneState.__slots__}
        parts["absent"] = np.concatenate([state.absent, missing], axis=1)
        parts["silent"] = np.concatenate([state.silent, missing.all(axis=0)])
        parts["transform"], frames = self.transform.step(state.transform, filled.astype(np.float32))
        if end:
            frames = torch.cat([frames, self.transform.flush(parts["transform"])], dim=2)
        parts["frames"] = torch.cat([state.frames, frames], dim=2)
        for start in self._due(parts, end=end):
            self._run_window(parts, start)
        self._trim(parts)
        return LaneState(**parts), frames

    def _due(self, parts: dict[str, Any], *, end: bool) -> list[int]:
        """Return the first frames of the windows to run now."""
        n_frames = parts["frames_first"] + parts["frames"].shape[2]
        newest = n_frames - WINDOW_FRAMES
        if not self.grid:
            return [newest] if newest >= 0 and n_frames > parts["newest_end"] else []
        due = list(range(parts["next_start"], newest + 1, self._hop))
        parts["next_start"] += self._hop * len(due)
        if end and newest >= 0 and parts["next_start"] - self._hop != newest:
            due.append(newest)
        return due

    def _run_window(self, parts: dict[str, Any], start: int) -> None:
        gaps = _gaps(parts["absent"], parts["absent_first"], start, WINDOW_FRAMES)
        usable = gaps.mean(axis=1) <= self.settings.max_gap_share
        if not usable.any():
            return
        first = start - parts["frames_first"]
        window = parts["frames"][:, :, first : first + WINDOW_FRAMES]
        if not usable.all():
            window = window * torch.from_numpy(usable)[:, None, None]
        outputs = self._weights.model(scale_windows(window[None], self._weights.scaling))
        start_s = np.array([start / FRAME_RATE_HZ])
        size = round(start_s[0] * FS_HZ) + WINDOW_SAMPLES - parts["map_first"]
        for name in ("map_total", "map_weight"):
            parts[name] = np.pad(parts[name], (0, max(0, size - len(parts[name]))))
        lay_maps(parts["map_total"], parts["map_weight"], outputs.anchor.numpy(), start_s, parts["map_first"])
        parts["start_s"] = np.append(parts["start_s"], start_s)
        parts["shapes"] = np.concatenate([parts["shapes"], outputs.shape.numpy()])
        parts["length_s"] = np.append(parts["length_s"], decode_length(outputs.length.double().numpy(), self._tasks))
        parts["newest_end"] = max(parts["newest_end"], start + WINDOW_FRAMES)

    def _trim(self, parts: dict[str, Any]) -> None:
        """Forget what no later window, and no result within the horizon, needs."""
        n_frames = parts["frames_first"] + parts["frames"].shape[2]
        keep = min(parts["next_start"], n_frames) if self.grid else n_frames - WINDOW_FRAMES
        keep = max(0, keep - parts["frames_first"])
        if keep:
            parts["frames"], parts["frames_first"] = parts["frames"][:, :, keep:].clone(), parts["frames_first"] + keep
        absent_from = _aligned(parts["frames_first"]) * 20 // 3 - 2 * _ALIGNED_SAMPLES
        drop = max(0, absent_from - parts["absent_first"])
        parts["absent"], parts["absent_first"] = parts["absent"][:, drop:].copy(), parts["absent_first"] + drop
        map_from = (_aligned(n_frames) - self._horizon) * 20 // 3
        drop = max(0, map_from - parts["map_first"])
        for name in ("map_total", "map_weight", "silent"):
            parts[name] = parts[name][drop:].copy()
        parts["map_first"] += drop
        recent = parts["start_s"] + WINDOW_S > parts["map_first"] / FS_HZ
        for name in ("start_s", "shapes", "length_s"):
            parts[name] = parts[name][recent]

    def mean_frames(self, state: LaneState, frames: Tensor) -> NDArray[np.float32]:
        """Return the (row, frame) mean over the channels that carry motion; NaN where none does.

        Args:
            state: the stream so far.
            frames: (channel, row, frame) its newest frames.
        """
        count = frames.shape[2]
        there = ~_gaps(state.absent, state.absent_first, state.n_frames - count, count)
        values, number = frames.numpy(), there.sum(axis=0)
        total = np.einsum("crf,cf->rf", values, there.astype(np.float32))
        return np.where(number > 0, total / np.maximum(number, 1), np.nan).astype(np.float32)

    def outputs(self, state: LaneState, until: int) -> WindowOutputs:
        """Return what the windows say of the horizon, up to a sample, in time from `state.map_first`.

        Args:
            state: the stream so far.
            until: number of the sample behind the last one.
        """
        size = max(0, until - state.map_first)
        total, weight = (_sized(values, size) for values in (state.map_total, state.map_weight))
        silent = np.concatenate([state.silent[:size], np.ones(max(0, size - len(state.silent)), bool)])
        return WindowOutputs(
            state.start_s - state.map_first / FS_HZ,
            state.shapes,
            state.length_s,
            mean_map(total, weight),
            silence(silent[None]),
        )


def _aligned(frames: int) -> int:
    """Return the last frame up to `frames` that stands on a sample whose number is a multiple of 20."""
    return frames // _ALIGNED_FRAMES * _ALIGNED_FRAMES


def _gaps(absent: NDArray[np.bool_], absent_first: int, start: int, count: int) -> NDArray[np.bool_]:
    """Return (channel, frame) which of `count` frames from `start` on stand on missing motion."""
    if not absent.any():
        return np.zeros((len(absent), count), dtype=bool)
    offset = start - absent_first * 3 // 20
    return np.stack([frame_gaps(channel, offset + count) for channel in absent])[:, offset:]


def _sized(values: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    return np.pad(values, (0, max(0, size - len(values))))[:size]

"""Windows of stored recordings, assembled into batches without per-window Python on the pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from radarode.core.constants import FRAME_RATE_HZ, WINDOW_FRAMES
from radarode.core.errors import InputError
from radarode.data.store import StoredRecording


@dataclass(frozen=True, slots=True, eq=False)
class WindowIndex:
    """List windows as (recording, first frame) pairs.

    Attributes:
        recording: (window,) index into the recordings.
        frame: (window,) first frame.
    """

    recording: NDArray[np.int64]
    frame: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.frame)

    def take(self, order: NDArray[np.int64]) -> WindowIndex:
        """Return the windows at these places."""
        return WindowIndex(self.recording[order], self.frame[order])

    @property
    def start_s(self) -> NDArray[np.float64]:
        """Start of each window in its recording, in seconds."""
        return self.frame / FRAME_RATE_HZ


def list_windows(recordings: Sequence[StoredRecording], step_s: float) -> WindowIndex:
    """List every whole window without a gap, one each `step_s` seconds, recording by recording.

    Raises:
        InputError: there is none.
    """
    starts = [recording.window_starts(step_s) for recording in recordings]
    if not sum(map(len, starts)):
        raise InputError("no whole window without a gap in these recordings; at least 4 s are needed.")
    owner = [np.full(len(frames), number) for number, frames in enumerate(starts)]
    return WindowIndex(np.concatenate(owner), np.concatenate(starts))


def gather_windows(
    recordings: Sequence[StoredRecording],
    windows: WindowIndex,
    *,
    n_channels: int | None = None,
    rng: np.random.Generator | None = None,
    part: slice = slice(None),
) -> Tensor:
    """Read windows into one tensor (window, channel, row, frame), float32.

    Args:
        recordings: what `windows` indexes.
        windows: the windows of the batch.
        n_channels: draw so many channels for each window, with repetition only where a recording has fewer;
            `None` takes all, and then every recording must have the same number.
        rng: for the draw.
        part: read these windows alone; the draw is the same as for all of them.
    """
    chosen: list[NDArray[np.int64] | slice] = [slice(None)] * len(windows)
    if n_channels is not None:
        if rng is None:
            raise TypeError("n_channels needs rng")
        available = [recordings[number].frames.shape[1] for number in windows.recording]
        chosen = [rng.choice(count, n_channels, replace=count < n_channels) for count in available]
    places = zip(windows.recording[part], windows.frame[part], chosen[part], strict=True)
    found = [recordings[number].frames[frame : frame + WINDOW_FRAMES][:, c] for number, frame, c in places]
    batch = torch.from_numpy(np.stack(found))
    return batch.permute(0, 2, 3, 1).to(torch.float32, memory_format=torch.contiguous_format)

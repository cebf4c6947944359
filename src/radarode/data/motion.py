"""Windows of stored motion, for networks that read the motion itself; the counterpart of `segments.py`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from radarode.core.constants import FRAME_RATE_HZ, FS_HZ
from radarode.core.errors import InputError
from radarode.data.store import StoredRecording

if TYPE_CHECKING:
    from torch import Tensor

LARGEST = 8.0
"""Scaled motion is clipped at so many of its window's standard deviations: a jerk must not drown the rest."""


def motion_starts(recording: StoredRecording, samples: int, step_s: float) -> NDArray[np.int64]:
    """Return the first sample of every whole window without a gap, one each `step_s`.

    Args:
        recording: of a store.
        samples: length of a window at 200 Hz.
        step_s: time between windows.
    """
    if recording.motion is None:
        raise InputError("the store holds no motion. Build one for this framework, or name no store.")
    step = max(1, round(step_s * FS_HZ))
    starts = np.arange(0, len(recording.motion) - samples + 1, step)
    first = np.floor(starts * FRAME_RATE_HZ / FS_HZ).astype(np.int64)
    last = np.minimum(np.ceil((starts + samples) * FRAME_RATE_HZ / FS_HZ).astype(np.int64) + 1, len(recording.gaps))
    missing = np.concatenate([[0], np.cumsum(recording.gaps)])
    return starts[missing[last] == missing[first]]


def gather_motion(
    recordings: Sequence[StoredRecording],
    owner: NDArray[np.int64],
    start: NDArray[np.int64],
    samples: int,
    *,
    n_channels: int | None = None,
    rng: np.random.Generator | None = None,
) -> tuple[Tensor, Tensor]:
    """Read windows of motion, with the places of their channels.

    Args:
        recordings: what `owner` indexes; all with motion.
        owner: (window,) which recording.
        start: (window,) first sample.
        samples: length at 200 Hz.
        n_channels: draw so many channels for each window, with repetition only where a recording has fewer; `None`
            takes all.
        rng: for the draw.

    Returns:
        (window, channel, sample) float32 as stored, and (window, channel, 3) positions [m], zero where unknown.
    """
    import torch

    parts, places = [], []
    for number, first in zip(owner, start, strict=True):
        recording = recordings[number]
        assert recording.motion is not None
        window = recording.motion[first : first + samples]
        positions = recording.positions_m
        if positions is None:
            positions = np.zeros((window.shape[1], 3), dtype=np.float32)
        if n_channels is not None:
            if rng is None:
                raise TypeError("n_channels needs rng")
            chosen = rng.choice(window.shape[1], n_channels, replace=window.shape[1] < n_channels)
            window, positions = window[:, chosen], positions[chosen]
        parts.append(window)
        places.append(positions)
    motion = torch.from_numpy(np.stack(parts)).permute(0, 2, 1).to(torch.float32, memory_format=torch.contiguous_format)
    return motion, torch.from_numpy(np.stack(places)).to(torch.float32)


def scale_motion(motion: Tensor) -> Tensor:
    """Bring each channel of each window to mean 0 and standard deviation 1, clipped at `LARGEST`.

    Args:
        motion: (window, channel, sample).

    Returns:
        The same shape; a channel that does not move is zero.
    """
    centred = motion - motion.mean(dim=2, keepdim=True)
    spread = centred.square().mean(dim=2, keepdim=True).sqrt()
    tiny = 1e-12
    return (centred / spread.clamp(min=tiny)).clamp(-LARGEST, LARGEST) * (spread > tiny)

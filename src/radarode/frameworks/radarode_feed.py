"""Batches of the two stages of radarODE: cycles with the spectrogram around them, windows with motion and draft."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from radarode.core.constants import FRAME_RATE_HZ, FS_HZ, WINDOW_FRAMES, WINDOW_SAMPLES
from radarode.core.errors import InputError
from radarode.data.augment import AugmentSettings, augment_motion, augment_windows
from radarode.data.motion import gather_motion, motion_starts, scale_motion
from radarode.data.scaling import scale_windows
from radarode.data.segments import WindowIndex, gather_windows
from radarode.data.store import StoredRecording
from radarode.reconstruction.heard import frames_at
from radarode.tasks.settings import TaskSettings
from radarode.tasks.shape import decode_shape
from radarode.tasks.targets import Reference

LEAST_KNOWN = 0.5
"""A window counts if so much of its target curve is known."""


@dataclass(frozen=True, slots=True, eq=False)
class Shared:
    """Hold what the feeds of both stages need.

    Attributes:
        recordings: where the windows lie.
        references: their encoded references, in the same order.
        scaling: how magnitudes are scaled.
        freqs_hz: (row,) frequency axis, for the augmentation.
        augment: what is varied, or None for the windows as they are.
        channels: smallest and largest number of channels in a batch; None takes all.
        seed: of everything random.
    """

    recordings: Sequence[StoredRecording]
    references: Sequence[Reference]
    scaling: str
    freqs_hz: NDArray[np.floating]
    augment: AugmentSettings | None
    channels: tuple[int, int] | None
    seed: int


def encode_references(recordings: Sequence[StoredRecording], tasks: TaskSettings) -> list[Reference]:
    """Encode the reference of every recording."""
    return [Reference.of(one.ecg_mv, FS_HZ, one.r_peaks_s, tasks) for one in recordings]


class ShuffledFeed(ABC):
    """Give batches of numbered items in shuffled passes; what is drawn depends on (seed, epoch, step) alone.

    Args:
        shared: what both stages need.
    """

    stream = 0

    def __init__(self, shared: Shared) -> None:
        self.shared = shared

    @abstractmethod
    def __len__(self) -> int:
        """Return the number of items."""

    @abstractmethod
    def _gather(
        self, items: NDArray[np.int64], rng: np.random.Generator, n_channels: int | None, jitter: bool
    ) -> object:
        """Return the batch of these items; `jitter` is off in validation."""

    def steps(self, batch: int) -> int:
        """Return the number of whole batches in one pass (at least one)."""
        return max(1, len(self) // batch)

    def epoch(self, epoch: int, batch: int, steps: int, *, first_step: int = 0) -> Iterator[object]:
        """Yield the batches of an epoch, from `first_step` on; items are reshuffled each pass."""
        seed = self.shared.seed
        for step in range(first_step, steps):
            number, place = divmod(epoch * steps + step, self.steps(batch))
            order = np.random.default_rng([seed, self.stream, 0, number]).permutation(len(self))
            rng = np.random.default_rng([seed, self.stream, 1, epoch, step])
            yield self._gather(order[place * batch : (place + 1) * batch], rng, self._channels(rng), jitter=True)

    def in_order(self, batch: int) -> Iterator[object]:
        """Yield every item once, in order and without chance (channels are drawn by a fixed seed)."""
        for begin in range(0, len(self), batch):
            rng = np.random.default_rng([self.shared.seed, self.stream, 2, begin])
            items = np.arange(begin, min(begin + batch, len(self)))
            yield self._gather(items, rng, self._channels(rng), jitter=False)

    def _channels(self, rng: np.random.Generator) -> int | None:
        pair = self.shared.channels
        return None if pair is None else int(rng.integers(pair[0], pair[1] + 1))


class CycleBatch(NamedTuple):
    """Hold scaled spectrograms (window, channel, row, frame) around cycles, and the cycles (window, 200)."""

    inputs: Tensor
    shape: Tensor


class CycleFeed(ShuffledFeed):
    """Give windows centred on the R peaks of known cycles, off by up to `jitter_s` in training.

    Args:
        shared: what both stages need.
        jitter_s: how far the centre may be off.

    Raises:
        InputError: no cycle has a whole window without a gap around it.
    """

    stream = 21

    def __init__(self, shared: Shared, jitter_s: float) -> None:
        super().__init__(shared)
        self.jitter = int(jitter_s * FRAME_RATE_HZ)
        found = [self._usable(number) for number in range(len(shared.recordings))]
        self.cycle = np.concatenate([cycles for cycles, _ in found])
        self.start = np.concatenate([starts for _, starts in found])
        self.owner = np.repeat(np.arange(len(found)), [len(starts) for _, starts in found])
        if not len(self.start):
            raise InputError("no heartbeat has a whole window of motion around it; give longer recordings with an ECG.")

    def __len__(self) -> int:
        return len(self.start)

    def _usable(self, number: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return a recording's known cycles and the first frames of their windows."""
        recording, reference = self.shared.recordings[number], self.shared.references[number]
        if not len(reference.cycles):
            return np.empty(0, np.int64), np.empty(0, np.int64)
        n_frames = len(recording.frames)
        starts = frames_at(reference.cycles.r_s, n_frames)
        first, last = starts - self.jitter, starts + self.jitter + WINDOW_FRAMES
        inside = (starts >= 0) & (first >= 0) & (last <= n_frames) & np.isfinite(reference.shapes[:, 0])
        missing = np.concatenate([[0], np.cumsum(recording.gaps)])
        whole = missing[last.clip(0, n_frames)] == missing[first.clip(0, n_frames)]
        kept = np.flatnonzero(inside & whole)
        return kept, starts[kept]

    def _gather(
        self, items: NDArray[np.int64], rng: np.random.Generator, n_channels: int | None, jitter: bool
    ) -> CycleBatch:
        shared, owner = self.shared, self.owner[items]
        start = self.start[items]
        if jitter and self.jitter:
            start = start + rng.integers(-self.jitter, self.jitter + 1, len(items))
        values = gather_windows(shared.recordings, WindowIndex(owner, start), n_channels=n_channels, rng=rng)
        if shared.augment is not None and jitter:
            values = augment_windows(values, shared.freqs_hz, shared.augment, rng)
        shapes = [shared.references[o].shapes[c] for o, c in zip(owner, self.cycle[items], strict=True)]
        return CycleBatch(scale_windows(values, shared.scaling), torch.from_numpy(np.stack(shapes)))


class CurveBatch(NamedTuple):
    """Hold scaled motion (window, channel, 800), drafts (window, 800) and target curves (window, 800; NaN unknown)."""

    motion: Tensor
    draft: Tensor
    target: Tensor


class CurveFeed(ShuffledFeed):
    """Give windows of motion with their draft and the ECG curve that should come of them.

    Args:
        shared: what both stages need.
        drafts: for each recording the (time,) draft.
        step_s: time between windows.

    Raises:
        InputError: no window without a gap has a known ECG.
    """

    stream = 22

    def __init__(self, shared: Shared, drafts: Sequence[NDArray[np.float32]], step_s: float) -> None:
        super().__init__(shared)
        self.drafts = drafts
        pairs = list(zip(shared.recordings, shared.references, strict=True))
        self.targets = [target_curve(reference, len(recording.ecg_mv)) for recording, reference in pairs]
        found = [self._usable(number, step_s) for number in range(len(shared.recordings))]
        self.start = np.concatenate(found)
        self.owner = np.repeat(np.arange(len(found)), [len(starts) for starts in found])
        if not len(self.start):
            raise InputError("no window without a gap has a known ECG; give longer recordings with a reference ECG.")

    def __len__(self) -> int:
        return len(self.start)

    def _usable(self, number: int, step_s: float) -> NDArray[np.int64]:
        starts = motion_starts(self.shared.recordings[number], WINDOW_SAMPLES, step_s)
        known = np.concatenate([[0], np.cumsum(np.isfinite(self.targets[number]))])
        return starts[known[starts + WINDOW_SAMPLES] - known[starts] >= LEAST_KNOWN * WINDOW_SAMPLES]

    def _gather(
        self, items: NDArray[np.int64], rng: np.random.Generator, n_channels: int | None, jitter: bool
    ) -> CurveBatch:
        shared, owner, start = self.shared, self.owner[items], self.start[items]
        motion, _ = gather_motion(shared.recordings, owner, start, WINDOW_SAMPLES, n_channels=n_channels, rng=rng)
        if shared.augment is not None and jitter:
            motion = augment_motion(motion, shared.augment, rng)
        curves = [
            np.stack([table[o][s : s + WINDOW_SAMPLES] for o, s in zip(owner, start, strict=True)])
            for table in (self.drafts, self.targets)
        ]
        return CurveBatch(scale_motion(motion), *(torch.from_numpy(curve) for curve in curves))


def target_curve(reference: Reference, n_samples: int) -> NDArray[np.float32]:
    """Return the curve that the long-term network learns: every cycle of the reference scaled to [0, 1].

    Args:
        reference: the encoded reference.
        n_samples: length of the recording at 200 Hz.

    Returns:
        (time,); NaN where it is unknown, 0 in a recording that is known to hold no heartbeat.
    """
    if reference.empty:
        return np.zeros(n_samples, dtype=np.float32)
    fraction = reference.settings.r_fraction
    return decode_shape(reference.shapes, FS_HZ, n_samples, reference.cycles, r_fraction=fraction)

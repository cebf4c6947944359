"""Batches of augmented windows; their randomness depends on (seed, epoch, step) alone, so any step can be redone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from radarode.core.constants import FS_HZ
from radarode.core.errors import InputError
from radarode.core.types import Segments, TaskOutputs
from radarode.data.augment import AugmentSettings, augment_windows
from radarode.data.scaling import scale_windows
from radarode.data.segments import WindowIndex, gather_windows, list_windows
from radarode.data.store import StoredRecording
from radarode.tasks.settings import TaskSettings
from radarode.tasks.targets import Reference, batch_targets
from radarode.train.share import bounds


@dataclass(frozen=True, slots=True, eq=False)
class WindowFeed:
    """Turn stored recordings into batches.

    Attributes:
        recordings: where the windows lie.
        references: their encoded references, in the same order.
        windows: all windows with a known cycle at the centre.
        scaling: how magnitudes are scaled.
        freqs_hz: (row,) frequency axis, for the augmentation.
        augment: what is varied, or None for the windows as they are.
        channels: smallest and largest number of channels in a batch; None takes all.
        seed: of everything random.
        shared: rank and number of ranks that share out each batch.
    """

    recordings: Sequence[StoredRecording]
    references: Sequence[Reference]
    windows: WindowIndex
    scaling: str
    freqs_hz: np.ndarray
    augment: AugmentSettings | None
    channels: tuple[int, int] | None
    seed: int
    shared: tuple[int, int] = (0, 1)

    def part(self, rank: int, size: int) -> WindowFeed:
        """Return a feed of the rank-th of `size` parts of each batch, and of every `size`-th batch in order."""
        return replace(self, shared=(rank, size))

    def steps(self, batch: int) -> int:
        """Return the number of whole batches in one pass (at least one)."""
        return max(1, len(self.windows) // batch)

    def epoch(self, epoch: int, batch: int, steps: int, *, first_step: int = 0) -> Iterator[Segments]:
        """Yield the batches of an epoch, from `first_step` on; windows are reshuffled each pass."""
        for step in range(first_step, steps):
            rng = np.random.default_rng([self.seed, 1, epoch, step])
            order = self._choose(epoch * steps + step, batch)
            if len(order) < self.shared[1]:
                raise InputError(f"{len(order)} windows cannot be shared by {self.shared[1]} processes; use fewer.")
            yield self._batch(order, rng, slice(*bounds(len(order), *self.shared)))

    def in_order(self, batch: int) -> Iterator[Segments]:
        """Yield every window once, in order and without chance (channels are drawn by a fixed seed)."""
        rank, size = self.shared
        for begin in range(rank * batch, len(self.windows), size * batch):
            order = np.arange(begin, min(begin + batch, len(self.windows)))
            yield self._batch(order, np.random.default_rng([self.seed, 2, begin]), slice(0, len(order)))

    def _choose(self, position: int, batch: int) -> np.ndarray:
        """Return the windows of the `position`-th batch of an endless chain of shuffled passes."""
        per_pass = self.steps(batch)
        shuffled = np.random.default_rng([self.seed, 0, position // per_pass]).permutation(len(self.windows))
        begin = (position % per_pass) * batch
        return shuffled[begin : begin + batch]

    def _batch(self, order: np.ndarray, rng: np.random.Generator, part: slice) -> Segments:
        """Return a part of the batch of these windows, drawn as in the whole batch."""
        windows = self.windows.take(order)
        n_channels = None if self.channels is None else int(rng.integers(self.channels[0], self.channels[1] + 1))
        values = gather_windows(self.recordings, windows, n_channels=n_channels, rng=rng, part=part)
        if self.augment is not None:
            values = augment_windows(values, self.freqs_hz, self.augment, rng, of=len(order), begin=part.start)
        mine = windows.take(np.arange(len(order))[part])
        targets = batch_targets(self.references, mine.recording, mine.start_s)
        joined = (torch.from_numpy(array) for _, array in targets.items())
        return Segments(scale_windows(values, self.scaling), mine.start_s, TaskOutputs(*joined))


def make_feed(
    recordings: Sequence[StoredRecording],
    tasks: TaskSettings,
    *,
    step_s: float,
    scaling: str,
    freqs_hz: np.ndarray,
    augment: AugmentSettings | None,
    channels: tuple[int, int] | None,
    seed: int,
) -> WindowFeed:
    """Encode the references and list the windows that have one."""
    references = [Reference.of(r.ecg_mv, FS_HZ, r.r_peaks_s, tasks) for r in recordings]
    windows = list_windows(recordings, step_s)
    known = np.zeros(len(windows), dtype=bool)
    for number, reference in enumerate(references):
        mine = windows.recording == number
        known[mine] = reference.usable(windows.start_s[mine])
    if not known.any():
        raise InputError("no window has a known heartbeat at its centre; give longer recordings with a reference ECG.")
    check_channels(recordings, channels)
    return WindowFeed(
        recordings, references, windows.take(np.flatnonzero(known)), scaling, freqs_hz, augment, channels, seed
    )


def check_channels(recordings: Sequence[StoredRecording], channels: tuple[int, int] | None) -> None:
    """Refuse recordings that fit into no common batch.

    Raises:
        InputError: `channels` is None, so that a batch takes all, and the recordings differ in their number.
    """
    if channels is None and len({recording.frames.shape[1] for recording in recordings}) > 1:
        raise InputError("recordings differ in their number of channels; set data.batch_channels to (least, most).")

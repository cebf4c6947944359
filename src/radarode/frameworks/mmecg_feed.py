"""Batches of motion windows with the ECG that belongs to them; a batch depends on (seed, epoch, step) alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from radarode.core.constants import FS_HZ
from radarode.core.errors import InputError
from radarode.data.augment import AugmentSettings, augment_motion
from radarode.data.motion import gather_motion, motion_starts, scale_motion
from radarode.data.store import StoredRecording
from radarode.models.causal_tcn import shift_past
from radarode.models.mmecg import MmecgConfig
from radarode.tasks.cycles import cut_cycles
from radarode.tasks.settings import TaskSettings
from radarode.tasks.shape import decode_shape, encode_shape
from radarode.train.feed import check_channels

LEAST_KNOWN = 0.5
"""A window is learned from if the ECG is known for at least this share of it."""

FLAT = 0.2
"""The curve where no heart is in view: about the baseline of an ECG scaled to [0, 1]."""


@dataclass(frozen=True, slots=True, eq=False)
class MotionBatch:
    """Hold windows of motion with their ECG.

    Attributes:
        motion: (window, channel, sample) scaled; a channel that is not there is all zero.
        positions_m: (window, channel, 3), zero where unknown.
        target: (window, sample) ECG in [-1, 1]; NaN where unknown.
        past: (window, 2, sample) what the decoder is told of the samples before, as `shift_past` makes it.
    """

    motion: Tensor
    positions_m: Tensor
    target: Tensor
    past: Tensor


@dataclass(frozen=True, slots=True, eq=False)
class MotionFeed:
    """Turn stored recordings into batches of motion windows.

    Attributes:
        recordings: where the windows lie; all with motion.
        curves: the reference ECG of each, see `reference_curve`.
        owner: (window,) which recording.
        start: (window,) first sample.
        config: of the network: length of a window, and how its past is treated.
        augment: what is varied, or None for the windows as they are, with the true past.
        channels: smallest and largest number of channels of a batch; None takes all.
        seed: of everything random.
        training: whether past and places are dropped as `config` says.
    """

    recordings: Sequence[StoredRecording]
    curves: Sequence[NDArray[np.float32]]
    owner: NDArray[np.int64]
    start: NDArray[np.int64]
    config: MmecgConfig
    augment: AugmentSettings | None
    channels: tuple[int, int] | None
    seed: int
    training: bool

    def steps(self, batch: int) -> int:
        """Return the number of whole batches in one pass (at least one)."""
        return max(1, len(self.owner) // batch)

    def epoch(self, epoch: int, batch: int, steps: int, *, first_step: int = 0) -> Iterator[MotionBatch]:
        """Yield the batches of an epoch, from `first_step` on; windows are reshuffled each pass."""
        per_pass = self.steps(batch)
        for step in range(first_step, steps):
            done, place = divmod(epoch * steps + step, per_pass)
            shuffled = np.random.default_rng([self.seed, 0, done]).permutation(len(self.owner))
            chosen = shuffled[place * batch : (place + 1) * batch]
            yield self._batch(chosen, np.random.default_rng([self.seed, 1, epoch, step]))

    def in_order(self, batch: int) -> Iterator[MotionBatch]:
        """Yield every window once, in order and without chance (channels are drawn by a fixed seed)."""
        for begin in range(0, len(self.owner), batch):
            chosen = np.arange(begin, min(begin + batch, len(self.owner)))
            yield self._batch(chosen, np.random.default_rng([self.seed, 2, begin]))

    def _batch(self, chosen: NDArray[np.int64], rng: np.random.Generator) -> MotionBatch:
        owner, start, samples = self.owner[chosen], self.start[chosen], self.config.samples
        count = None if self.channels is None else int(rng.integers(self.channels[0], self.channels[1] + 1))
        motion, places = gather_motion(self.recordings, owner, start, samples, n_channels=count, rng=rng)
        if self.augment is not None:
            motion = augment_motion(motion, self.augment, rng)
        parts = [self.curves[k][first : first + samples] for k, first in zip(owner, start, strict=True)]
        target = 2.0 * torch.from_numpy(np.stack(parts)) - 1.0
        past = shift_past(target)
        if self.training:
            past = disturb_past(past, self.config, rng)
            unknown = torch.from_numpy(rng.random(len(chosen)) < self.config.position_dropout)
            places = places.masked_fill(unknown[:, None, None], 0.0)
        return MotionBatch(scale_motion(motion), places, target, past)


def disturb_past(past: Tensor, config: MmecgConfig, rng: np.random.Generator) -> Tensor:
    """Keep a network from leaning on a past that it will not have.

    A share `past_dropout` of the windows is told nothing of its past; the others are told the true past with white
    noise, of a level drawn anew per window between 0 and `past_noise`. With both at 0 this is the published training.

    Args:
        past: (window, 2, sample) true past.
        config: holds the two.
        rng: of the draw.
    """
    n, _, samples = past.shape
    dropped = torch.from_numpy(rng.random(n) < config.past_dropout)
    level = config.past_noise * rng.random((n, 1))
    noise = torch.from_numpy(level * rng.standard_normal((n, samples))).to(past.dtype)
    value, known = past[:, 0] + noise * past[:, 1], past[:, 1]
    return torch.stack([value, known], dim=1).masked_fill(dropped[:, None, None], 0.0)


def reference_curve(recording: StoredRecording, tasks: TaskSettings) -> NDArray[np.float32]:
    """Return the reference ECG with every cycle scaled to [0, 1], as the shape task encodes and decodes it.

    Args:
        recording: with its reference.
        tasks: place of R in its cycle.

    Returns:
        (time,) at 200 Hz; NaN where no cycle is known, and flat where the recording is known to hold no heartbeat.
    """
    if len(recording.r_peaks_s) == 0:
        return np.full(len(recording.ecg_mv), FLAT, dtype=np.float32)
    cycles = cut_cycles(recording.r_peaks_s, r_fraction=tasks.r_fraction)
    shapes = encode_shape(recording.ecg_mv, FS_HZ, cycles, r_fraction=tasks.r_fraction)
    return decode_shape(shapes, FS_HZ, len(recording.ecg_mv), cycles, r_fraction=tasks.r_fraction)


def make_motion_feed(
    recordings: Sequence[StoredRecording],
    tasks: TaskSettings,
    config: MmecgConfig,
    *,
    step_s: float,
    augment: AugmentSettings | None,
    channels: tuple[int, int] | None,
    seed: int,
    training: bool,
) -> MotionFeed:
    """Encode the references and list the windows that have one.

    Raises:
        InputError: no window has a reference, the store holds no motion, or the channel counts do not fit.
    """
    curves = [reference_curve(recording, tasks) for recording in recordings]
    owners, starts = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for number, (recording, curve) in enumerate(zip(recordings, curves, strict=True)):
        first = motion_starts(recording, config.samples, step_s)
        known = np.concatenate([[0], np.cumsum(np.isfinite(curve))])
        first = first[known[first + config.samples] - known[first] >= LEAST_KNOWN * config.samples]
        owners.append(np.full(len(first), number))
        starts.append(first)
    owner, start = np.concatenate(owners), np.concatenate(starts)
    if not len(owner):
        length_s = config.samples / FS_HZ
        raise InputError(f"no window of {length_s:g} s has a known ECG; give longer recordings with a reference ECG.")
    check_channels(recordings, channels)
    counts = {recording.frames.shape[1] for recording in recordings}
    if config.channels is not None and channels is None and counts != {config.channels}:
        raise InputError.of("channels", f"{config.channels}, as `model` says", counts.pop(), "Choose the preset small")
    return MotionFeed(recordings, curves, owner, start, config, augment, channels, seed, training)

"""What a transform keeps of a stream between its pieces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class StreamState:
    """Hold everything a stream needs to go on; plain tensors and integers, so it can be saved.

    Attributes:
        samples: (channel, time) input that later points still need.
        magnitudes: (channel, point, row) magnitudes that later frames still need.
        n_samples: samples received so far.
        n_frames: frames emitted so far.
    """

    samples: Tensor
    magnitudes: Tensor
    n_samples: int
    n_frames: int

    def split(self) -> list[StreamState]:
        """Return the states of the channels one by one."""
        parts = zip(self.samples.split(1), self.magnitudes.split(1), strict=True)
        return [StreamState(samples, magnitudes, self.n_samples, self.n_frames) for samples, magnitudes in parts]

    @staticmethod
    def joined(states: Sequence[StreamState]) -> StreamState:
        """Return the state of the channels that `states` hold, all at the same place of their stream."""
        samples = torch.cat([state.samples for state in states])
        magnitudes = torch.cat([state.magnitudes for state in states])
        return StreamState(samples, magnitudes, states[0].n_samples, states[0].n_frames)

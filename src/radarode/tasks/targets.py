"""The three targets of any window of one recording, and the three losses of a batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from radarode.core.constants import WINDOW_S, WINDOW_SAMPLES
from radarode.core.types import TaskOutputs
from radarode.tasks.anchor import anchor_loss, encode_anchor
from radarode.tasks.cycles import Cycles, cut_cycles
from radarode.tasks.length import encode_length, length_loss
from radarode.tasks.settings import SHAPE_SAMPLES, TaskSettings
from radarode.tasks.shape import encode_shape, shape_loss

TASKS = ("shape", "length", "anchor")


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """Hold the reference of one recording, encoded once, so that any window's targets are a look-up.

    Attributes:
        cycles: the cycles of the reference R peaks.
        shapes: (cycle, 200) encoded morphology, NaN where there is none.
        settings: how the tasks are encoded.
        empty: whether the recording is known to hold no heartbeat: its anchor map is zero, shape and length unknown.
    """

    cycles: Cycles
    shapes: NDArray[np.float32]
    settings: TaskSettings
    empty: bool = False

    @classmethod
    def of(cls, ecg: NDArray[np.floating], fs_hz: float, r_s: NDArray[np.float64], settings: TaskSettings) -> Reference:
        """Encode a reference ECG with its R peaks."""
        cycles = cut_cycles(r_s, r_fraction=settings.r_fraction)
        shapes = encode_shape(ecg, fs_hz, cycles, r_fraction=settings.r_fraction)
        return cls(cycles, shapes, settings, empty=len(r_s) == 0)

    def usable(self, start_s: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Tell which windows have a known cycle at their centre, or are known to hold no heartbeat at all.

        Args:
            start_s: (window,) start of each window.
        """
        if self.empty:
            return np.ones(len(start_s), dtype=bool)
        index = self.cycles.containing(start_s + WINDOW_S / 2)
        if len(self.cycles) == 0:
            return np.zeros(len(start_s), dtype=bool)
        return (index >= 0) & np.isfinite(self.shapes[index, 0])

    def targets(self, start_s: NDArray[np.float64]) -> TaskOutputs[NDArray[np.float32]]:
        """Return the targets of windows: the cycle at each window's centre, its length, and the R map.

        Args:
            start_s: (window,) start of each window.
        """
        return batch_targets([self], np.zeros(len(start_s), dtype=np.int64), start_s)


def batch_targets(
    references: Sequence[Reference], owner: NDArray[np.int64], start_s: NDArray[np.float64]
) -> TaskOutputs[NDArray[np.float32]]:
    """Return the targets of windows of several recordings.

    Args:
        references: of the recordings; all encoded alike.
        owner: (window,) whose reference counts.
        start_s: (window,) start of each window in its recording.
    """
    settings = references[0].settings
    shape = np.full((len(owner), SHAPE_SAMPLES), np.nan, dtype=np.float32)
    length = np.full(len(owner), np.nan)
    anchor = np.zeros((len(owner), WINDOW_SAMPLES), dtype=np.float32)
    for number in np.unique(owner):
        one, mine = references[number], np.flatnonzero(owner == number)
        index = one.cycles.containing(start_s[mine] + WINDOW_S / 2)
        known = index >= 0
        shape[mine[known]] = one.shapes[index[known]]
        length[mine[known]] = one.cycles.length_s[index[known]]
        anchor[mine] = encode_anchor(one.cycles.r_s, start_s[mine], settings)
    return TaskOutputs(shape, encode_length(length, settings), anchor)


def task_losses(outputs: TaskOutputs[Tensor], targets: TaskOutputs[Tensor]) -> dict[str, Tensor | None]:
    """Return the published loss of each task, by name, in the fixed task order; None where no window has a label."""
    return {
        "shape": shape_loss(outputs.shape, targets.shape) if targets.shape.isfinite().any() else None,
        "length": length_loss(outputs.length, targets.length) if (targets.length > 0).any() else None,
        "anchor": anchor_loss(outputs.anchor, targets.anchor),
    }

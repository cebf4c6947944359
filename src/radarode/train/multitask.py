"""The three tasks of radarODE-MTL as an objective."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from radarode.core.types import Segments, TaskOutputs
from radarode.models.precision import full_precision, widened
from radarode.tasks.settings import TaskSettings
from radarode.tasks.targets import TASKS, task_losses
from radarode.train.objective import Gather
from radarode.train.validate import validate


@dataclass(frozen=True, slots=True)
class MultiTask:
    """Minimise the losses of shape, length and anchor.

    Attributes:
        tasks: how targets are encoded.
    """

    tasks: TaskSettings

    @property
    def names(self) -> tuple[str, ...]:
        """The tasks."""
        return TASKS

    def partition(self, model: Any) -> tuple[list[Any], Mapping[str, Any]]:
        """Return the trunk's modules, and each task's head."""
        return model.shared_modules(), dict(model.heads.items())

    def losses(self, model: Any, batch: Segments) -> tuple[dict[str, Tensor | None], list[Tensor]]:
        """Return the published losses, and what the trunk hands to the heads."""
        found = model.encode(batch.inputs)
        features = type(found)(*(None if part is None else widened(part) for part in found))
        outputs = TaskOutputs(*(widened(output) for _, output in model.decode(features).items()))
        with full_precision(outputs.anchor.device.type):
            losses = task_losses(outputs, batch.targets)
        return losses, [part for part in features if part is not None]

    def counts(self, batch: Segments) -> dict[str, int]:
        """Return how many values (shape) or windows (length, anchor) have a target."""
        targets = batch.targets
        return {
            "shape": int(targets.shape.isfinite().sum()),
            "length": int((targets.length.sum(dim=1) > 0).sum()),
            "anchor": len(targets.anchor),
        }

    def validate(self, model: Any, feed: Any, batch: int, gather: Gather = list) -> dict[str, float]:
        """Return mean losses and window-level figures."""
        return validate(model, feed, self.tasks, batch, gather)

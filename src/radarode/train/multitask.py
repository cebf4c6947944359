"""The three tasks of radarODE-MTL as an objective."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from radarode.core.types import Segments
from radarode.tasks.settings import TaskSettings
from radarode.tasks.targets import TASKS, task_losses
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
        features = model.encode(batch.inputs)
        losses = task_losses(model.decode(features), batch.targets)
        return losses, [part for part in features if part is not None]

    def validate(self, model: Any, feed: Any, batch: int) -> dict[str, float]:
        """Return mean losses and window-level figures."""
        return validate(model, feed, self.tasks, batch)

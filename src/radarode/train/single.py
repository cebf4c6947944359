"""A single loss as an objective, for networks that do one thing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from radarode.train.objective import Gather

BatchLoss = Callable[[nn.Module, Any], Tensor | None]


@dataclass(frozen=True, slots=True)
class SingleLoss:
    """Minimise one loss.

    Attributes:
        name: of the loss.
        loss: takes the model and a batch; returns the mean loss of the batch, or None if nothing in it has a label.
        count: how many items of a batch the mean is over.
        figures: further figures of a batch in validation, by name; their means over the feed are reported.
    """

    name: str
    loss: BatchLoss
    count: Callable[[Any], int]
    figures: Callable[[nn.Module, Any], Mapping[str, float]] | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The one loss."""
        return (self.name,)

    def partition(self, model: nn.Module) -> tuple[list[nn.Module], Mapping[str, Any]]:
        """Return the whole model as what the one loss reaches."""
        return [model], {self.name: []}

    def losses(self, model: nn.Module, batch: Any) -> tuple[dict[str, Tensor | None], None]:
        """Return the loss of a batch."""
        return {self.name: self.loss(model, batch)}, None

    def counts(self, batch: Any) -> dict[str, int]:
        """Return how many items of a batch the mean is over."""
        return {self.name: self.count(batch)}

    @torch.inference_mode()
    def validate(self, model: nn.Module, feed: Any, batch: int, gather: Gather = list) -> dict[str, float]:
        """Return the mean loss over a feed, and the means of the figures."""
        model.eval()
        parts = gather([self._judge(model, one) for one in feed.in_order(batch)])
        model.train()
        sums: dict[str, float] = {f"loss_{self.name}": 0.0}
        total = 0
        for found, count in parts:
            for name, value in found.items():
                sums[name] = sums.get(name, 0.0) + value * count
            total += count
        return {name: value / max(1, total) for name, value in sums.items()}

    def _judge(self, model: nn.Module, batch: Any) -> tuple[dict[str, float], int]:
        """Return loss and figures of one batch with the number of its items; nothing where none has a label."""
        loss, count = self.loss(model, batch), self.count(batch)
        if loss is None or count == 0:
            return {}, 0
        return {f"loss_{self.name}": float(loss), **(self.figures(model, batch) if self.figures else {})}, count

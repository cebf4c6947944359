"""What a training needs to know about a network: its losses, its batches and how an epoch is judged."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

from torch import Tensor, nn

Gather = Callable[[list[Any]], list[Any]]
"""Joins what the ranks found in their batches of a feed, in the order of the batches; for one process, `list`."""


class Feed(Protocol):
    """Give batches whose randomness depends on (seed, epoch, step) alone, so that any step can be redone."""

    def steps(self, batch: int) -> int:
        """Return the number of whole batches in one pass (at least one)."""
        ...

    def epoch(self, epoch: int, batch: int, steps: int, *, first_step: int = 0) -> Iterator[Any]:
        """Yield the batches of an epoch, from `first_step` on."""
        ...

    def in_order(self, batch: int) -> Iterator[Any]:
        """Yield everything once, in order and without chance."""
        ...


class Objective(Protocol):
    """Minimise one or more losses.

    Attributes:
        names: of the losses, in fixed order.
    """

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the losses, in fixed order."""
        ...

    def partition(self, model: nn.Module) -> tuple[list[nn.Module], Mapping[str, Any]]:
        """Return the modules that all losses reach, and each loss's own."""
        ...

    def losses(self, model: nn.Module, batch: Any) -> tuple[dict[str, Tensor | None], list[Tensor] | None]:
        """Return the losses of a batch by name (None: nothing to learn from), and the shared features, if any."""
        ...

    def counts(self, batch: Any) -> Mapping[str, int]:
        """Return of how many items of a batch each loss is the mean, so that parts of a batch can be weighed."""
        ...

    def validate(self, model: nn.Module, feed: Any, batch: int, gather: Gather = list) -> dict[str, float]:
        """Return the mean `loss_NAME` of every loss over a feed, and figures that a person can read.

        The model is in evaluation mode while it runs, and back in training mode after.
        """
        ...

"""What every strategy is: a map from losses and the Gram matrix of their gradients to weights, with a state."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from torch import Tensor


class Strategy(ABC):
    """Weigh n task losses, so that the shared parameters move along `sum_i w_i grad L_i`.

    A strategy that needs no gradients (`needs_gram = False`) costs one backward pass; one that does gets the Gram
    matrix of the task gradients with respect to the shared parameters. Task-specific parameters always keep the plain
    gradient of their own task.

    Options are the constructor's keyword arguments. Everything that changes during training is in `state_dict`.
    """

    needs_gram: ClassVar[bool]

    @abstractmethod
    def weights(self, losses: Tensor, gram: Tensor | None) -> Tensor:
        """Return the (n,) weights of this step.

        Args:
            losses: (n,) float64, detached.
            gram: (n, n) float64 `G G^T`, or None when `needs_gram` is false.
        """

    def end_epoch(self, mean_losses: Tensor) -> None:  # noqa: B027 - most strategies keep no epoch state
        """Take note of the epoch's (n,) mean losses."""

    def state_dict(self) -> dict[str, Any]:
        """Return the state as plain numbers and lists, so that training resumes exactly."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what `state_dict` returned."""
        if state:
            raise ValueError(f"{type(self).__name__} keeps no state; got {sorted(state)}")

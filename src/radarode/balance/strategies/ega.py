"""Eccentric gradient alignment: orthogonalise the task gradients, then lean towards the task that learns slowly."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from radarode.balance.gram import gram_factor
from radarode.balance.strategies import carried, choice, real, recorded, whole
from radarode.balance.strategies.dwa import pace
from radarode.balance.strategy import Step, WeightStrategy

FORMS = ("algorithm", "published")


class Ega(WeightStrategy):
    """Balance by eccentric gradient alignment.

    With `G` (n, m) the task gradients and `G G^T = U diag(lambda) U^T`,

        sigma = min sqrt(lambda),  B = sigma U diag(lambda)^(-1/2) U^T,  g = (B G)^T v = G^T (B v),

    so the weights are `B v` (`B` is symmetric). Up to and in epoch `warmup_epochs`, `v = 1`; then
    `v_i = n softmax(L_i(t-1) / (T L_i(t_warm)))_i`, the losses being epoch means and epochs counting from 1.

    Edge cases: eigenvalues at or below `lambda_max n eps` are outside the numerical rank and dropped, so parallel
    gradients share one direction and a zero gradient gets weight 0; if all are zero, so are the weights. n = 1 gives
    the plain gradient. A task whose loss at `t_warm` was 0 counts as ratio 1 (it neither gains nor loses). A task
    without labels in an epoch keeps its last known loss; one without any up to `t_warm` is recorded in the first epoch
    that has some, and counts as ratio 1 until then. In a batch without a task, `B` is that of the others.

    Args:
        temperature: T of the softmax; the smaller, the more it leans (the paper scans 0.1 to 2.0).
        warmup_epochs: t_warm.
        form: "algorithm" for `B v`, or "published" for `(B 1) * v`, element by element, as in the published code.

    Reference: radarODE-MTL (arXiv 2410.08656), algorithm 1, which builds on Aligned-MTL (Senushkin et al., CVPR
    2023). The published code's `(B 1) * v` differs from its own algorithm 1 unless v is uniform; it is there to
    reproduce published figures.
    """

    needs = "gram"

    def __init__(self, *, temperature: float = 1.0, warmup_epochs: int = 4, form: str = "algorithm") -> None:
        self.temperature = real("temperature", temperature, 0, open_low=True)
        self.warmup_epochs = whole("warmup_epochs", warmup_epochs, 1)
        self.form = choice("form", form, FORMS)
        self._epoch = 1
        self._warm_losses: list[float] | None = None
        self._last_losses: list[float] | None = None

    def weights(self, step: Step) -> Tensor:
        """Return `B v`, or `(B 1) * v`."""
        assert step.gram is not None
        B = alignment(step.gram)
        v = self.eccentric_vector(step.n_tasks)[list(step.tasks)]
        return B @ v if self.form == "algorithm" else B.sum(dim=1) * v

    def eccentric_vector(self, n_tasks: int) -> Tensor:
        """Return the (n_tasks,) vector v of the current epoch."""
        if self._warm_losses is None or self._last_losses is None:
            return torch.ones(n_tasks, dtype=torch.float64)
        return pace(self._last_losses, self._warm_losses, self.temperature)

    def end_epoch(self, mean_losses: Tensor) -> None:
        """Record the losses of epoch t_warm and of the last epoch."""
        self._last_losses = carried(mean_losses, self._last_losses)
        if self._epoch >= self.warmup_epochs:
            self._warm_losses = recorded(self._warm_losses, self._last_losses)
        self._epoch += 1

    def state_dict(self) -> dict[str, Any]:
        """Return epoch, warm-up record and last losses."""
        return {"epoch": self._epoch, "warm_losses": self._warm_losses, "last_losses": self._last_losses}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what `state_dict` returned."""
        self._epoch = int(state["epoch"])
        self._warm_losses = state["warm_losses"]
        self._last_losses = state["last_losses"]


def alignment(gram: Tensor) -> Tensor:
    """Return `B = sigma U diag(lambda)^(-1/2) U^T` over the numerical rank of a Gram matrix.

    `B G` has all its singular values equal to the smallest one of `G` (within the rank): no task dominates, none
    conflicts. `U` and `sqrt(lambda)` come from a factor `F F^T` of the Gram matrix with unit diagonal, scaled back by
    the norms, so that a small gradient beside a large one keeps its digits (an eigendecomposition of the Gram matrix
    itself loses the square of the ratio).

    Args:
        gram: (n, n) symmetric, positive semi-definite.

    Example:
        >>> B = alignment(torch.diag(torch.tensor([4.0, 1.0], dtype=torch.float64)))
        >>> [round(float(value), 6) for value in B.diagonal()]
        [0.5, 1.0]
    """
    U, singular, _ = torch.linalg.svd(gram_factor(gram))
    kept = singular**2 > singular[0] ** 2 * len(gram) * torch.finfo(torch.float64).eps
    if not kept.any():
        return torch.zeros_like(gram)
    factors = torch.where(kept, singular[kept].min() / singular.clamp(min=1e-300), torch.zeros_like(singular))
    return U @ torch.diag(factors) @ U.T

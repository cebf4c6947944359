"""Eccentric gradient alignment: orthogonalise the task gradients, then lean towards the task that learns slowly."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from radarode.balance.strategy import Strategy
from radarode.core.errors import InputError


class Ega(Strategy):
    """Balance by eccentric gradient alignment.

    With `G` (n, m) the task gradients and `G G^T = U diag(lambda) U^T`,

        sigma = min sqrt(lambda),  B = sigma U diag(lambda)^(-1/2) U^T,  g = (B G)^T v = G^T (B v),

    so the weights are `B v` (`B` is symmetric). Up to and in epoch `warmup_epochs`, `v = 1`; then
    `v_i = n softmax(L_i(t-1) / (T L_i(t_warm)))_i`, the losses being epoch means and epochs counting from 1.

    Edge cases: eigenvalues at or below `lambda_max n eps` are outside the numerical rank and dropped, so parallel
    gradients share one direction and a zero gradient gets weight 0; if all are zero, so are the weights. n = 1 gives
    the plain gradient. A task whose loss at `t_warm` was 0 counts as ratio 1 (it neither gains nor loses). Non-finite
    gradients raise `FloatingPointError`: one bad task must not silently poison the others.

    Args:
        temperature: T of the softmax; the smaller, the more it leans (seed, table II: 0.1 to 2.0).
        warmup_epochs: t_warm.

    Reference: radarODE-MTL (arXiv 2410.08656), algorithm 1, which builds on Aligned-MTL (Senushkin et al., CVPR
    2023). Deviation: the published code computes `(B 1) * v`, which differs from its own algorithm 1 unless v is
    uniform; here it is `B v`.
    """

    needs_gram = True

    def __init__(self, *, temperature: float = 1.0, warmup_epochs: int = 4) -> None:
        if not isinstance(temperature, (int, float)) or not temperature > 0:
            raise InputError.of("temperature", "a positive number", repr(temperature))
        if not isinstance(warmup_epochs, int) or warmup_epochs < 1:
            raise InputError.of("warmup_epochs", "a whole number from 1 up", repr(warmup_epochs))
        self.temperature = temperature
        self.warmup_epochs = warmup_epochs
        self._epoch = 1
        self._warm_losses: list[float] | None = None
        self._last_losses: list[float] | None = None

    def weights(self, losses: Tensor, gram: Tensor | None) -> Tensor:
        """Return `B v`."""
        if gram is None:
            raise TypeError("EGA needs the Gram matrix")
        if not torch.isfinite(gram).all():
            raise FloatingPointError("a task gradient is not finite; lower the learning rate or check that task's loss")
        return alignment(gram) @ self.eccentric_vector(len(losses)).to(gram)

    def eccentric_vector(self, n: int) -> Tensor:
        """Return the (n,) vector v of the current epoch."""
        if self._epoch <= self.warmup_epochs or self._warm_losses is None or self._last_losses is None:
            return torch.ones(n, dtype=torch.float64)
        warm = torch.tensor(self._warm_losses, dtype=torch.float64)
        last = torch.tensor(self._last_losses, dtype=torch.float64)
        ratio = torch.where(warm > 0, last / warm.clamp(min=1e-300), torch.ones_like(last))
        return n * torch.softmax(ratio / self.temperature, dim=0)

    def end_epoch(self, mean_losses: Tensor) -> None:
        """Record the losses of epoch t_warm and of the last epoch."""
        values = [float(loss) for loss in mean_losses]
        if self._epoch == self.warmup_epochs:
            self._warm_losses = values
        self._last_losses = values
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
    conflicts.

    Args:
        gram: (n, n) symmetric, positive semi-definite.

    Example:
        >>> B = alignment(torch.diag(torch.tensor([4.0, 1.0], dtype=torch.float64)))
        >>> [round(float(value), 6) for value in B.diagonal()]
        [0.5, 1.0]
    """
    eigenvalues, vectors = torch.linalg.eigh(gram.double())
    largest = eigenvalues[-1]
    if largest <= 0:
        return torch.zeros_like(gram)
    kept = eigenvalues > largest * len(gram) * torch.finfo(eigenvalues.dtype).eps
    smallest = eigenvalues[kept].min()
    factors = torch.where(kept, (smallest / eigenvalues.clamp(min=1e-300)).sqrt(), torch.zeros_like(eigenvalues))
    return vectors @ torch.diag(factors) @ vectors.T

"""Smooth Tchebycheff scalarisation: descend a smooth maximum of the logarithmic losses."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from radarode.balance.strategies import carried, real, recorded, refuse_negative, whole
from radarode.balance.strategy import Step, WeightStrategy

EPS = 1e-20


class Stch(WeightStrategy):
    """Descend the smooth maximum of the logarithms of losses in units of where they stood after the warm-up.

        warm-up:  L = sum_i log(L_i + eps),                        w_i = 1 / (L_i + eps);
        after it: L = n mu log sum_i exp(l_i / mu),                w_i = n softmax(l / mu)_i / (L_i + eps z_i),
                  l_i = log(L_i / z_i + eps),  eps = 1e-20,

    with the nadir z the mean losses of epoch `warmup_epochs` and n the tasks of the batch. As mu falls, only the task
    that is worst off moves the shared parameters.

    Edge cases: task gradients play no part. A loss of exactly 0 gets weight 0 (nothing is left to learn, and the
    logarithm's derivative would be 1e20). A task without a nadir yet, or with nadir 0, stands at its nadir: l_i = 0;
    the first epoch in which it has a loss sets it. n = 1 gives the gradient of the logarithm, the plain one over L.

    Args:
        mu: smoothing; above 0.
        warmup_epochs: last epoch of the warm-up, counting from 1.

    Reference: Lin et al., Smooth Tchebycheff Scalarization for Multi-Objective Optimization, ICML 2024 (arXiv
    2402.19078), with the multi-task modifications of its published code, which LibMTL took over: logarithm, nadir,
    warm-up, factor n, equal preferences. The paper's own form, `mu log sum_i exp(lambda_i (f_i - z*_i) / mu)` on raw
    losses f with an ideal point z*, is what torchjd has. LibMTL counts epochs from 0, so its `warmup_epoch` k is k +
    1 here. In all of them a head's
    gradient is scaled by its task's weight too; here heads keep the plain one.
    """

    needs = "losses"

    def __init__(self, *, mu: float = 1.0, warmup_epochs: int = 4) -> None:
        self.mu = real("mu", mu, 0, open_low=True)
        self.warmup_epochs = whole("warmup_epochs", warmup_epochs, 1)
        self._epoch = 1
        self._last: list[float] | None = None
        self._nadir: list[float] | None = None

    def weights(self, step: Step) -> Tensor:
        """Return the derivative of the scalarisation with respect to the losses.

        Raises:
            InputError: a loss is negative.
        """
        refuse_negative("stch", step.losses)
        losses = step.losses
        if self._nadir is None:
            weights = 1 / (losses + EPS)
        else:
            nadir = torch.tensor([self._nadir[index] for index in step.tasks], dtype=torch.float64)
            nadir = torch.where(nadir > 0, nadir, losses.clamp(min=EPS))
            logs = torch.log(losses / nadir + EPS)
            share = torch.softmax((logs - logs.max()) / self.mu, dim=0)
            weights = len(losses) * share / (losses + EPS * nadir)
        return torch.where(losses > 0, weights, torch.zeros_like(weights))

    def end_epoch(self, mean_losses: Tensor) -> None:
        """Record the nadir at the end of the warm-up."""
        self._last = carried(mean_losses, self._last)
        if self._epoch >= self.warmup_epochs:
            self._nadir = recorded(self._nadir, self._last)
        self._epoch += 1

    def state_dict(self) -> dict[str, Any]:
        """Return the epoch, the last mean losses and the nadir."""
        return {"epoch": self._epoch, "last_losses": self._last, "nadir": self._nadir}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what `state_dict` returned."""
        self._epoch = int(state["epoch"])
        self._last = state["last_losses"]
        self._nadir = state["nadir"]

"""The optimiser and its learning rate as a function of the step, so that resuming needs no scheduler state."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch.nn import Parameter

from radarode.train.settings import TrainSettings


def make_optimizer(parameters: Iterable[Parameter], settings: TrainSettings) -> torch.optim.Optimizer:
    """Build the optimiser; vectors (biases, norms) are not decayed by AdamW."""
    everything = list(parameters)
    if settings.optimizer == "sgd":
        return torch.optim.SGD(
            everything, lr=settings.lr, momentum=settings.momentum, weight_decay=settings.weight_decay
        )
    matrices = [p for p in everything if p.ndim > 1]
    vectors = [p for p in everything if p.ndim <= 1]
    groups = [{"params": matrices, "weight_decay": settings.weight_decay}, {"params": vectors, "weight_decay": 0.0}]
    return torch.optim.AdamW([group for group in groups if group["params"]], lr=settings.lr)


def learning_rate(step: int, steps_per_epoch: int, settings: TrainSettings) -> float:
    """Return the learning rate of a step: linear rise, then the cosine.

    `lr(e) = final + (lr - final) (1 + cos(pi e / E)) / 2` with e the (fractional) epoch; beyond E epochs the cosine
    goes on and rises again, as the published schedule does.
    """
    epoch = step / steps_per_epoch
    length = settings.cosine_epochs or settings.epochs
    cosine = 0.5 * (1.0 + math.cos(math.pi * epoch / length))
    rise = min(1.0, (step + 1) / settings.warmup_steps) if settings.warmup_steps else 1.0
    return rise * (settings.final_lr + (settings.lr - settings.final_lr) * cosine)

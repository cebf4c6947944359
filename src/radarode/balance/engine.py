"""Exact gradient balancing with one vector-Jacobian product per task.

Each task's loss is differentiated once, with respect to the shared parameters and its own; the Gram matrix is
accumulated parameter by parameter, its products summed in float64 (flattened float32 gradients were up to 2.3 % off in
cosine units); the combination goes parameter by parameter, so that no flat copy of the gradients ever exists.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import Parameter

from radarode.balance.strategy import Strategy


@dataclass(frozen=True, slots=True, eq=False)
class BalanceReport:
    """Hold what one balanced step saw, for the log.

    Attributes:
        weights: (n,) weights of the task losses on the shared parameters.
        gram: (n, n) Gram matrix of the task gradients, or None if the strategy did without.
    """

    weights: Tensor
    gram: Tensor | None


def balanced_backward(
    losses: Mapping[str, Tensor],
    shared: Sequence[Parameter],
    specific: Mapping[str, Sequence[Parameter]],
    strategy: Strategy,
) -> BalanceReport:
    """Differentiate the losses and set `.grad`: balanced on shared parameters, plain on task-specific ones.

    Args:
        losses: scalar loss of each task, by name; they may share a graph.
        shared: parameters that more than one task reaches.
        specific: each task's own parameters.
        strategy: how to weigh the tasks.

    Returns:
        The weights and the Gram matrix of this step.

    Raises:
        ValueError: a loss does not require grad.
    """
    for name, loss in losses.items():
        if not loss.requires_grad:
            raise ValueError(f"the loss of task {name!r} does not require grad; check that it depends on the model.")
    values = torch.stack([loss.detach().double() for loss in losses.values()])
    if not strategy.needs_gram:
        weights = strategy.weights(values, None)
        if (weights == 1).all():
            _plain_backward(losses, shared, specific)
        else:
            _combine(shared, _task_gradients(losses, shared, specific), weights)
        return BalanceReport(weights, None)
    gradients = _task_gradients(losses, shared, specific)
    gram = gram_matrix(gradients)
    weights = strategy.weights(values, gram)
    _combine(shared, gradients, weights)
    return BalanceReport(weights, gram)


def gram_matrix(gradients: Sequence[Sequence[Tensor | None]]) -> Tensor:
    """Return the (n, n) float64 Gram matrix of n lists of gradients; `None` stands for zero."""
    n = len(gradients)
    gram = torch.zeros(n, n, dtype=torch.float64)
    for i in range(n):
        for j in range(i, n):
            for a, b in zip(gradients[i], gradients[j], strict=True):
                if a is not None and b is not None:
                    gram[i, j] += _dot(a, b)
            gram[j, i] = gram[i, j]
    return gram


def _dot(a: Tensor, b: Tensor) -> Tensor:
    return torch.dot(a.reshape(-1).double(), b.reshape(-1).double())


def _task_gradients(
    losses: Mapping[str, Tensor], shared: Sequence[Parameter], specific: Mapping[str, Sequence[Parameter]]
) -> list[list[Tensor | None]]:
    gradients: list[list[Tensor | None]] = []
    for position, (name, loss) in enumerate(losses.items()):
        own = list(specific.get(name, ()))
        last = position == len(losses) - 1
        found = torch.autograd.grad(loss, [*shared, *own], retain_graph=not last, allow_unused=True)
        gradients.append(list(found[: len(shared)]))
        for parameter, gradient in zip(own, found[len(shared) :], strict=True):
            parameter.grad = gradient
    return gradients


def _combine(shared: Sequence[Parameter], gradients: list[list[Tensor | None]], weights: Tensor) -> None:
    factors = [float(weight) for weight in weights]
    for position, parameter in enumerate(shared):
        total: Tensor | None = None
        for factor, task in zip(factors, gradients, strict=True):
            gradient = task[position]
            if gradient is None:
                continue
            # The first product is a new tensor: autograd may hand out one tensor for several parameters.
            total = gradient * factor if total is None else total.add_(gradient, alpha=factor)
            task[position] = None
        parameter.grad = total


def _plain_backward(
    losses: Mapping[str, Tensor], shared: Sequence[Parameter], specific: Mapping[str, Sequence[Parameter]]
) -> None:
    """Differentiate the sum of the losses at once: with unit weights, every parameter's gradient is just that."""
    everything = [*shared, *(parameter for name in losses for parameter in specific.get(name, ()))]
    total = torch.stack(list(losses.values())).sum()
    found = torch.autograd.grad(total, everything, allow_unused=True)
    for parameter, gradient in zip(everything, found, strict=True):
        parameter.grad = gradient

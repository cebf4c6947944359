"""Trade time for memory: forget what a block computed, and compute it again when the backward pass asks for it."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any

from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.checkpoint import checkpoint


def recomputed(block: nn.Module, x: Tensor) -> Tensor:
    """Apply a block and keep its input alone; its gradients are the same as of `block(x)`.

    Each backward pass through the block computes it once more, so that n task gradients take n more forward passes.
    Running statistics of batch norms move once per step, as without.

    Args:
        block: draws nothing at random.
        x: its input.
    """
    found = checkpoint(block, x, use_reentrant=False, preserve_rng_state=False, context_fn=partial(_contexts, block))
    assert isinstance(found, Tensor)
    return found


def _contexts(block: nn.Module) -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
    return nullcontext(), _StillStatistics(block)


class _StillStatistics(AbstractContextManager[None]):
    """Keep the running statistics of batch norms from moving again for the same batch; entered once per task."""

    def __init__(self, block: nn.Module) -> None:
        self._norms = [module for module in block.modules() if isinstance(module, _BatchNorm)]
        self._before: list[tuple[float | None, Tensor | None]] = []

    def __enter__(self) -> None:
        self._before = [(norm.momentum, norm.num_batches_tracked) for norm in self._norms]
        for norm in self._norms:
            norm.momentum, norm.num_batches_tracked = 0.0, None

    def __exit__(self, *error: Any) -> None:
        for norm, (momentum, count) in zip(self._norms, self._before, strict=True):
            norm.momentum, norm.num_batches_tracked = momentum, count

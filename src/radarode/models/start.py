"""Start values of parameters, for networks that are also built without any, to be given weights from a file."""

from __future__ import annotations

import torch
from torch import Tensor


@torch.no_grad()
def fill_normal(values: Tensor, std: float) -> Tensor:
    """Fill with normal draws and return the same tensor; one on the meta device has nothing to fill.

    PyTorch's own `normal_` would import its compiler there, which takes over a second.
    """
    return values if values.is_meta else values.normal_(0.0, std)

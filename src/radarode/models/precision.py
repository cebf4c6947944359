"""Mixed precision: what must stay in float32 while autocast computes the rest in 16 bits."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor


def full_precision(device_type: str) -> AbstractContextManager[object]:
    """Switch autocast off for a while, where it is on; where it is off, do nothing at all.

    Args:
        device_type: "cpu", "cuda", or another that may not know autocast.
    """
    on = torch.amp.is_autocast_available(device_type) and torch.is_autocast_enabled(device_type)
    return torch.autocast(device_type, enabled=False) if on else nullcontext()


def widened(x: Tensor) -> Tensor:
    """Return 16-bit values as float32, and every other tensor as it is.

    Example:
        >>> widened(torch.ones(1, dtype=torch.bfloat16)).dtype, widened(torch.ones(1, dtype=torch.float64)).dtype
        (torch.float32, torch.float64)
    """
    return x.float() if x.dtype in (torch.bfloat16, torch.float16) else x

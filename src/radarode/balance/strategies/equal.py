"""Equal weight: the plain sum of the losses."""

from __future__ import annotations

import torch
from torch import Tensor

from radarode.balance.strategy import Strategy


class Equal(Strategy):
    """Give every task weight 1, the baseline of every comparison (seed, table II: "Equal Weight")."""

    needs_gram = False

    def weights(self, losses: Tensor, gram: Tensor | None) -> Tensor:
        """Return ones."""
        return torch.ones_like(losses)

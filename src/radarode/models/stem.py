"""Bring any number of motion channels, in any order, to one feature map."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool1d, relu


class ChannelStem(nn.Module):
    """Pass every channel through the same filters, then pool over the channels.

    Each channel gets a score per frame from its own features; a softmax over the channels weighs them. The weighted
    mean stands beside the plain mean and the maximum. A channel that is zero everywhere is missing: it takes no
    part, and a window without any channel gives zeros.

    Two maps come out: `maps` at half the frame rate keeps frequency, `fine` at the full frame rate has it summed
    up, for the sharp timing of the anchor head.

    Args:
        width: filters w of the first convolution.
        rows: frequency rows of the input.

    Attributes:
        map_channels: channels of `maps`, 3·w.
        map_rows: rows of `maps`.
        fine_channels: channels of `fine`, 4·w.
    """

    def __init__(self, width: int, rows: int) -> None:
        super().__init__()
        map_rows = (rows - 1) // 4 + 1
        self.first = nn.Conv2d(1, width, (7, 5), (4, 1), padding=(3, 2))
        self.second = nn.Conv2d(width, width, 3, (1, 2), padding=1)
        self.collapse = nn.Conv1d(width * map_rows, 2 * width, 1)
        self.score = nn.Conv1d(2 * width, 1, 5, padding=2, bias=False)
        self.map_channels = 3 * width
        self.map_rows = map_rows
        self.fine_channels = 4 * width

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Map (window, channel, row, frame) to maps (window, 3·w, row/4, frame/2) and fine (window, 4·w, frame)."""
        n, channels, rows, frames = x.shape
        present = (x.abs().amax(dim=(2, 3)) > 0).to(x.dtype)
        first = relu(self.first(x.reshape(n * channels, 1, rows, frames)))
        fine = relu(self.collapse(first.flatten(1, 2)))
        second = relu(self.second(first))
        weight = self._weights(fine.view(n, channels, -1, frames), present)
        fine = fine.view(n, channels, -1, frames)
        second = second.view(n, channels, *second.shape[1:])
        coarse_weight = avg_pool1d(weight, 2, ceil_mode=True)
        share = _share(present)[:, None, :] @ second.flatten(2)
        maps = (
            (second * coarse_weight[:, :, None, None, :]).sum(dim=1),
            share.view(n, *second.shape[2:]),
            (second * present[:, :, None, None, None]).amax(dim=1),
        )
        fines = (
            (fine * weight[:, :, None, :]).sum(dim=1),
            (fine * present[:, :, None, None]).amax(dim=1),
        )
        return torch.cat(maps, dim=1), torch.cat(fines, dim=1)

    def _weights(self, fine: Tensor, present: Tensor) -> Tensor:
        """Return (window, channel, frame) weights that sum to 1 over the present channels."""
        n, channels, width, frames = fine.shape
        score = self.score(fine.reshape(n * channels, width, frames)).view(n, channels, frames)
        score = score.masked_fill(present[:, :, None] == 0, -1e4)
        return torch.softmax(score, dim=1) * present[:, :, None]


def _share(present: Tensor) -> Tensor:
    """Return (window, channel) equal weights over the present channels."""
    return present / present.sum(dim=1, keepdim=True).clamp(min=1)

"""Bring any number of motion channels, in any order, to one feature map."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool1d, conv2d, pad


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
        if not torch.compiler.is_exporting() and x.device.type == "cpu" and len(x) > 1 and not torch.is_grad_enabled():
            # Window by window, so that what passes from one operation to the next is still in the cache.
            maps, fines = zip(*map(self._read, x.split(1)), strict=True)
            return torch.cat(maps), torch.cat(fines)
        return self._read(x)

    def _read(self, x: Tensor) -> tuple[Tensor, Tensor]:
        n, channels, rows, frames = x.shape
        present = (x.abs().amax(dim=(2, 3)) > 0).to(x.dtype)
        # A single filter channel that counts as the last in memory: the convolutions keep that order and are faster.
        first = self.first(x.reshape(n * channels, rows, frames, 1).permute(0, 3, 1, 2)).relu_()
        over_rows = self.collapse.weight.view(-1, *first.shape[1:3], 1)  # the same sums, without reordering `first`
        fine = conv2d(first, over_rows, self.collapse.bias).relu_().permute(0, 2, 3, 1).reshape(n, channels, frames, -1)
        second = self.second(first).relu_().permute(0, 2, 3, 1)
        second = second.reshape(n, channels, *second.shape[1:])
        weight = self._weights(fine, present)
        coarse_weight = avg_pool1d(weight, 2, ceil_mode=True)
        maps = (
            (second * coarse_weight[:, :, None, :, None]).sum(dim=1),
            (_share(present)[:, None, :] @ second.flatten(2)).view(n, *second.shape[2:]),
            (second * present[:, :, None, None, None]).amax(dim=1),
        )
        fines = (
            (fine * weight[:, :, :, None]).sum(dim=1),
            (fine * present[:, :, None, None]).amax(dim=1),
        )
        return torch.cat(maps, dim=3).permute(0, 3, 1, 2), torch.cat(fines, dim=2).mT

    def _weights(self, fine: Tensor, present: Tensor) -> Tensor:
        """Return (window, channel, frame) weights that sum to 1 over the present channels."""
        n, channels, frames, width = fine.shape
        taps = self.score.kernel_size[0]  # a convolution to a single channel: one product, then a sum along diagonals
        each = pad(fine.view(n * channels, frames, width) @ self.score.weight[0], (0, 0, taps // 2, taps // 2))
        score = sum((each[:, k : k + frames, k] for k in range(1, taps)), each[:, :frames, 0])
        score = score.view(n, channels, frames)
        score = score.masked_fill(present[:, :, None] == 0, -1e4)
        return torch.softmax(score, dim=1) * present[:, :, None]


def _share(present: Tensor) -> Tensor:
    """Return (window, channel) equal weights over the present channels."""
    return present / present.sum(dim=1, keepdim=True).clamp(min=1)

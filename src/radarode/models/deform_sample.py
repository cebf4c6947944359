"""Bilinear sampling of an image at moved and weighted places, on a CPU, as one sparse product.

A sample is the weighted sum of its four nearest pixels, so all samples of a batch are S x, with x (pixel, channel) and
four entries in each row of S. `embedding_bag` computes that with the channels of a pixel side by side in memory,
several times faster than `grid_sample`, which walks through every channel by itself; the gradient by x is the same
product with the transpose of S, which is sorted once however many gradients are asked for.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from scipy import sparse
from torch import Tensor
from torch.autograd.function import once_differentiable

CORNERS = 4


def sample_taps(x: Tensor, offset: Tensor, mask: Tensor) -> Tensor:
    """Sample an image at the nine taps of a 3×3 kernel around every pixel; outside the image it is 0.

    Args:
        x: (window, channel, row, frame).
        offset: (window, 18, row, frame) in pixels, (Δrow, Δframe) of tap 0, then of tap 1, ...
        mask: (window, 9, row, frame) factor of each tap.

    Returns:
        (window, 9 · channel, row, frame), tap after tap, channels last in memory.
    """
    n, channels, rows, frames = x.shape
    pixels = x.permute(0, 2, 3, 1).reshape(-1, channels)
    index, weight = _corners(offset.view(n, 9, 2, rows, frames), mask, rows, frames)
    taps = _WeightedSum.apply(pixels, index, weight)
    assert isinstance(taps, Tensor)
    return taps.view(n, rows, frames, 9 * channels).permute(0, 3, 1, 2)


def _corners(offset: Tensor, mask: Tensor, rows: int, frames: int) -> tuple[Tensor, Tensor]:
    """Return (sample, 4) int32 numbers of pixels and (sample, 4) factors; samples in order of window, pixel, tap."""
    tap = torch.arange(-1, 2, dtype=mask.dtype)
    y = offset[:, :, 0] + (tap.repeat_interleave(3)[:, None, None] + torch.arange(rows, dtype=mask.dtype)[:, None])
    x = offset[:, :, 1] + (tap.repeat(3)[:, None, None] + torch.arange(frames, dtype=mask.dtype))
    top, left = y.detach().floor(), x.detach().floor()
    below, right = y - top, x - left
    with torch.no_grad():
        row, row_inside = _neighbours(top, rows)
        frame, frame_inside = _neighbours(left, frames)
        first = torch.arange(len(mask), dtype=torch.int32)[:, None, None, None] * (rows * frames)
        starts = [one * frames + first for one in row]
        index = torch.stack([start + one for start in starts for one in frame], dim=-1)
    vertical = (1 - below) * row_inside[0], below * row_inside[1]
    horizontal = (1 - right) * frame_inside[0] * mask, right * frame_inside[1] * mask
    weight = torch.stack([a * b for a in vertical for b in horizontal], dim=-1)
    return tuple(one.permute(0, 2, 3, 1, 4).reshape(-1, CORNERS) for one in (index, weight))  # pyright: ignore[reportReturnType]


def _neighbours(at: Tensor, size: int) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """Return the numbers of the pixels at and after `at`, held within the image, and 1 where they lie in it, else 0."""
    after = at + 1
    inside = ((at >= 0) & (at < size)).to(at.dtype), ((after >= 0) & (after < size)).to(at.dtype)
    held = _held(at, size), _held(after, size)
    return held, inside


def _held(at: Tensor, size: int) -> Tensor:
    """Return whole numbers within the image; what is not a number becomes 0, and its factor stays not a number."""
    return at.nan_to_num(0.0).clamp_(0, size - 1).to(torch.int32)


class _WeightedSum(torch.autograd.Function):
    """out[s] = Σ_j weight[s, j] · table[index[s, j]]."""

    @staticmethod
    def forward(ctx: Any, table: Tensor, index: Tensor, weight: Tensor) -> Tensor:
        ctx.save_for_backward(table, index, weight)
        ctx.transposed = None
        return _bags(table, index.reshape(-1), _starts(len(index)), weight.reshape(-1))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, None, Tensor | None]:
        table, index, weight = ctx.saved_tensors
        out = gradients[0].contiguous()
        by_table = by_weight = None
        if ctx.needs_input_grad[0]:
            if ctx.transposed is None:
                ctx.transposed = _transposed(index, weight, len(table))
            by_table = _bags(out, *ctx.transposed)
        if ctx.needs_input_grad[2]:
            owner = torch.arange(len(index), dtype=torch.int32).repeat_interleave(CORNERS)
            by_weight = torch.ops.aten._embedding_bag_per_sample_weights_backward(
                out, table, index.reshape(-1), _starts(len(index)), owner, 0, -1
            ).view_as(weight)
        return by_table, None, by_weight


def _starts(samples: int) -> Tensor:
    return torch.arange(0, CORNERS * samples, CORNERS, dtype=torch.int32)


def _bags(table: Tensor, index: Tensor, starts: Tensor, weight: Tensor) -> Tensor:
    """Return (bag, channel) weighted sums of rows of a table."""
    return torch.ops.aten._embedding_bag_forward_only(table, index, starts, False, 0, False, weight)[0]


def _transposed(index: Tensor, weight: Tensor, pixels: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return the samples that each pixel takes part in: their numbers, where each pixel's begin, and their factors."""
    samples = len(index)
    bounds = np.arange(0, CORNERS * samples + 1, CORNERS, dtype=np.int32)
    entries = weight.numpy().reshape(-1), index.numpy().reshape(-1), bounds
    by_pixel = sparse.csr_array(entries, shape=(samples, pixels)).tocsc()
    return torch.from_numpy(by_pixel.indices), torch.from_numpy(by_pixel.indptr[:-1]), torch.from_numpy(by_pixel.data)

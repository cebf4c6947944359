"""Modulated deformable convolution (DCNv2): sample the nine taps of every pixel at once, then one product."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import grid_sample

from radarode.models.deform_sample import pointwise, sample_taps


class DeformConv2d(nn.Module):
    """Convolve with a 3×3 kernel whose taps are moved and weighted by what the input shows.

        y(p) = Σ_k w_k · m_k(p) · x(p + p_k + Δp_k(p)),   m_k = sigmoid(·) in (0, 1)

    x between pixels is bilinear, outside the image 0. Offsets Δp and weights m come from one ordinary 3×3
    convolution that starts at zero, so that training starts from an ordinary convolution (with every m = 1/2).
    Stride 1, padding 1, one group, no bias (a norm follows it).

    Args:
        in_channels: channels of the input.
        out_channels: channels of the output.

    Reference: Zhu et al., "Deformable ConvNets v2", CVPR 2019, equation 1.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(out_channels, in_channels, 3, 3))
        self.control = nn.Conv2d(in_channels, 27, 3, padding=1)
        nn.init.kaiming_uniform_(self.weight, a=5**0.5)
        for parameter in self.control.parameters():
            nn.init.zeros_(parameter)

    def forward(self, x: Tensor) -> Tensor:
        """Map (window, in, row, frame) to (window, out, row, frame)."""
        if x.device.type == "cpu":
            x = x.contiguous(memory_format=torch.channels_last)  # what the sampling wants, and no slower elsewhere
        control = self.control(x)
        return deform_conv2d(x, control[:, :18], torch.sigmoid(control[:, 18:]), self.weight)


def deform_conv2d(x: Tensor, offset: Tensor, mask: Tensor, weight: Tensor) -> Tensor:
    """Apply a modulated deformable 3×3 convolution, stride 1, padding 1.

    Args:
        x: (window, in, row, frame).
        offset: (window, 18, row, frame) in pixels, (Δrow, Δframe) of tap 0, then of tap 1, ...
        mask: (window, 9, row, frame) weight of each tap.
        weight: (out, in, 3, 3).

    Returns:
        (window, out, row, frame).

    In 16-bit precision, by autocast or by the network's own weights, the sampling still computes in float32.
    """
    if offset.dtype in (torch.bfloat16, torch.float16):
        # Places in the image need more digits than these have; only the product below is rounded.
        x, offset, mask = x.float(), offset.float(), mask.float()
    if x.device.type != "cpu" or torch.compiler.is_exporting():
        return _by_grid_sample(x, offset, mask, weight)
    taps = sample_taps(x, offset, mask).to(weight.dtype)
    return pointwise(taps, weight.permute(0, 2, 3, 1).reshape(weight.shape[0], -1, 1, 1))


def _by_grid_sample(x: Tensor, offset: Tensor, mask: Tensor, weight: Tensor) -> Tensor:
    """Do the same by PyTorch's own sampling, for other devices and for graphs that leave Python."""
    n, channels, rows, frames = x.shape
    grid = _sampling_grid(offset, rows, frames)
    taps = grid_sample(x, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
    taps = taps.view(n, channels, 9, rows * frames) * mask.view(n, 1, 9, rows * frames)
    out = weight.view(weight.shape[0], -1) @ taps.view(n, channels * 9, rows * frames).to(weight.dtype)
    return out.view(n, weight.shape[0], rows, frames)


def _sampling_grid(offset: Tensor, rows: int, frames: int) -> Tensor:
    """Return (window, 9·row, frame, 2) the sampling points, as (x, y) in `grid_sample`'s [−1, 1]."""
    n = offset.shape[0]
    offset = offset.view(n, 9, 2, rows, frames)
    tap = torch.arange(-1, 2, device=offset.device, dtype=offset.dtype)
    row = torch.arange(rows, device=offset.device, dtype=offset.dtype)
    frame = torch.arange(frames, device=offset.device, dtype=offset.dtype)
    base_y = (tap.repeat_interleave(3)[:, None, None] + row[None, :, None]) * 2 + 1
    base_x = (tap.repeat(3)[:, None, None] + frame[None, None, :]) * 2 + 1
    y = (offset[:, :, 0] * 2 + base_y) / rows - 1
    x = (offset[:, :, 1] * 2 + base_x) / frames - 1
    return torch.stack((x, y), dim=-1).view(n, 9 * rows, frames, 2)

"""Building blocks of the shared trunk: norms, residual blocks, the backbone and the temporal context."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import relu, scaled_dot_product_attention

from radarode.models.config import Norm, RadarOdeMtlConfig
from radarode.models.deform import DeformConv2d
from radarode.models.recompute import recomputed
from radarode.models.start import fill_normal


def make_norm(kind: Norm, channels: int, dims: int) -> nn.Module:
    """Return the norm of a feature map with `dims` dimensions behind the channels (0 for vectors).

    Batch norm is the published one. Group norm (groups of about 8 channels) has no running statistics, so that
    what it does to a window does not depend on the people the network was trained on, nor on the batch.
    """
    if kind == "batch":
        return nn.BatchNorm2d(channels) if dims == 2 else nn.BatchNorm1d(channels)
    groups = max(g for g in range(1, max(1, channels // 8) + 1) if channels % g == 0)
    return nn.GroupNorm(groups, channels)


class ResidualBlock(nn.Module):
    """Refine a map with a (deformable) 3×3 convolution and a skip, then widen and downsample it.

        y = x + ReLU(norm(deform(x)));  z = ReLU(norm(conv₂ₓ₁ y));  out = ReLU(norm(conv_stride z))

    Args:
        in_channels: channels of the input.
        config: the network's sizes.
        index: which block this is.
    """

    def __init__(self, in_channels: int, config: RadarOdeMtlConfig, index: int) -> None:
        super().__init__()
        out = config.widths[index]
        if config.deformable[index]:
            self.refine: nn.Module = DeformConv2d(in_channels, in_channels)
        else:
            self.refine = nn.Conv2d(in_channels, in_channels, 3, padding=1, bias=False)
        self.refine_norm = make_norm(config.norm, in_channels, 2)
        self.widen = nn.Conv2d(in_channels, out, (2, 1), padding=(1, 0), bias=False)
        self.widen_norm = make_norm(config.norm, out, 2)
        self.down = nn.Conv2d(out, out, config.kernels[index], config.strides[index], padding=1, bias=False)
        self.down_norm = make_norm(config.norm, out, 2)

    def forward(self, x: Tensor) -> Tensor:
        """Map (window, in, row, frame) to (window, out, fewer rows, fewer frames)."""
        x = x + relu(self.refine_norm(self.refine(x)))
        x = relu(self.widen_norm(self.widen(x)))
        return relu(self.down_norm(self.down(x)))


def downsampled(size: int, kernel: int, stride: int) -> int:
    """Return the length after a convolution with padding 1."""
    return (size + 2 - kernel) // stride + 1


class Backbone(nn.Module):
    """Residual blocks over frequency and time, then a squeeze of the frequency axis.

    Args:
        in_channels: channels of the input.
        rows: rows of the input.
        frames: frames of the input.
        config: the network's sizes.

    Attributes:
        out_frames: length of the sequence that comes out.
        recompute: whether training keeps no activations of the blocks and computes them again in the backward pass.
    """

    def __init__(self, in_channels: int, rows: int, frames: int, config: RadarOdeMtlConfig) -> None:
        super().__init__()
        blocks = []
        for index, width in enumerate(config.widths):
            blocks.append(ResidualBlock(in_channels, config, index))
            in_channels = width
            rows = downsampled(rows + 1, config.kernels[index][0], config.strides[index][0])
            frames = downsampled(frames, config.kernels[index][1], config.strides[index][1])
        self.blocks = nn.ModuleList(blocks)
        self.squeeze = nn.Conv1d(in_channels * rows, in_channels, 1, bias=False)
        self.squeeze_norm = make_norm(config.norm, in_channels, 1)
        self.out_frames = frames
        self.recompute = False

    def forward(self, x: Tensor) -> Tensor:
        """Map (window, in, row, frame) to (window, last width, `out_frames`)."""
        for block in self.blocks:
            x = recomputed(block, x) if self.recompute and self.training and torch.is_grad_enabled() else block(x)
        return relu(self.squeeze_norm(self.squeeze(x.flatten(1, 2))))


class Context(nn.Module):
    """Let every moment of the window see the others: dilated residual convolutions, then self-attention.

    A learned position is added first, since shape and length are asked about the window's centre.

    Args:
        channels: channels of the sequence.
        frames: its length.
        config: the network's sizes.
    """

    def __init__(self, channels: int, frames: int, config: RadarOdeMtlConfig) -> None:
        super().__init__()
        self.position = nn.Parameter(fill_normal(torch.empty(1, channels, frames), std=0.02))
        dilations = [2 ** (layer % 4) for layer in range(config.context_layers)]
        self.convs = nn.ModuleList(
            nn.Conv1d(channels, channels, 3, padding=d, dilation=d, bias=False) for d in dilations
        )
        self.norms = nn.ModuleList(make_norm(config.norm, channels, 1) for _ in dilations)
        self.attention = SelfAttention(channels, config.attention_heads) if config.attention_heads else None

    def forward(self, x: Tensor) -> Tensor:
        """Map (window, channel, frame) to the same shape."""
        x = x + self.position
        for conv, norm in zip(self.convs, self.norms, strict=True):
            x = x + relu(norm(conv(x)))
        return x if self.attention is None else self.attention(x)


class SelfAttention(nn.Module):
    """Add what attention over the time steps gathers: a beat helps to see the next one.

    Args:
        channels: channels of the sequence.
        heads: attention heads; they share the channels.
    """

    def __init__(self, channels: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.GroupNorm(1, channels)
        self.query_value = nn.Conv1d(channels, 2 * channels, 1)
        self.key = nn.Conv1d(channels, channels, 1, bias=False)
        self.out = nn.Conv1d(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map (window, channel, frame) to the same shape."""
        n, channels, frames = x.shape
        normed = self.norm(x)
        query, value = self.query_value(normed).chunk(2, dim=1)
        parts = [t.reshape(n, self.heads, -1, frames).mT for t in (query, self.key(normed), value)]
        gathered = scaled_dot_product_attention(*parts)
        return x + self.out(gathered.mT.reshape(n, channels, frames))

"""From motion and places of points on the chest to the features that condition the ECG.

Every channel passes the same convolutions (what moves, and when) and a transformer over channels (which point of the
chest it is, and what its neighbours see); their product is brought down from channels to a few features.

Reference: the encoder of MMECG, IEEE TMC 2022, doi 10.1109/TMC.2022.3214721.
"""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn
from torch.nn.functional import relu, scaled_dot_product_attention

from radarode.models.blocks import make_norm
from radarode.models.config import Norm

TAPS = 7
"""Published kernel of every convolution."""

POSITION_UNIT_M = 0.1
"""Places are given to the network in this unit, which is about the distance between points of a chest."""


class ConvPair(nn.Module):
    """Apply two convolutions, each followed by ReLU and norm.

    Args:
        in_channels: features that come in.
        out_channels: features that go out.
        norm: which norm.
    """

    def __init__(self, in_channels: int, out_channels: int, norm: Norm) -> None:
        super().__init__()
        self.convs = nn.ModuleList(
            nn.Conv1d(size, out_channels, TAPS, padding=TAPS // 2) for size in (in_channels, out_channels)
        )
        self.norms = nn.ModuleList(make_norm(norm, out_channels, 1) for _ in self.convs)

    def forward(self, x: Tensor) -> Tensor:
        """Map (signal, in, time) to (signal, out, time)."""
        for conv, norm in zip(self.convs, self.norms, strict=True):
            x = norm(relu(conv(x)))
        return x


class ChannelCnn(nn.Module):
    """Turn one channel's motion into features at a sixteenth of its rate; all channels share the weights.

    Args:
        widths: features after each pair of convolutions; a max-pooling by 2 follows each.
        norm: which norm.
    """

    def __init__(self, widths: tuple[int, ...], norm: Norm) -> None:
        super().__init__()
        sizes = (1, *widths)
        self.pairs = nn.ModuleList(ConvPair(a, b, norm) for a, b in itertools.pairwise(sizes))
        self.pool = nn.MaxPool1d(2)

    def forward(self, motion: Tensor) -> Tensor:
        """Map (signal, 1, time) to (signal, last width, time / 2^blocks)."""
        for pair in self.pairs:
            motion = self.pool(pair(motion))
        return motion


class Expansion(nn.Module):
    """Bring one channel's features back to the rate of the motion; all channels share the weights.

    Args:
        in_channels: features that come in.
        widths: features after each doubling of the rate.
        norm: which norm.
    """

    def __init__(self, in_channels: int, widths: tuple[int, ...], norm: Norm) -> None:
        super().__init__()
        sizes = (in_channels, *widths)
        self.ups = nn.ModuleList(nn.ConvTranspose1d(a, a, 2, stride=2) for a in sizes[:-1])
        self.pairs = nn.ModuleList(ConvPair(a, b, norm) for a, b in itertools.pairwise(sizes))

    def forward(self, x: Tensor) -> Tensor:
        """Map (signal, in, time) to (signal, last width, time * 2^blocks)."""
        for up, pair in zip(self.ups, self.pairs, strict=True):
            x = pair(up(x))
        return x


class ChannelTransformer(nn.Module):
    """Let channels attend to each other: one block of the original transformer, norms behind the sums.

    Args:
        width: size of a channel's vector; the heads share it.
        heads: attention heads.
        feed_forward: hidden size of the feed-forward part.
    """

    def __init__(self, width: int, heads: int, feed_forward: int) -> None:
        super().__init__()
        self.heads = heads
        self.query_value = nn.Linear(width, 2 * width)
        self.key = nn.Linear(width, width, bias=False)  # a bias of the keys would cancel in the softmax
        self.out = nn.Linear(width, width)
        self.feed_forward = nn.Sequential(nn.Linear(width, feed_forward), nn.ReLU(), nn.Linear(feed_forward, width))
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(2))

    def forward(self, x: Tensor, heard: Tensor | None) -> Tensor:
        """Map (window, channel, width) to the same shape.

        Args:
            x: one vector per channel.
            heard: (window, channel) which channels may be attended to; None for all.
        """
        n, channels, width = x.shape
        query, value = self.query_value(x).chunk(2, dim=2)
        parts = [t.reshape(n, channels, self.heads, -1).transpose(1, 2) for t in (query, self.key(x), value)]
        mask = None if heard is None else heard[:, None, None, :]
        gathered = scaled_dot_product_attention(*parts, attn_mask=mask)
        x = self.norms[0](x + self.out(gathered.transpose(1, 2).reshape(n, channels, width)))
        return self.norms[1](x + self.feed_forward(x))


class SpatialEncoder(nn.Module):
    """Say of each channel what it is, from its features, its place and the other channels.

    Args:
        features: size of a channel's flattened features.
        width: size of a channel's vector.
        heads: attention heads.
        feed_forward: hidden size of the feed-forward parts.
        blocks: transformer blocks.
    """

    def __init__(self, features: int, width: int, heads: int, feed_forward: int, blocks: int) -> None:
        super().__init__()
        self.embed = nn.Linear(features, width)
        self.place = nn.Linear(3, width, bias=False)  # so that an unknown place, given as zero, adds nothing
        self.blocks = nn.ModuleList(ChannelTransformer(width, heads, feed_forward) for _ in range(blocks))

    def forward(self, features: Tensor, positions_m: Tensor, heard: Tensor | None) -> Tensor:
        """Map (window, channel, feature) and (window, channel, 3) to (window, channel, width)."""
        x = self.embed(features) + self.place(positions_m / POSITION_UNIT_M)
        for block in self.blocks:
            x = block(x, heard)
        return x


def heard_channels(motion: Tensor) -> Tensor:
    """Tell which channels carry motion; where none of a window does, all are said to.

    Args:
        motion: (window, channel, time); a channel that is not there is all zero.

    Returns:
        (window, channel).
    """
    live = motion.abs().amax(dim=2) > 0
    return live | ~live.any(dim=1, keepdim=True)


def masked_softmax(scores: Tensor, heard: Tensor) -> Tensor:
    """Return (window, channel, feature) weights that sum to 1 over the heard channels."""
    return torch.softmax(scores.masked_fill(~heard[:, :, None], float("-inf")), dim=1)

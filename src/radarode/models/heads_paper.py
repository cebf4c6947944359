"""The published task heads, for a sequence of 31 steps.

Kernels, strides and widths are the table's. Where it leaves paddings or the last kernels open they are chosen so that
the lengths it names come out; every layer but the last of a head is followed by a norm and ReLU.
"""

from __future__ import annotations

from torch import Tensor, nn

from radarode.models.blocks import make_norm
from radarode.models.config import Norm, RadarOdeMtlConfig
from radarode.models.features import N_LENGTH_CLASSES, Features, FeatureSizes
from radarode.models.shape_decoder import LATENT_CHANNELS, CycleDecoder

FUSION_WIDTH = 64


class PaperShapeHead(nn.Module):
    """Encode 31 → 863 steps, shorten to the latent cycle (8, 207), decode the cycle."""

    def __init__(self, sizes: FeatureSizes, config: RadarOdeMtlConfig) -> None:
        super().__init__()
        c = sizes.channels
        self.encoder = nn.Sequential(
            *_up(c, c // 2, 3, config.norm), *_up(c // 2, c // 4, 3, config.norm), *_up(c // 4, c // 8, 3, config.norm)
        )
        self.initial = nn.Sequential(
            *_conv(c // 8, 64, 7, config.norm, stride=2),
            *_conv(64, 32, 7, config.norm, stride=2),
            *_conv(32, 16, 7, config.norm),
            *_conv(16, LATENT_CHANNELS, 5, config.norm),
        )
        self.cycle = CycleDecoder(config, FUSION_WIDTH)

    def forward(self, features: Features) -> Tensor:
        """Map features to the cycle (window, 200)."""
        return self.cycle(self.initial(self.encoder(features.sequence)))


class PaperLengthHead(nn.Module):
    """Shorten 31 → 16 steps, expand to 64, classify: FC 2048–1024–512–260."""

    def __init__(self, sizes: FeatureSizes, config: RadarOdeMtlConfig) -> None:
        super().__init__()
        c, norm = sizes.channels, config.norm
        self.convs = nn.Sequential(
            *_conv(c, c // 4, 7, norm),
            *_conv(c // 4, c // 8, 7, norm),
            *_conv(c // 8, 32, 7, norm),
            *_conv(32, 16, 6, norm),
            *_up(16, 16, 2, norm, padding=2, output_padding=1),
            *_up(16, 16, 2, norm, padding=2, output_padding=1),
            *_up(16, 32, 1, norm, padding=2),
        )
        self.classes = nn.Sequential(
            nn.Flatten(),
            nn.Linear(2048, 1024),
            nn.ReLU(),
            nn.Linear(1024, 512),
            nn.ReLU(),
            nn.Linear(512, N_LENGTH_CLASSES),
        )

    def forward(self, features: Features) -> Tensor:
        """Map features to logits (window, 260)."""
        return self.classes(self.convs(features.sequence))


class PaperAnchorHead(nn.Module):
    """Expand 31 → 1729 steps, then shorten to the 800-sample map."""

    def __init__(self, sizes: FeatureSizes, config: RadarOdeMtlConfig) -> None:
        super().__init__()
        c, norm = sizes.channels, config.norm
        self.up = nn.Sequential(
            *_up(c, c // 2, 3, norm),
            *_up(c // 2, c // 4, 3, norm),
            *_up(c // 4, c // 8, 3, norm),
            *_up(c // 8, c // 8, 2, norm),
        )
        self.convs = nn.Sequential(
            *_conv(c // 8, 64, 5, norm, stride=2),
            *_conv(64, 32, 5, norm),
            *_conv(32, 16, 5, norm),
            *_conv(16, 8, 16, norm, padding=0),
            *_conv(8, 4, 16, norm, padding=0),
            *_conv(4, 2, 16, norm, padding=0),
            nn.Conv1d(2, 1, 16),
        )

    def forward(self, features: Features) -> Tensor:
        """Map features to the anchor map (window, 800)."""
        return self.convs(self.up(features.sequence)).squeeze(1)


def _conv(c_in: int, c_out: int, kernel: int, norm: Norm, *, stride: int = 1, padding: int = 1) -> list[nn.Module]:
    conv = nn.Conv1d(c_in, c_out, kernel, stride, padding=padding, bias=False)
    return [conv, make_norm(norm, c_out, 1), nn.ReLU()]


def _up(
    c_in: int, c_out: int, stride: int, norm: Norm, *, padding: int = 0, output_padding: int = 0
) -> list[nn.Module]:
    conv = nn.ConvTranspose1d(c_in, c_out, 5, stride, padding=padding, output_padding=output_padding, bias=False)
    return [conv, make_norm(norm, c_out, 1), nn.ReLU()]

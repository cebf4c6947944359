"""Light task heads: they read the whole window through learned positions, for sequences of any length."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import relu

from radarode.core.constants import FRAME_RATE_HZ, FS_HZ, WINDOW_SAMPLES
from radarode.models.blocks import make_norm
from radarode.models.config import RadarOdeMtlConfig
from radarode.models.features import N_LENGTH_CLASSES, Features, FeatureSizes
from radarode.models.shape_decoder import LATENT_CHANNELS, CycleDecoder
from radarode.models.start import fill_normal

ANCHOR_MEAN = 0.02
"""About the mean of an anchor map; where its output starts."""


class WindowReader(nn.Module):
    """Sum up the window in one vector, with its own weight for every moment.

    Args:
        sizes: sizes of the trunk's features.
        config: the network's sizes.
        out: size of the vector.
    """

    def __init__(self, sizes: FeatureSizes, config: RadarOdeMtlConfig, out: int) -> None:
        super().__init__()
        width = config.head_width
        self.narrow = nn.Conv1d(sizes.channels, width, 1, bias=False)
        self.norm = make_norm(config.norm, width, 1)
        self.read = nn.Linear(width * sizes.frames, out)

    def forward(self, sequence: Tensor) -> Tensor:
        """Map (window, channel, frame) to (window, out)."""
        return relu(self.read(relu(self.norm(self.narrow(sequence))).flatten(1)))


class CompactShapeHead(nn.Module):
    """Read the window, unfold a latent cycle (8, 207), and decode it as the paper does.

    Args:
        sizes: sizes of the trunk's features.
        config: the network's sizes.
    """

    def __init__(self, sizes: FeatureSizes, config: RadarOdeMtlConfig) -> None:
        super().__init__()
        width = config.head_width
        self.reader = WindowReader(sizes, config, 8 * width)
        self.unfold = nn.Linear(8 * width, width * 50)
        self.up = nn.Sequential(
            nn.ConvTranspose1d(width, width, 4, 2, padding=1, bias=False),
            make_norm(config.norm, width, 1),
            nn.ReLU(),
            nn.ConvTranspose1d(width, LATENT_CHANNELS, 11, 2, padding=1, bias=False),
            make_norm(config.norm, LATENT_CHANNELS, 1),
            nn.ReLU(),
        )
        self.cycle = CycleDecoder(config, fusion_width=width)

    def forward(self, features: Features) -> Tensor:
        """Map features to the cycle (window, 200)."""
        vector = self.reader(features.sequence)
        latent = self.up(relu(self.unfold(vector)).unflatten(1, (-1, 50)))
        return self.cycle(latent)


class CompactLengthHead(nn.Module):
    """Read the window and score the classes of the cycle's length.

    Args:
        sizes: sizes of the trunk's features.
        config: the network's sizes.
    """

    def __init__(self, sizes: FeatureSizes, config: RadarOdeMtlConfig) -> None:
        super().__init__()
        self.reader = WindowReader(sizes, config, 8 * config.head_width)
        self.classes = nn.Linear(8 * config.head_width, N_LENGTH_CLASSES)

    def forward(self, features: Features) -> Tensor:
        """Map features to logits (window, 260)."""
        return self.classes(self.reader(features.sequence))


class CompactAnchorHead(nn.Module):
    """Upsample the sequence beside the stem's fine map to 200 Hz.

    The output is linear (no sigmoid to saturate) and starts near the map's mean.

    Args:
        sizes: sizes of the trunk's features.
        config: the network's sizes.
    """

    to_frames: Tensor
    to_half_rate: Tensor

    def __init__(self, sizes: FeatureSizes, config: RadarOdeMtlConfig) -> None:
        super().__init__()
        width = config.head_width
        self.coarse = nn.Conv1d(sizes.channels, 2 * width, 1, bias=False)
        self.merge = nn.Conv1d(2 * width + sizes.fine_channels, 2 * width, 5, padding=2, bias=False)
        self.merge_norm = make_norm(config.norm, 2 * width, 1)
        self.sharpen = nn.Conv1d(2 * width, width, 5, padding=2, bias=False)
        self.sharpen_norm = make_norm(config.norm, width, 1)
        self.up = nn.ConvTranspose1d(width, width, 8, 2, padding=3, bias=False)
        self.up_norm = make_norm(config.norm, width, 1)
        self.out = nn.Conv1d(width, 1, 9, padding=4)
        weight, bias = self.out.parameters()
        fill_normal(weight, std=0.1 * (9 * width) ** -0.5)
        nn.init.constant_(bias, ANCHOR_MEAN)
        coarse = _interpolation(sizes.frames, config.frames, config.frames / sizes.frames)
        half_rate = _interpolation(config.frames, WINDOW_SAMPLES // 2, FS_HZ / 2 / FRAME_RATE_HZ)
        self.register_buffer("to_frames", coarse, persistent=False)
        self.register_buffer("to_half_rate", half_rate, persistent=False)

    def forward(self, features: Features) -> Tensor:
        """Map features to the anchor map (window, 800)."""
        x = self.coarse(features.sequence) @ self.to_frames
        if features.fine is not None:
            x = torch.cat((x, features.fine), dim=1)
        x = relu(self.merge_norm(self.merge(x)))
        x = relu(self.sharpen_norm(self.sharpen(x @ self.to_half_rate)))
        x = relu(self.up_norm(self.up(x)))
        return self.out(x).squeeze(1)


def _interpolation(n_in: int, n_out: int, ratio: float) -> Tensor:
    """Return (n_in, n_out) linear interpolation; output j stands at input j / ratio."""
    place = np.clip(np.arange(n_out) / ratio, 0, n_in - 1)
    weight = np.maximum(0, 1 - np.abs(place[None, :] - np.arange(n_in)[:, None]))
    return torch.as_tensor(weight, dtype=torch.float32, device="cpu")

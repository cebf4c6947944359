"""The trunk over the spectrogram of a window that radarODE-MTL and the single-cycle generator share."""

from __future__ import annotations

from torch import Tensor, nn

from radarode.models.blocks import Backbone, Context
from radarode.models.config import RadarOdeMtlConfig
from radarode.models.features import Features, FeatureSizes, check_windows
from radarode.models.stem import ChannelStem


class Trunk(nn.Module):
    """Map spectrogram windows to the features that heads read; a network adds its heads.

    Args:
        config: sizes; see `radarode.models.config.preset`.

    Attributes:
        sizes: of the features.
    """

    def __init__(self, config: RadarOdeMtlConfig) -> None:
        super().__init__()
        self.config = config
        if config.stem_width:
            self.stem: ChannelStem | None = ChannelStem(config.stem_width, config.rows)
            maps = (self.stem.map_channels, self.stem.map_rows, (config.frames - 1) // 2 + 1)
        else:
            self.stem = None
            maps = (config.channels or 1, config.rows, config.frames)
        self.backbone = Backbone(*maps, config)
        fine_channels = self.stem.fine_channels if self.stem else 0
        self.sizes = FeatureSizes(config.widths[-1], self.backbone.out_frames, fine_channels)
        context = config.context_layers or config.attention_heads
        self.context = Context(self.sizes.channels, self.sizes.frames, config) if context else None

    def encode(self, x: Tensor) -> Features:
        """Return the features of inputs (window, channel, row, frame).

        Raises:
            InputError: the inputs do not have the configuration's channels, rows or frames.
        """
        check_windows(x, self.config.channels, self.config.rows, self.config.frames)
        maps, fine = self.stem(x) if self.stem is not None else (x, None)
        sequence = self.backbone(maps)
        return Features(sequence if self.context is None else self.context(sequence), fine)

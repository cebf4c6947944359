"""SCEG, the single-cycle ECG generator: the spectrogram around one heartbeat becomes its 200-sample cycle."""

from __future__ import annotations

from torch import Tensor, nn

from radarode.core.errors import InputError
from radarode.models.blocks import Backbone, Context
from radarode.models.config import RadarOdeMtlConfig
from radarode.models.features import Features, FeatureSizes
from radarode.models.heads_compact import CompactShapeHead
from radarode.models.heads_paper import PaperShapeHead
from radarode.models.stem import ChannelStem

HEADS = {"paper": PaperShapeHead, "compact": CompactShapeHead}


class Sceg(nn.Module):
    """Map spectrogram windows centred on a heartbeat to that heartbeat's cycle.

    Trunk and shape head are radarODE-MTL's, whose authors took them over from this network.

    Args:
        config: the sizes, as of radarODE-MTL; its `decoder` chooses temporal branch, ODE branch or both.

    Reference: radarODE, arXiv 2408.01672. Deviation: the light presets take any number of channels and read time by
        self-attention, as radarODE-MTL's here do.
    """

    def __init__(self, config: RadarOdeMtlConfig) -> None:
        super().__init__()
        self.config = config
        if config.stem_width:
            self.stem: ChannelStem | None = ChannelStem(config.stem_width, config.rows)
            trunk = (self.stem.map_channels, self.stem.map_rows, (config.frames - 1) // 2 + 1)
        else:
            self.stem = None
            trunk = (config.channels or 1, config.rows, config.frames)
        self.backbone = Backbone(*trunk, config)
        sizes = FeatureSizes(config.widths[-1], self.backbone.out_frames, 0)
        context = config.context_layers or config.attention_heads
        self.context = Context(sizes.channels, sizes.frames, config) if context else None
        self.head = HEADS[config.heads](sizes, config)

    def forward(self, x: Tensor) -> Tensor:
        """Map inputs (window, channel, row, frame) to cycles (window, 200).

        Raises:
            InputError: the inputs do not have the configuration's channels, rows or frames.
        """
        self._check(x)
        maps = self.stem(x)[0] if self.stem is not None else x
        sequence = self.backbone(maps)
        return self.head(Features(sequence if self.context is None else self.context(sequence), None))

    def _check(self, x: Tensor) -> None:
        c = self.config
        fits = x.ndim == 4 and tuple(x.shape[2:]) == (c.rows, c.frames) and x.shape[1] > 0
        if not fits or (c.channels is not None and x.shape[1] != c.channels):
            shape = f"(window, {c.channels or 'channel'}, {c.rows}, {c.frames})"
            raise InputError.of("x", f"of shape {shape}", tuple(x.shape), "Use a network made for this input")

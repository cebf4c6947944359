"""SCEG, the single-cycle ECG generator: the spectrogram around one heartbeat becomes its 200-sample cycle."""

from __future__ import annotations

from torch import Tensor

from radarode.models.config import RadarOdeMtlConfig
from radarode.models.heads_compact import CompactShapeHead
from radarode.models.heads_paper import PaperShapeHead
from radarode.models.trunk import Trunk

HEADS = {"paper": PaperShapeHead, "compact": CompactShapeHead}


class Sceg(Trunk):
    """Map spectrogram windows centred on a heartbeat to that heartbeat's cycle.

    Trunk and shape head are radarODE-MTL's, whose authors took them over from this network.

    Args:
        config: the sizes, as of radarODE-MTL; its `decoder` chooses temporal branch, ODE branch or both.

    Reference: radarODE, arXiv 2408.01672. Deviation: the light presets take any number of channels and read time by
        self-attention, as radarODE-MTL's here do.
    """

    def __init__(self, config: RadarOdeMtlConfig) -> None:
        super().__init__(config)
        self.head = HEADS[config.heads](self.sizes, config)

    def forward(self, x: Tensor) -> Tensor:
        """Map inputs (window, channel, row, frame) to cycles (window, 200).

        Raises:
            InputError: the inputs do not have the configuration's channels, rows or frames.
        """
        return self.head(self.encode(x))

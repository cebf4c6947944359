"""radarODE-MTL: one shared trunk over the spectrogram of a window, three task heads."""

from __future__ import annotations

from torch import Tensor, nn

from radarode.core.types import TaskOutputs
from radarode.models.config import PRESETS, RadarOdeMtlConfig
from radarode.models.features import Features
from radarode.models.heads_compact import CompactAnchorHead, CompactLengthHead, CompactShapeHead
from radarode.models.heads_paper import PaperAnchorHead, PaperLengthHead, PaperShapeHead
from radarode.models.networks import NetworkKind, build_network
from radarode.models.trunk import Trunk

HEADS = {
    "paper": {"shape": PaperShapeHead, "length": PaperLengthHead, "anchor": PaperAnchorHead},
    "compact": {"shape": CompactShapeHead, "length": CompactLengthHead, "anchor": CompactAnchorHead},
}


class RadarOdeMtl(Trunk):
    """Map spectrogram windows to the three tasks.

    Args:
        config: sizes; see `radarode.models.config.preset`.

    Attributes:
        heads: the task heads by name: shape, length, anchor; each maps `Features` to its output.

    Reference: radarODE-MTL, arXiv 2410.08656.
    """

    def __init__(self, config: RadarOdeMtlConfig) -> None:
        super().__init__(config)
        self.heads = nn.ModuleDict({task: head(self.sizes, config) for task, head in HEADS[config.heads].items()})

    def forward(self, x: Tensor) -> TaskOutputs[Tensor]:
        """Map inputs (window, channel, row, frame) to the three tasks.

        Returns:
            shape (window, 200), length logits (window, 260), anchor (window, 800).
        """
        return self.decode(self.encode(x))

    def decode(self, features: Features) -> TaskOutputs[Tensor]:
        """Map shared features to the three tasks."""
        return TaskOutputs(**{task: head(features) for task, head in self.heads.items()})

    def shared_modules(self) -> list[nn.Module]:
        """Return the modules that all tasks share."""
        return [module for module in (self.stem, self.backbone, self.context) if module is not None]

    def shared_parameters(self) -> list[nn.Parameter]:
        """Return the parameters that all tasks share."""
        return [parameter for module in self.shared_modules() for parameter in module.parameters()]

    def task_parameters(self) -> dict[str, list[nn.Parameter]]:
        """Return each task's own parameters."""
        return {task: list(head.parameters()) for task, head in self.heads.items()}


def build_model(config: RadarOdeMtlConfig, seed: int) -> RadarOdeMtl:
    """Build an untrained network whose start values depend on `seed` alone; the global generator stays as it is.

    Example:
        >>> from radarode.models.config import preset
        >>> sum(p.numel() for p in build_model(preset("tiny"), seed=0).parameters()) < 100_000
        True
    """
    return build_network("radarode-mtl", config, seed)


KIND = NetworkKind(RadarOdeMtlConfig, RadarOdeMtl, PRESETS)

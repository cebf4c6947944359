"""radarODE-MTL: one shared trunk over the spectrogram of a window, three task heads."""

from __future__ import annotations

from torch import Tensor, nn

from radarode.core.errors import InputError
from radarode.core.types import TaskOutputs
from radarode.models.blocks import Backbone, Context
from radarode.models.config import PRESETS, RadarOdeMtlConfig
from radarode.models.features import Features, FeatureSizes
from radarode.models.heads_compact import CompactAnchorHead, CompactLengthHead, CompactShapeHead
from radarode.models.heads_paper import PaperAnchorHead, PaperLengthHead, PaperShapeHead
from radarode.models.networks import NetworkKind, build_network
from radarode.models.stem import ChannelStem

HEADS = {
    "paper": {"shape": PaperShapeHead, "length": PaperLengthHead, "anchor": PaperAnchorHead},
    "compact": {"shape": CompactShapeHead, "length": CompactLengthHead, "anchor": CompactAnchorHead},
}


class RadarOdeMtl(nn.Module):
    """Map spectrogram windows to the three tasks.

    Args:
        config: sizes; see `radarode.models.config.preset`.

    Attributes:
        heads: the task heads by name: shape, length, anchor; each maps `Features` to its output.

    Reference: radarODE-MTL, arXiv 2410.08656.
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
        sizes = FeatureSizes(config.widths[-1], self.backbone.out_frames, self.stem.fine_channels if self.stem else 0)
        context = config.context_layers or config.attention_heads
        self.context = Context(sizes.channels, sizes.frames, config) if context else None
        self.heads = nn.ModuleDict({task: head(sizes, config) for task, head in HEADS[config.heads].items()})

    def encode(self, x: Tensor) -> Features:
        """Return the shared features of inputs (window, channel, row, frame).

        Raises:
            InputError: the inputs do not have the configuration's channels, rows or frames.
        """
        self._check(x)
        maps, fine = self.stem(x) if self.stem is not None else (x, None)
        sequence = self.backbone(maps)
        return Features(sequence if self.context is None else self.context(sequence), fine)

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

    def _check(self, x: Tensor) -> None:
        c = self.config
        wanted = ("window", c.channels if c.channels is not None else "channel", c.rows, c.frames)
        fits = x.ndim == 4 and tuple(x.shape[2:]) == (c.rows, c.frames) and x.shape[1] > 0
        if not fits or (c.channels is not None and x.shape[1] != c.channels):
            shape = "(" + ", ".join(map(str, wanted)) + ")"
            raise InputError.of("x", f"of shape {shape}", tuple(x.shape), "Use a network made for this input")


def build_model(config: RadarOdeMtlConfig, seed: int) -> RadarOdeMtl:
    """Build an untrained network whose start values depend on `seed` alone; the global generator stays as it is.

    Example:
        >>> from radarode.models.config import preset
        >>> sum(p.numel() for p in build_model(preset("tiny"), seed=0).parameters()) < 100_000
        True
    """
    return build_network("radarode-mtl", config, seed)


KIND = NetworkKind(RadarOdeMtlConfig, RadarOdeMtl, PRESETS)

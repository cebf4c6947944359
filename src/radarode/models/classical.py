"""What the classical baseline measured on training recordings, kept like the weights of a network.

It has no parameters and learns nothing by gradients: its buffers are averages.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from radarode.core.config import from_plain, to_plain
from radarode.models.networks import NetworkKind
from radarode.signal.motion_energy import PATTERN_FRAMES, EnergyPrior, EnergySettings

SHAPE_SAMPLES = 200
"""Samples of a cycle."""


@dataclass(frozen=True, slots=True)
class ClassicalConfig:
    """Parameters of the classical baseline.

    Attributes:
        energy: band, smoothing and range of heart rates.
    """

    energy: EnergySettings = field(default_factory=EnergySettings)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> ClassicalConfig:
        """Build from plain values; unknown keys are an `InputError`.

        Example:
            >>> ClassicalConfig.from_dict({"energy": {"smooth_s": 0.03}}).energy.smooth_s
            0.03
        """
        return from_plain(cls, values)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values that `from_dict` takes back."""
        return to_plain(self)


class ClassicalModel(nn.Module):
    """Hold the measured averages; all buffers are float64.

    Attributes:
        config: the parameters that they were measured with.
        cycle: (200,) mean ECG cycle, scaled to [0, 1].
        delay_s: () by how much the most likely place of R was late in training recordings, as a median.
        pattern_mean: (PATTERN_FRAMES,) mean energy around R.
        pattern_precision: (PATTERN_FRAMES, PATTERN_FRAMES) inverse covariance of that energy over recordings.
    """

    cycle: Tensor
    delay_s: Tensor
    pattern_mean: Tensor
    pattern_precision: Tensor

    def __init__(self, config: ClassicalConfig) -> None:
        super().__init__()
        self.config = config
        self.register_buffer("cycle", torch.zeros(SHAPE_SAMPLES, dtype=torch.float64))
        self.register_buffer("delay_s", torch.zeros((), dtype=torch.float64))
        self.register_buffer("pattern_mean", torch.zeros(PATTERN_FRAMES, dtype=torch.float64))
        self.register_buffer("pattern_precision", torch.zeros(PATTERN_FRAMES, PATTERN_FRAMES, dtype=torch.float64))

    @property
    def prior(self) -> EnergyPrior:
        """Return what the energy around R looks like in people."""
        return EnergyPrior(self.pattern_mean.numpy(), self.pattern_precision.numpy())

    def measured(self, prior: EnergyPrior, cycle: NDArray[np.floating], delay_s: float) -> ClassicalModel:
        """Return a model of the same configuration with new averages.

        Args:
            prior: energy around R.
            cycle: (200,) ECG cycle in [0, 1].
            delay_s: residual delay of R.
        """
        model = ClassicalModel(self.config)
        model.cycle.copy_(torch.as_tensor(np.asarray(cycle, dtype=np.float64)))
        model.delay_s.fill_(delay_s)
        model.pattern_mean.copy_(torch.as_tensor(prior.mean))
        model.pattern_precision.copy_(torch.as_tensor(prior.precision))
        return model


_ONLY = ClassicalConfig()

KIND = NetworkKind(
    config=ClassicalConfig,
    network=ClassicalModel,
    presets={"paper": _ONLY, "small": _ONLY, "tiny": _ONLY},
)

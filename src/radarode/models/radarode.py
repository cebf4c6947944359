"""radarODE, the earlier framework: a generator of single cycles and a network that joins them, trained in turn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, get_args

import torch
from torch import nn

from radarode.core.config import from_plain, to_plain
from radarode.core.constants import FRAME_RATE_HZ, WINDOW_SAMPLES
from radarode.core.errors import InputError
from radarode.models.config import MAX_SIZE, Norm, RadarOdeMtlConfig, preset
from radarode.models.longterm import LongTerm
from radarode.models.networks import NetworkKind
from radarode.models.sceg import Sceg

PULSE_S = (-0.3, 0.6)
"""The stretch around an R peak whose typical energy is kept."""

PULSE_FRAMES = round((PULSE_S[1] - PULSE_S[0]) * FRAME_RATE_HZ) + 1
FIRST_GUESS_S = 0.1
FULL_R_HEIGHT = 0.5
MAX_TCN_LAYERS = 9


@dataclass(frozen=True, slots=True)
class RadarOdeConfig:
    """Hold the sizes of the two networks.

    Attributes:
        sceg: sizes of the single-cycle generator, those of radarODE-MTL's trunk and shape head.
        stem_width: filters that every channel of motion passes before the channels are pooled; 0 is no stem, and
            then the motion has `sceg.channels` channels.
        widths: channels of the long-term network's motion encoder.
        tcn_width: channels of its dilated convolutions (ours: the text states none).
        tcn_layers: their number.
        norm: batch normalisation as published, or group normalisation, in the long-term network.
        centre_jitter_s: how far off R the generator's training windows are centred at most, since the centres that the
            energy gives are off too (published: 0, with the reference's R peaks also in use).
    """

    sceg: RadarOdeMtlConfig = field(default_factory=RadarOdeMtlConfig)
    stem_width: int = 0
    widths: tuple[int, ...] = (128, 256, 512)
    tcn_width: int = 64
    tcn_layers: int = 9
    norm: Norm = "batch"
    centre_jitter_s: float = 0.15

    def __post_init__(self) -> None:
        if self.norm not in get_args(Norm):
            raise InputError.of("norm", f"one of {', '.join(get_args(Norm))}", repr(self.norm))
        if not self.widths or min(*self.widths, self.tcn_width) < 1 or max(*self.widths, self.tcn_width) > MAX_SIZE:
            raise InputError(f"sizes of a network must be between 1 and {MAX_SIZE}.")
        if WINDOW_SAMPLES % 2 ** len(self.widths):
            raise InputError.of("widths", "at most five, since each halves 800 samples", self.widths)
        if not 1 <= self.tcn_layers <= MAX_TCN_LAYERS:
            raise InputError.of("tcn_layers", f"between 1 and {MAX_TCN_LAYERS}", self.tcn_layers)
        if not 0 <= self.stem_width <= MAX_SIZE or (self.stem_width > 0) != (self.sceg.channels is None):
            raise InputError("`stem_width` must be above 0 exactly when `sceg.channels` is null.")
        if not 0.0 <= self.centre_jitter_s <= 0.5:
            raise InputError.of("centre_jitter_s", "between 0 and 0.5 s", self.centre_jitter_s)

    @property
    def rows(self) -> int:
        """Frequency rows of the input."""
        return self.sceg.rows

    @property
    def channels(self) -> int | None:
        """Motion channels of the input; None is any number."""
        return self.sceg.channels

    def to_dict(self) -> dict[str, Any]:
        """Return plain values that JSON and YAML hold and `from_dict` takes back."""
        return to_plain(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> RadarOdeConfig:
        """Build a configuration from plain values; a missing key takes its default.

        Raises:
            InputError: a key is unknown (the nearest known one is named), or a value breaks a rule.
        """
        return from_plain(cls, values)


PRESETS: dict[str, RadarOdeConfig] = {
    "paper": RadarOdeConfig(),
    "small": RadarOdeConfig(
        sceg=preset("small"), stem_width=12, widths=(32, 64, 96), tcn_width=24, tcn_layers=9, norm="group"
    ),
    "tiny": RadarOdeConfig(sceg=preset("tiny"), stem_width=4, widths=(8, 12, 16), tcn_width=8, norm="group"),
}


class RadarOde(nn.Module):
    """Hold both networks of the framework, and what the energy around an R peak looks like.

    Args:
        config: the sizes.

    Attributes:
        sceg: the single-cycle generator.
        longterm: the network that turns motion and draft into an ECG.
        pulse: (frame,) typical energy from 0.3 s before to 0.6 s after an R peak, mean 0 and norm 1, measured on the
            training recordings; a bump 0.1 s after R until then.

        r_height: how sharp R peaks of the long-term network's curves are, measured on validation recordings.

    Reference: radarODE, arXiv 2408.01672.
    """

    pulse: torch.Tensor
    r_height: torch.Tensor

    def __init__(self, config: RadarOdeConfig) -> None:
        super().__init__()
        self.config = config
        self.sceg = Sceg(config.sceg)
        self.longterm = LongTerm(
            config.channels, config.stem_width, config.widths, config.tcn_width, config.tcn_layers, config.norm
        )
        times = torch.arange(PULSE_FRAMES) / FRAME_RATE_HZ + PULSE_S[0]
        bump = torch.exp(-0.5 * ((times - FIRST_GUESS_S) / 0.06) ** 2)
        bump = bump - bump.mean()
        self.register_buffer("pulse", bump / bump.norm())
        self.register_buffer("r_height", torch.tensor(FULL_R_HEIGHT))


KIND = NetworkKind(RadarOdeConfig, RadarOde, PRESETS)

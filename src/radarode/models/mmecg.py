"""The MMECG network: per-channel convolutions, a transformer over the points of the chest, a causal ECG decoder.

Reference: IEEE TMC 2022, doi 10.1109/TMC.2022.3214721. Not in its text, and chosen here: the widths of the expansion
and of the decoder; that the four heads share the 64 of query, key and value; how a channel's spatial vector becomes a
factor (one linear map to a factor per feature).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_args

from torch import Tensor, nn

from radarode.core.config import from_plain, to_plain
from radarode.core.errors import InputError
from radarode.models.causal_tcn import CausalTcn
from radarode.models.config import MAX_SIZE, Norm
from radarode.models.mmecg_encoder import ChannelCnn, Expansion, SpatialEncoder, heard_channels, masked_softmax
from radarode.models.networks import NetworkKind
from radarode.models.tcn_stepper import Readout


@dataclass(frozen=True, slots=True)
class MmecgConfig:
    """Hold the sizes of a network, and how its past is treated in training.

    The last three are remedies that the publication does not have; 0 switches each off. Trained on the true past alone,
    the decoder learns to continue a curve that it will never see, and ignores the motion: independent re-runs report a
    correlation of .996 with the true past and .065 without it.

    Attributes:
        channels: motion channels the network takes; None is any number, in any order.
        samples: length of its window at 200 Hz.
        widths: features of a channel after each halving of the rate.
        attention_width: size of a channel's vector in the spatial encoder.
        attention_heads: heads, which share it.
        attention_blocks: transformer blocks.
        feed_forward: hidden size of their feed-forward parts.
        expansion: features of a channel after each doubling of the rate.
        conditions: features that condition the decoder.
        tcn_layers: layers of the decoder; layer l has dilation 2^l.
        tcn_kernel: taps of each.
        tcn_width: channels of its residual path.
        tcn_skip: channels of the sum of its skips.
        norm: batch normalisation as published, or group normalisation.
        readout: what a class distribution is turned into when the decoder runs; see `tcn_stepper.read_out`.
        past_dropout: share of training windows whose past ECG is unknown throughout.
        past_noise: largest standard deviation of the noise on the true past, in units of half the ECG's range.
        position_dropout: share of training windows whose places are unknown.
    """

    channels: int | None = 50
    samples: int = 640
    widths: tuple[int, ...] = (32, 32, 32, 32)
    attention_width: int = 64
    attention_heads: int = 4
    attention_blocks: int = 3
    feed_forward: int = 128
    expansion: tuple[int, ...] = (32, 16, 8, 4)
    conditions: int = 4
    tcn_layers: int = 9
    tcn_kernel: int = 2
    tcn_width: int = 64
    tcn_skip: int = 128
    norm: Norm = "batch"
    readout: Readout = "expectation"
    past_dropout: float = 0.0
    past_noise: float = 0.0
    position_dropout: float = 0.0

    def __post_init__(self) -> None:
        for name, choices in (("norm", get_args(Norm)), ("readout", get_args(Readout))):
            if getattr(self, name) not in choices:
                raise InputError.of(name, f"one of {', '.join(choices)}", repr(getattr(self, name)))
        if not self.widths or len(self.widths) != len(self.expansion):
            raise InputError("`widths` and `expansion` must have one entry per halving of the rate, at least one.")
        whole = (self.samples, *self.widths, self.attention_width, self.attention_heads, self.attention_blocks)
        decoder = (self.conditions, self.tcn_layers, self.tcn_kernel, self.tcn_width, self.tcn_skip)
        sizes = (*whole, self.feed_forward, *self.expansion, *decoder, 1 if self.channels is None else self.channels)
        if min(sizes) < 1 or max(sizes) > MAX_SIZE:
            raise InputError(f"sizes of a network must be between 1 and {MAX_SIZE}.")
        if self.tcn_layers > 14 or not 2 <= self.tcn_kernel <= 8:
            raise InputError("`tcn_layers` must be at most 14, and `tcn_kernel` between 2 and 8.")
        if self.samples % 2 ** len(self.widths):
            raise InputError.of("samples", f"a multiple of {2 ** len(self.widths)}", self.samples)
        if self.attention_width % self.attention_heads:
            raise InputError.of("attention_heads", "a divisor of attention_width", self.attention_heads)
        for name in ("past_dropout", "past_noise", "position_dropout"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise InputError.of(name, "between 0 and 1", getattr(self, name))

    def to_dict(self) -> dict[str, Any]:
        """Return plain values that JSON and YAML hold and `from_dict` takes back."""
        return to_plain(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> MmecgConfig:
        """Build a configuration from plain values; a missing key takes its default.

        Raises:
            InputError: a key is unknown (the nearest known one is named), or a value breaks a rule.
        """
        return from_plain(cls, values)


class Mmecg(nn.Module):
    """Turn windows of motion into conditions, and conditions with a past into distributions of the ECG.

    With a fixed number of channels the product of temporal and spatial features is projected over channels by learned
    weights, as published. For any number of channels (`config.channels` None) each feature takes a weighted mean of the
    channels, the weights a softmax over the channels' scores; channels that are all zero are not heard anywhere.

    Args:
        config: sizes.
    """

    def __init__(self, config: MmecgConfig) -> None:
        super().__init__()
        self.config = config
        width, features = config.attention_width, config.conditions
        frames = config.samples // 2 ** len(config.widths)
        self.cnn = ChannelCnn(config.widths, config.norm)
        self.spatial = SpatialEncoder(
            config.widths[-1] * frames, width, config.attention_heads, config.feed_forward, config.attention_blocks
        )
        self.expansion = Expansion(config.widths[-1], config.expansion, config.norm)
        self.mix = nn.Conv1d(config.expansion[-1], features, 1)
        self.factor = nn.Linear(width, features)
        nn.init.ones_(self.factor.bias)  # at first every channel passes as it is, so that channels do not cancel
        if config.channels is None:
            self.score: nn.Module = nn.Linear(width, features, bias=False)  # a bias would cancel in the softmax
        else:
            self.score = nn.Conv1d(config.channels * features, features, 1)
        self.decoder = CausalTcn(features, config.tcn_width, config.tcn_skip, config.tcn_layers, config.tcn_kernel)

    def encode(self, motion: Tensor, positions_m: Tensor) -> Tensor:
        """Return the conditions of windows.

        Args:
            motion: (window, channel, sample), scaled by `scale_motion`; a channel that is not there is all zero.
            positions_m: (window, channel, 3), zero where unknown.

        Returns:
            (window, condition, sample).

        Raises:
            InputError: another number of channels or samples than the network takes.
        """
        n, channels, samples = motion.shape
        if self.config.channels not in (None, channels):
            rule = f"{self.config.channels}, which these weights are made for"
            raise InputError.of("channels", rule, channels, "Use the preset `small`, which takes any number")
        if samples != self.config.samples:
            raise InputError.of("samples", f"{self.config.samples} per window", samples)
        heard = heard_channels(motion) if self.config.channels is None else None
        features = self.cnn(motion.reshape(n * channels, 1, samples))
        vectors = self.spatial(features.reshape(n, channels, -1), positions_m, heard)
        temporal = self.mix(self.expansion(features)).reshape(n, channels, self.config.conditions, samples)
        fused = temporal * self.factor(vectors)[..., None]
        if heard is None:
            return self.score(fused.flatten(1, 2))
        return (fused * masked_softmax(self.score(vectors), heard)[..., None]).sum(dim=1)

    def forward(self, motion: Tensor, positions_m: Tensor, past: Tensor) -> Tensor:
        """Return (window, 256, sample) logits, given the past of every sample as `shift_past` makes it."""
        return self.decoder(self.encode(motion, positions_m), past)


PRESETS: dict[str, MmecgConfig] = {
    "paper": MmecgConfig(),
    "small": MmecgConfig(
        channels=None,
        widths=(8, 16, 24, 32),
        attention_width=48,
        attention_heads=4,
        attention_blocks=2,
        feed_forward=96,
        expansion=(16, 12, 8, 4),
        tcn_width=32,
        tcn_skip=64,
        norm="group",
        past_dropout=0.5,
        past_noise=0.6,
        position_dropout=0.3,
    ),
    "tiny": MmecgConfig(
        channels=None,
        widths=(4, 8, 8, 8),
        attention_width=16,
        attention_heads=2,
        attention_blocks=1,
        feed_forward=32,
        expansion=(8, 8, 4, 4),
        tcn_width=12,
        tcn_skip=24,
        norm="group",
        past_dropout=0.5,
        past_noise=0.6,
        position_dropout=0.3,
    ),
}

KIND = NetworkKind(MmecgConfig, Mmecg, PRESETS)

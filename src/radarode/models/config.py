"""Sizes of a radarODE-MTL network as one frozen, strict dataclass, and the three presets."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, get_args

from radarode.core.constants import N_ROWS, WINDOW_FRAMES
from radarode.core.errors import InputError
from radarode.models.networks import preset_of

MAX_SIZE = 2**14
"""Largest size a configuration may ask for; a mistyped file must not claim the whole memory."""

Decoder = Literal["fused", "temporal", "ode"]
Norm = Literal["batch", "group"]
Heads = Literal["paper", "compact"]


@dataclass(frozen=True, slots=True)
class RadarOdeMtlConfig:
    """Hold the sizes of a network.

    Attributes:
        channels: motion channels the network takes; None is any number, in any order (`stem_width` > 0).
        rows: frequency rows of the input.
        frames: frames of the input.
        stem_width: filters of the stem that every channel passes before they are pooled; 0 is no stem.
        widths: channels after each residual block.
        deformable: whether each block's 3×3 convolution is deformable.
        kernels: (row, frame) kernel of the downsampling convolution after each block.
        strides: (row, frame) stride of it.
        context_layers: dilated residual convolutions over time behind the squeeze.
        attention_heads: heads of the self-attention over time behind them; 0 is none.
        heads: the published task heads, or the light ones that read the window with learned positions.
        head_width: channels of the light heads; unused by the published ones.
        ode_widths: hidden sizes of the linear stack before the ODE.
        decoder: shape decoder: temporal branch, ODE branch, or both fused.
        norm: batch normalisation as published, or group normalisation.
    """

    channels: int | None = 50
    rows: int = N_ROWS
    frames: int = WINDOW_FRAMES
    stem_width: int = 0
    widths: tuple[int, ...] = (128, 256, 512, 1024)
    deformable: tuple[bool, ...] = (True, True, True, True)
    kernels: tuple[tuple[int, int], ...] = ((3, 2), (3, 2), (3, 3), (3, 3))
    strides: tuple[tuple[int, int], ...] = ((2, 2), (2, 2), (2, 1), (2, 1))
    context_layers: int = 0
    attention_heads: int = 0
    heads: Heads = "paper"
    head_width: int = 0
    ode_widths: tuple[int, ...] = (1024, 512, 256, 128, 64)
    decoder: Decoder = "fused"
    norm: Norm = "batch"

    def __post_init__(self) -> None:
        for name, choices in (("decoder", Decoder), ("norm", Norm), ("heads", Heads)):
            if getattr(self, name) not in get_args(choices):
                raise InputError.of(name, f"one of {', '.join(get_args(choices))}", repr(getattr(self, name)))
        per_block = (self.widths, self.deformable, self.kernels, self.strides)
        if len({len(values) for values in per_block}) != 1 or not self.widths:
            raise InputError("`widths`, `deformable`, `kernels` and `strides` must have one entry per block.")
        sizes = (self.rows, self.frames, *self.widths, *self.ode_widths, *sum(self.kernels + self.strides, ()))
        optional = (self.stem_width, self.context_layers, self.attention_heads, self.head_width)
        if min(sizes) < 1 or min(optional) < 0 or max(*sizes, *optional, self.channels or 1) > MAX_SIZE:
            raise InputError(f"sizes of a network must be between 1 and {MAX_SIZE} (optional parts from 0).")
        if (self.channels is None) != (self.stem_width > 0):
            raise InputError("`channels` must be null exactly when `stem_width` is above 0.")
        if self.channels is not None and self.channels < 1:
            raise InputError.of("channels", "at least 1", self.channels)
        if (self.heads == "compact") != (self.head_width > 0):
            raise InputError("`head_width` must be above 0 exactly when `heads` is compact.")
        if self.attention_heads and self.widths[-1] % self.attention_heads:
            raise InputError.of("attention_heads", "a divisor of the last width", self.attention_heads)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values that JSON and YAML hold and `from_dict` takes back."""
        return {name: _as_list(value) for name, value in asdict(self).items()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> RadarOdeMtlConfig:
        """Build a configuration from plain values; a missing key takes its default.

        Raises:
            InputError: a key is unknown (the nearest known one is named), or a value breaks a rule.
        """
        known = {field.name: field for field in fields(cls)}
        for key in values:
            if key not in known:
                near = difflib.get_close_matches(key, known, n=1)
                hint = f"did you mean `{near[0]}`?" if near else f"known: {', '.join(known)}."
                raise InputError(f"unknown key `{key}` in the network's configuration; {hint}")
        default = cls()
        for key, value in values.items():
            _check_kind(key, value, getattr(default, key))
        return cls(**{key: _as_tuple(value) for key, value in values.items()})


PRESETS: dict[str, RadarOdeMtlConfig] = {
    "paper": RadarOdeMtlConfig(),
    "small": RadarOdeMtlConfig(
        channels=None,
        stem_width=12,
        widths=(32, 48, 64, 96),
        deformable=(False, False, True, True),
        kernels=((3, 3), (3, 3), (3, 3), (3, 3)),
        strides=((2, 1), (2, 1), (2, 1), (2, 1)),
        context_layers=5,
        attention_heads=4,
        heads="compact",
        head_width=32,
        ode_widths=(128, 64),
        norm="group",
    ),
    "tiny": RadarOdeMtlConfig(
        channels=None,
        stem_width=4,
        widths=(8, 16),
        deformable=(False, True),
        kernels=((3, 3), (3, 3)),
        strides=((2, 2), (2, 1)),
        context_layers=1,
        attention_heads=2,
        heads="compact",
        head_width=4,
        ode_widths=(16,),
        norm="group",
    ),
}


def preset(name: str, **overrides: Any) -> RadarOdeMtlConfig:
    """Return a preset's configuration, with some of its values replaced.

    Args:
        name: "paper" (the published sizes, 50 channels), "small" (any number of channels) or "tiny" (for tests).
        overrides: values to replace, by attribute name.

    Raises:
        InputError: unknown preset or key.

    Example:
        >>> preset("small", decoder="ode").decoder
        'ode'
    """
    return preset_of("radarode-mtl", name, overrides)


def _check_kind(key: str, value: Any, default: Any) -> None:
    """Refuse a value of another kind than the default's (`channels` may be null)."""
    if key == "channels" and value is None:
        return
    kind = (list, tuple) if isinstance(default, tuple) else type(default)
    whole = isinstance(value, kind) and (isinstance(value, bool) == isinstance(default, bool))
    if not whole:
        wanted = "a list" if isinstance(default, tuple) else f"of type {type(default).__name__}"
        raise InputError.of(key, wanted, repr(value))
    if isinstance(default, tuple):
        for item in value:
            _check_kind(key, item, default[0])


def _as_tuple(value: Any) -> Any:
    return tuple(_as_tuple(item) for item in value) if isinstance(value, (list, tuple)) else value


def _as_list(value: Any) -> Any:
    return [_as_list(item) for item in value] if isinstance(value, (list, tuple)) else value

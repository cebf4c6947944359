"""Every framework's network by name: its configuration, how it is built, its presets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import torch
from torch import nn

from radarode.core.config import suggestion
from radarode.core.errors import InputError

DEFAULT_FRAMEWORK = "radarode-mtl"

_MODULES = {
    "radarode-mtl": "radarode.models.radarode_mtl",
    "radarode": "radarode.models.radarode",
    "mmecg": "radarode.models.mmecg",
    "classical": "radarode.models.classical",
}
"""Each module has `KIND`; loaded on first use."""


@dataclass(frozen=True, slots=True)
class NetworkKind:
    """Describe the network of a framework.

    Attributes:
        config: dataclass with `from_dict(plain)` and `to_dict()`; checked on construction.
        network: builds the network, start values and all, from a configuration; keeps it as `.config`.
        presets: configurations by name: "paper", "small", "tiny".
    """

    config: Any
    network: Callable[[Any], nn.Module]
    presets: Mapping[str, Any]


def network_kind(framework: str) -> NetworkKind:
    """Return the network of a framework.

    Raises:
        InputError: there is no such framework.
    """
    if framework not in _MODULES:
        raise InputError.of(
            "framework", f"one of {', '.join(_MODULES)}", repr(framework), suggestion(framework, _MODULES)
        )
    return import_module(_MODULES[framework]).KIND


def preset_of(framework: str, name: str, changes: Mapping[str, Any] | None = None) -> Any:
    """Return a preset's configuration, with some of its values replaced.

    Raises:
        InputError: unknown framework, preset or key.

    Example:
        >>> preset_of("radarode-mtl", "small", {"decoder": "ode"}).decoder
        'ode'
    """
    kind = network_kind(framework)
    if name not in kind.presets:
        raise InputError.of("preset", f"one of {', '.join(kind.presets)}", repr(name))
    chosen = kind.presets[name]
    return kind.config.from_dict(_merged(chosen.to_dict(), changes)) if changes else chosen


def _merged(values: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values with the changed ones replaced, sections within sections key by key."""
    whole = dict(values)
    for key, change in changes.items():
        old = whole.get(key)
        whole[key] = _merged(old, change) if isinstance(old, Mapping) and isinstance(change, Mapping) else change
    return whole


def build_network(framework: str, config: Any, seed: int) -> Any:
    """Build an untrained network whose start values depend on `seed` alone; the global generator stays as it is."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return network_kind(framework).network(config)

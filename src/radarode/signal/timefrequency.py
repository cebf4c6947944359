"""Make a time-frequency transform by name."""

from __future__ import annotations

import inspect
from typing import Any

from radarode.core.errors import InputError
from radarode.signal.blocks import Transform
from radarode.signal.cwt import Cwt
from radarode.signal.sst import Sst
from radarode.signal.stft import Stft

TRANSFORMS: dict[str, type[Transform]] = {kind.name: kind for kind in (Sst, Cwt, Stft)}


def make_transform(name: str = "sst", **settings: Any) -> Transform:
    """Return the transform `name` with its axes fixed by `settings`.

    Args:
        name: "sst", "cwt" or "stft".
        settings: arguments of the class (`band_hz`, `n_rows`, `binning`, ...) and of `Transform` (`fs_hz`, ...).

    Raises:
        InputError: unknown name, unknown setting, or a value outside its range.

    Example:
        >>> transform = make_transform("cwt", n_rows=36)
        >>> transform.freqs_hz.shape, transform.n_frames(800), transform.frame_rate_hz
        ((36,), 120, 30.0)
    """
    resolved = resolve_settings(name, **settings)
    return TRANSFORMS[resolved.pop("name")](**resolved)


def resolve_settings(name: str = "sst", **settings: Any) -> dict[str, Any]:
    """Return every setting of a transform, defaults spelled out, as plain values to keep beside a result.

    Raises:
        InputError: unknown name or unknown setting.

    Example:
        >>> resolve_settings("sst")["binning"], make_transform(**resolve_settings("sst")).name
        ('linear', 'sst')
    """
    if name not in TRANSFORMS:
        raise InputError.of("transform", f"one of {', '.join(TRANSFORMS)}", repr(name))
    parameters = [p for owner in (TRANSFORMS[name], Transform) for p in inspect.signature(owner).parameters.values()]
    known = {p.name: p.default for p in parameters if p.default is not inspect.Parameter.empty}
    for key in settings:
        if key not in known:
            raise InputError.of(f"{name} setting", f"one of {', '.join(known)}", repr(key))
        _check_kind(key, settings[key], known[key])
    resolved = {"name": name, **known, **settings}
    return {key: list(value) if isinstance(value, tuple) else value for key, value in resolved.items()}


def _check_kind(key: str, value: Any, default: Any) -> None:
    """Refuse a value of another kind than the default's; a whole number may stand for any number."""
    if isinstance(default, tuple):
        if not isinstance(value, (list, tuple)) or len(value) != len(default):
            raise InputError.of(key, f"a list of {len(default)} values", repr(value))
        for item, like in zip(value, default, strict=True):
            _check_kind(key, item, like)
        return
    kind = (int, float) if isinstance(default, float) else type(default)
    if not isinstance(value, kind) or isinstance(value, bool):
        raise InputError.of(key, f"of the kind of {default!r}", repr(value))

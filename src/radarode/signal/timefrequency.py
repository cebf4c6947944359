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
    resolved = {"name": name, **known, **settings}
    return {key: list(value) if isinstance(value, tuple) else value for key, value in resolved.items()}

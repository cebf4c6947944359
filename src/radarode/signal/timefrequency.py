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
    if name not in TRANSFORMS:
        raise InputError.of("transform", f"one of {', '.join(TRANSFORMS)}", repr(name))
    kind = TRANSFORMS[name]
    known = [key for owner in (kind, Transform) for key in inspect.signature(owner).parameters]
    known = [key for key in known if key not in ("atoms", "rates")]
    for key in settings:
        if key not in known:
            raise InputError.of(f"{name} setting", f"one of {', '.join(known)}", repr(key))
    return kind(**settings)

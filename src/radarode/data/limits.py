"""Refuse claimed sizes before memory is allocated for them."""

from __future__ import annotations

from radarode.core.errors import InputError

MAX_BYTES = 8 * 2**30
"""Largest decoded size of one recording, in bytes: 60 hours of 50 channels at 200 Hz in float32."""


def check_bytes(n_bytes: int, what: str, max_bytes: int = MAX_BYTES) -> None:
    """Raise `InputError` when `what` claims more than `max_bytes` once decoded.

    Example:
        >>> check_bytes(4 * 2**40, "RCG in a.mat")
        Traceback (most recent call last):
        radarode.core.errors.InputError: RCG in a.mat claims 4096.0 GiB, more than the limit of 8.0 GiB. \
Cut the recording into shorter files.
    """
    if n_bytes > max_bytes:
        raise InputError(
            f"{what} claims {n_bytes / 2**30:.1f} GiB, more than the limit of {max_bytes / 2**30:.1f} GiB. "
            "Cut the recording into shorter files."
        )

"""Refuse claimed sizes before memory is allocated for them."""

from __future__ import annotations

from radarode.core.errors import InputError

MAX_BYTES = 2 * 2**30
"""Largest size of one file, in bytes, once every number in it is float64: 7 hours of 50 channels at 200 Hz.

Bringing it to 200 Hz RCG takes a few times as much memory.
"""

BYTES_PER_NUMBER = 8
"""What a number takes once decoded, however small it is stored."""


def check_bytes(n_bytes: int, what: str, max_bytes: int = MAX_BYTES) -> None:
    """Raise `InputError` when `what` claims more than `max_bytes` once decoded.

    Example:
        >>> check_bytes(4 * 2**40, "RCG in a.mat")
        Traceback (most recent call last):
        radarode.core.errors.InputError: RCG in a.mat claims 4096.0 GiB, more than the limit of 2.0 GiB. \
Cut the recording into shorter files.
    """
    if n_bytes > max_bytes:
        raise InputError(
            f"{what} claims {n_bytes / 2**30:.1f} GiB, more than the limit of {max_bytes / 2**30:.1f} GiB. "
            "Cut the recording into shorter files."
        )

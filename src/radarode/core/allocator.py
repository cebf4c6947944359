"""Keep freed memory in the process, so that training does not fetch every large block from the system anew."""

from __future__ import annotations

import ctypes
import sys

_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX = -1, -2, -4
_NEVER = -1
"""The largest number instead would still return the heap of a step that frees more than 2 GiB."""
_TOP_PAD_BYTES = 64 * 2**20


def keep_freed_memory() -> bool:
    """Tell glibc to keep freed blocks instead of returning them to the system.

    By default glibc maps every block above 32 MiB afresh and returns the heap's end as soon as it is free, so that
    each step of training pays page faults for its large tensors. Call it at the start of a program that computes for
    long; the memory of the largest step then stays with the process.

    Returns:
        Whether the setting was made: True on Linux with glibc, False (and nothing done) elsewhere.
    """
    if not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    settings = ((_M_MMAP_MAX, 0), (_M_TRIM_THRESHOLD, _NEVER), (_M_TOP_PAD, _TOP_PAD_BYTES))
    return all(mallopt(ctypes.c_int(name), ctypes.c_int(value)) == 1 for name, value in settings)

"""Compile an inner loop with Numba, for formulas that array operations would walk through memory for many times.

A compiled loop keeps its intermediate values in registers and the first cache, and releases Python's lock, so that
parts of a computation can run side by side in threads.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba import njit


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile at the first call; the result is kept beside the module, or wherever Numba may write.

    Sums may be reordered, but NaN and infinity keep their meaning, so that a comparison with them decides as written.
    Indices are not checked: a caller passes arrays whose shapes it knows.
    """
    options = {"nogil": True, "error_model": "numpy", "fastmath": {"contract", "reassoc", "nsz", "arcp"}}
    try:
        return njit(cache=True, **options)(function)
    except RuntimeError:  # nowhere to keep it: every process compiles anew
        return njit(**options)(function)

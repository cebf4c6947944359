"""Share a compiled loop among threads."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache

_WORTH_SHARING = 2**18
"""Numbers to go through below which one thread is faster than handing parts to several."""


def share_out(work: Callable[[tuple[int, int]], None], count: int, size: int, threads: int) -> None:
    """Call `work` with ranges that together are 0 ... `count`, side by side if that pays.

    Args:
        work: takes (first, behind the last); it must release Python's lock (`core/compiled.py`), and no two ranges
            may write to the same place.
        count: what is shared out.
        size: numbers that all of it goes through.
        threads: how many may work at a time.
    """
    parts = min(threads, count)
    if parts < 2 or size < _WORTH_SHARING:
        return work((0, count))
    edges = [round(count * part / parts) for part in range(parts + 1)]
    others = [_pool().submit(work, part) for part in itertools.pairwise(edges[1:])]
    work((edges[0], edges[1]))
    for other in others:
        other.result()


@cache
def _pool() -> ThreadPoolExecutor:
    """Return threads that stay; Numba's own would not bear to be called from several threads at a time."""
    return ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="share_out")


if hasattr(os, "register_at_fork"):  # a child has none of its parent's threads
    os.register_at_fork(after_in_child=_pool.cache_clear)

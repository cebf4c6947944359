"""Run whole parts of a computation side by side, each on one thread.

Torch splits every operation over its threads. Where operations take some 100 µs that costs more than it gives, and
much more when other programs use the processor; independent parts side by side scale.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import torch

MapParts = Callable[..., list[Any]]


@contextmanager
def map_side_by_side() -> Iterator[MapParts]:
    """Yield a `map(function, *iterables) -> list` that works on as many parts at a time as torch may use threads.

    The worker threads live until the block ends. The number of threads torch uses elsewhere is left as it was.
    """
    allowed = torch.get_num_threads()
    if allowed < 2:
        yield lambda function, *parts: list(map(function, *parts))
        return
    ready = threading.Barrier(allowed + 1)

    def start() -> None:
        torch.get_num_threads()  # settles this thread's own default before it is lowered
        torch.set_num_threads(1)
        ready.wait()

    def map_parts(function: Callable[..., Any], *parts: Iterable[Any]) -> list[Any]:
        return list(pool.map(function, *parts))

    with ThreadPoolExecutor(allowed, initializer=start) as pool:
        for _ in range(allowed):
            pool.submit(int)
        ready.wait()
        torch.set_num_threads(allowed)
        yield map_parts

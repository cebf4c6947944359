"""Build the next batch while the current one is trained on."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")

_END: Any = object()


def prefetched(items: Iterator[T]) -> Iterator[T]:
    """Yield the same items in the same order, each built by a thread while the one before is in use.

    An error in building an item is raised where the item would have come. Closing the generator ends the thread, after
    the item it is at.

    Args:
        items: must not depend on what is done with the items before.

    Example:
        >>> list(prefetched(iter("abc")))
        ['a', 'b', 'c']
    """
    with ThreadPoolExecutor(1, thread_name_prefix="batches") as thread:
        waiting = thread.submit(next, items, _END)
        while (item := waiting.result()) is not _END:
            waiting = thread.submit(next, items, _END)
            yield item

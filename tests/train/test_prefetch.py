"""Prefetching: the same items, errors where they belong, no thread left behind."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from radarode.train.prefetch import prefetched


def batch_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("batches")]


def test_the_next_item_is_built_while_this_one_is_used() -> None:
    built = threading.Event()

    def items() -> Iterator[int]:
        yield 1
        built.set()
        yield 2

    ready = prefetched(items())
    assert next(ready) == 1
    assert built.wait(10)
    assert list(ready) == [2]
    assert batch_threads() == []


def test_not_more_than_one_item_ahead() -> None:
    made: list[int] = []

    def items() -> Iterator[int]:
        for number in range(10):
            made.append(number)
            yield number

    ready = prefetched(items())
    next(ready)
    time.sleep(0.05)
    assert len(made) <= 2
    ready.close()  # type: ignore[attr-defined]
    assert batch_threads() == []


def test_an_error_comes_where_the_item_would_have() -> None:
    def items() -> Iterator[int]:
        yield 1
        yield 2
        raise OSError("the store is gone")

    ready = prefetched(items())
    assert [next(ready), next(ready)] == [1, 2]
    with pytest.raises(OSError, match="the store is gone"):
        next(ready)
    assert batch_threads() == []

"""A rank's part of every batch, on its device."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, fields, is_dataclass, replace
from itertools import islice
from typing import Any, Protocol, cast, runtime_checkable

import numpy as np
import torch
from torch import Tensor

from radarode.train.objective import Feed
from radarode.train.prefetch import prefetched
from radarode.train.ranks import Ranks


@runtime_checkable
class Divisible(Protocol):
    """Give parts of batches without building the whole."""

    def part(self, rank: int, size: int) -> Feed:
        """Return a feed of the rank-th of `size` parts of each batch, and of every `size`-th batch in order."""
        ...


@dataclass(frozen=True, slots=True)
class SharedFeed:
    """Give this rank's rows of every training batch, and every `size`-th batch in order.

    A feed that is not `Divisible` builds whole batches, of which the other ranks' rows are dropped.

    Attributes:
        feed: of whole batches.
        ranks: who takes part.
        device: where the batches go.
    """

    feed: Feed
    ranks: Ranks
    device: torch.device

    def steps(self, batch: int) -> int:
        """Return the number of whole batches in one pass (at least one)."""
        return self.feed.steps(batch)

    def epoch(self, epoch: int, batch: int, steps: int, *, first_step: int = 0) -> Iterator[Any]:
        """Yield this rank's parts."""
        feed, rank, size = self.feed, self.ranks.rank, self.ranks.size
        if size > 1 and isinstance(feed, Divisible):
            feed, rank, size = feed.part(rank, size), 0, 1
        batches = feed.epoch(epoch, batch, steps, first_step=first_step)
        parts = batches if size == 1 else (rows_of(one, rank, size) for one in batches)
        with closing(cast(Any, self._ahead(parts))) as ready:
            for one in ready:
                yield on_device(one, self.device)

    def in_order(self, batch: int) -> Iterator[Any]:
        """Yield batches `rank`, `rank + size`, ... of the whole pass."""
        feed, rank, size = self.feed, self.ranks.rank, self.ranks.size
        if size > 1 and isinstance(feed, Divisible):
            feed, rank, size = feed.part(rank, size), 0, 1
        with closing(cast(Any, self._ahead(one for one in islice(feed.in_order(batch), rank, None, size)))) as ready:
            for one in ready:
                yield on_device(one, self.device)

    def _ahead(self, batches: Iterator[Any]) -> Iterator[Any]:
        """Build the next batch while the current one is trained on, on a GPU.

        On a processor the builder takes the cores from the training: on two, steps took a third longer, while a batch
        takes 2 % of a step.
        """
        return batches if self.device.type == "cpu" else prefetched(batches)


def bounds(rows: int, rank: int, size: int) -> tuple[int, int]:
    """Return where a rank's rows of a batch begin and end; all rows are given out.

    Example:
        >>> [bounds(10, rank, 4) for rank in range(4)]
        [(0, 2), (2, 5), (5, 7), (7, 10)]
    """
    return rank * rows // size, (rank + 1) * rows // size


def rows_of(batch: Any, rank: int, size: int) -> Any:
    """Return a rank's rows of every array of a batch."""

    def rows(array: Any) -> Any:
        begin, end = bounds(len(array), rank, size)
        return array[begin:end]

    return map_arrays(batch, rows)


def on_device(batch: Any, device: torch.device) -> Any:
    """Return a batch with its tensors on a device; on the CPU, the batch itself."""
    if device.type == "cpu":
        return batch
    return map_arrays(batch, lambda array: array.to(device) if isinstance(array, Tensor) else array)


def map_arrays(batch: Any, change: Callable[[Any], Any]) -> Any:
    """Return a batch (tensor, array, named tuple or dataclass of such) with every array changed."""
    if isinstance(batch, (Tensor, np.ndarray)):
        return change(batch)
    if is_dataclass(batch) and not isinstance(batch, type):
        return replace(batch, **{f.name: map_arrays(getattr(batch, f.name), change) for f in fields(batch)})
    if isinstance(batch, tuple):
        changed = [map_arrays(one, change) for one in batch]
        return type(batch)(*changed) if hasattr(batch, "_fields") else tuple(changed)
    return batch

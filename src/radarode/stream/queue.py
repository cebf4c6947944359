"""Where packets wait for the network: bounded in seconds of motion; what is too old is dropped and counted."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import replace

from radarode.stream.types import Packet, SourceFacts


class MotionQueue:
    """Hold packets and facts in order between a source and its stream, within one event loop.

    Packets that neither count nor stamp their samples are counted here, so that what is dropped later shows as a gap
    and not as time that never was.

    Args:
        limit_s: motion that may wait; the oldest packets beyond it are dropped. Facts are never dropped.

    Attributes:
        dropped: packets so far.
    """

    def __init__(self, limit_s: float) -> None:
        self.limit_s = limit_s
        self.dropped = 0
        self._items: deque[tuple[SourceFacts | Packet, float]] = deque()
        self._waiting_s = 0.0
        self._fs_hz = float("inf")
        self._counted = 0
        self._closed = False
        self._news = asyncio.Event()
        self._taken = asyncio.Event()

    @property
    def waiting_s(self) -> float:
        """Motion that waits."""
        return self._waiting_s

    def put(self, item: SourceFacts | Packet) -> None:
        """Add an item; never waits."""
        seconds = 0.0
        if isinstance(item, SourceFacts):
            self._fs_hz, self._counted = item.fs_hz, 0
        elif getattr(item.motion, "ndim", 0) == 2:
            seconds = item.motion.shape[1] / self._fs_hz
            if item.index is None and item.device_s is None:
                item = replace(item, index=self._counted)
            self._counted += item.motion.shape[1]
        self._items.append((item, seconds))
        self._waiting_s += seconds
        self._shrink()
        self._news.set()

    def _shrink(self) -> None:
        kept_facts: list[tuple[SourceFacts | Packet, float]] = []
        while self._waiting_s > self.limit_s and len(self._items) > 1:
            item, seconds = self._items.popleft()
            if isinstance(item, SourceFacts):
                kept_facts = [(item, seconds)]  # the newest ones describe all packets behind
                continue
            self.dropped += 1
            self._waiting_s -= seconds
        self._items.extendleft(kept_facts)

    def close(self) -> None:
        """Say that nothing follows."""
        self._closed = True
        self._news.set()

    async def room(self) -> None:
        """Wait until less than half of what may wait does, for a source that can wait itself."""
        while self._waiting_s >= 0.5 * self.limit_s and not self._closed:
            self._taken.clear()
            await self._taken.wait()

    async def get(self, most_s: float = float("inf")) -> list[SourceFacts | Packet]:
        """Return what waits, once something does; an empty list once nothing follows.

        Args:
            most_s: motion to take at a time; one item is always taken.
        """
        while not self._items and not self._closed:
            self._news.clear()
            await self._news.wait()
        taken, seconds = [], 0.0
        while self._items and (not taken or seconds + self._items[0][1] <= most_s):
            item, length_s = self._items.popleft()
            taken.append(item)
            seconds += length_s
        self._waiting_s = max(0.0, self._waiting_s - seconds) if self._items else 0.0
        self._taken.set()
        return taken

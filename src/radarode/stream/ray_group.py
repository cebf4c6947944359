"""Several streams in one worker: what runs inside a Ray actor, though it knows nothing of Ray."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from radarode.core.errors import InputError
from radarode.models.pretrained import Pretrained
from radarode.stream.resume import ResumingRunner
from radarode.stream.spec import StreamSpec, mark_event, open_runner, recording_of
from radarode.stream.types import SourceFacts, StreamSettings, Update

MOST_WAITING = 600
"""Facts and updates that wait to be fetched; older ones are dropped and counted."""


@dataclass(frozen=True, slots=True, eq=False)
class News:
    """Hold what happened to a stream since it was last asked for.

    Attributes:
        items: what its runner told.
        state, error: of its runner.
        saved: its state behind the last item that has one, if it was saved anew.
        recording: path, bytes and error of what it records, or None.
        dropped: items that were not fetched in time, in total.
    """

    items: tuple[SourceFacts | Update, ...]
    state: str
    error: str | None
    saved: bytes | None
    recording: dict[str, Any] | None
    dropped: int


@dataclass(slots=True)
class Held:
    """Hold one stream of a group."""

    runner: ResumingRunner
    task: asyncio.Task[None] | None = None
    items: deque[SourceFacts | Update] = field(default_factory=deque)
    news: asyncio.Event = field(default_factory=asyncio.Event)
    saved: bytes | None = None
    saved_s: float = float("-inf")
    dropped: int = 0


class StreamGroup:
    """Run streams and keep what they tell until it is fetched.

    Args:
        weights: of all streams.
        settings: of all streams.
        save_every_s: how often a stream's state is saved.
    """

    def __init__(self, weights: Pretrained, settings: StreamSettings | None, save_every_s: float) -> None:
        self._weights, self._settings, self._save_every_s = weights, settings, save_every_s
        self._held: dict[str, Held] = {}

    async def start(self, spec: StreamSpec, saved: bytes | None) -> str | None:
        """Start a stream, or go on with it; return why it cannot be started, or None."""
        await self.stop(spec.name)
        try:
            runner = await asyncio.to_thread(open_runner, spec, self._weights, self._settings, saved)
        except (InputError, OSError) as error:
            return str(error)
        held = self._held[spec.name] = Held(runner)
        runner.listeners.append(partial(self._heard, held))
        held.task = asyncio.ensure_future(runner.run())
        held.task.add_done_callback(partial(_ended, held))
        return None

    async def news(self, name: str, wait_s: float) -> News:
        """Return what happened to a stream, waiting a while for something to happen."""
        held = self._held[name]
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                await held.news.wait()
        held.news.clear()
        items, saved = tuple(held.items), held.saved
        held.items.clear()
        held.saved = None
        runner = held.runner
        over = held.task is not None and held.task.done()
        state = runner.state if over or runner.state in ("starting", "running") else "running"
        return News(items, state, runner.error, saved, recording_of(runner), held.dropped)

    async def mark(self, name: str, at_s: float, text: str) -> None:
        """Write an event into what a stream records."""
        if name in self._held:
            mark_event(self._held[name].runner, at_s, text)

    async def stop(self, name: str) -> None:
        """End a stream and close what it writes."""
        held = self._held.pop(name, None)
        if held is not None and held.task is not None:
            held.task.cancel()
            await asyncio.gather(held.task, return_exceptions=True)

    def _heard(self, held: Held, what: SourceFacts | Update) -> None:
        held.items.append(what)
        if len(held.items) > MOST_WAITING:
            held.items.popleft()
            held.dropped += 1
        now_s = time.monotonic()
        newest = isinstance(what, Update) and what.counts.samples == held.runner.counts.samples
        if newest and now_s - held.saved_s >= self._save_every_s:  # no step is under way while listeners are told
            held.saved, held.saved_s = held.runner.save(), now_s
        held.news.set()


def _ended(held: Held, task: asyncio.Task[None]) -> None:
    if not task.cancelled():
        task.exception()  # its runner has told it
    held.news.set()

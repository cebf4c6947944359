"""Run one live stream in an event loop: source, queue, network in another thread, sinks, listeners."""

from __future__ import annotations

import asyncio
import math
import os
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import replace
from functools import cache, partial
from itertools import groupby
from typing import Literal, TypeVar, cast

import torch

from radarode.core.errors import InputError
from radarode.models.pretrained import Pretrained
from radarode.stream.live import LiveStream
from radarode.stream.outlets import Outlets
from radarode.stream.queue import MotionQueue
from radarode.stream.silence import silence
from radarode.stream.types import Counts, Packet, Sink, Source, SourceFacts, StreamSettings, Update

Listener = Callable[[SourceFacts | Update], None]
ResultT = TypeVar("ResultT")
RunState = Literal["starting", "running", "ended", "failed"]

SILENCE_S = 2.0
"""Time in which a runner had nothing to do but wait for a packet, after which listeners are told so, once a second."""


class Runner:
    """Take one source to its end, through the network, to sinks and listeners.

    A packet that cannot be used is counted; a sink that fails is told of, and given the next update all the same;
    a source that fails ends the run. A source that has a `speed` above 1 (a replay) waits for the network; any other
    is never held up: what the queue cannot hold is dropped and counted.

    Args:
        source: hands over packets.
        weights: of radarODE-MTL.
        settings: `None` takes the defaults.
        sinks: take the updates, in another thread, one update after the other.
        executor: where the network runs; `None` takes one that all runners of the process share.

    Attributes:
        facts: what the source told; None before.
        state: "starting" until it told, "running", "ended", or "failed".
        error: why it failed, in one line.
        last: the newest update.
        listeners: called in the event loop with facts (the stream begins, or begins anew at 0) and updates.
    """

    def __init__(
        self,
        source: Source,
        weights: Pretrained,
        settings: StreamSettings | None = None,
        sinks: Sequence[Sink] = (),
        executor: Executor | None = None,
    ) -> None:
        self.source, self.settings = source, settings or StreamSettings()
        self.facts: SourceFacts | None = None
        self.state: RunState = "starting"
        self.error: str | None = None
        self.last: Update | None = None
        self.listeners: list[Listener] = []
        self._weights, self._executor, self._outlets = weights, executor, Outlets(sinks)
        self._live: LiveStream | None = None
        self._lock = threading.Lock()
        self._queue: MotionQueue | None = None
        self._waits_since_s = math.inf
        self._restarts = 0

    @property
    def sink_errors(self) -> dict[str, str]:
        """What went wrong with sinks, by their names."""
        return self._outlets.errors

    @property
    def counts(self) -> Counts:
        """Totals so far; what the source itself lost or could not read is counted among the refused packets."""
        live = Counts() if self._live is None else self._live.counts
        dropped = 0 if self._queue is None else self._queue.dropped
        return replace(live, dropped_packets=dropped, refused_packets=live.refused_packets + self.source.lost())

    async def run(self) -> None:
        """Run until the source ends or fails; cancel it to stop.

        In any case what is there is settled and given out, and the sinks are closed.
        """
        self._queue = queue = MotionQueue(self.settings.queue_s)
        reader, watcher = asyncio.create_task(self._read(queue)), asyncio.create_task(self._watch())
        step: asyncio.Task[None] | None = None
        try:
            while items := await self._next(queue):
                step = asyncio.create_task(self._take(items))
                await asyncio.shield(step)
            await reader
            end: RunState = "ended"
        except asyncio.CancelledError:
            end = "ended"
            raise
        except Exception as error:
            end, self.error = "failed", _one_line(error)
            if not isinstance(error, (InputError, OSError)):
                raise
        finally:
            watcher.cancel()
            reader.cancel()
            await asyncio.gather(reader, watcher, *([step] if step else []), return_exceptions=True)
            await asyncio.shield(asyncio.create_task(self._end()))
            self.state = end

    def save(self) -> bytes | None:
        """Return the state of the stream, or None before it began; waits for a step that is under way."""
        with self._lock:
            return None if self._live is None else self._live.save()

    async def _read(self, queue: MotionQueue) -> None:
        patient = float(getattr(self.source, "speed", 1.0)) > 1.0
        try:
            async for item in self.source.packets():
                queue.put(item)
                await (queue.room() if patient else asyncio.sleep(0))
        finally:
            queue.close()

    async def _next(self, queue: MotionQueue) -> list[SourceFacts | Packet]:
        """Wait for items; a source whose packets wait for a slow network is not silent, however long they do."""
        self._waits_since_s = time.monotonic()
        items = await queue.get(2 * self.settings.hop_s)
        self._waits_since_s = math.inf
        return items

    async def _take(self, items: list[SourceFacts | Packet]) -> None:
        """Take items from the queue; packets between facts go to the network's thread together."""
        for is_packet, group in groupby(items, key=lambda item: isinstance(item, Packet)):
            if not is_packet:
                for facts in group:
                    await self._begin(cast(SourceFacts, facts))
            elif self._live is None:
                raise InputError("the source sent motion before it told what it is.")
            else:
                packets = cast(list[Packet], list(group))
                for update, arrived_s in await self._compute(partial(_push_all, self._live, packets)):
                    await self._deliver(update, arrived_s)

    async def _begin(self, facts: SourceFacts) -> None:
        if self._live is None:
            self._live = await self._compute(partial(LiveStream, self._weights, facts, self.settings))
        else:
            await self._deliver(await self._compute(partial(self._live.restart, facts)))
            self._restarts = self._live.counts.restarts
        self.facts, self.state = facts, "running"
        await self._tell_beginning(facts)

    async def _tell_beginning(self, facts: SourceFacts) -> None:
        self.last = None
        await self._outlets.begin(facts)
        self._tell(facts)

    async def _deliver(self, update: Update | None, arrived_s: float = math.inf) -> None:
        """Hand an update on; `arrived_s` is when the newest packet in it did."""
        if update is None or self.facts is None:
            return
        if update.counts.restarts != self._restarts:  # the stream found by itself that the source began anew
            self._restarts = update.counts.restarts
            await self._tell_beginning(self.facts)
        mine = self.counts
        counts = replace(update.counts, dropped_packets=mine.dropped_packets, refused_packets=mine.refused_packets)
        in_time = float(getattr(self.source, "speed", 1.0)) == 1.0
        waited_s = max(0.0, time.monotonic() - arrived_s) if in_time else 0.0
        self.last = update = replace(update, counts=counts, lag_s=update.lag_s + waited_s)
        self._tell(update)
        await self._outlets.write(update)

    async def _end(self) -> None:
        """Settle what is there, and close the sinks."""
        try:
            if self._live is not None and not self._live.finished:
                await self._deliver(await self._compute(self._live.finish))
        finally:
            await self._outlets.close()

    def _tell(self, news: SourceFacts | Update) -> None:
        for listener in tuple(self.listeners):
            listener(news)

    async def _watch(self) -> None:
        """Tell listeners that nothing arrives, once a second."""
        while True:
            await asyncio.sleep(1.0)
            lag_s = time.monotonic() - self._waits_since_s
            if self.state == "running" and lag_s >= SILENCE_S and self.facts is not None:
                rows = 0 if self._live is None else len(self._live.freqs_hz)
                self._tell(silence(self.last, self.counts, (self.facts.channels, rows), lag_s))

    async def _compute(self, call: Callable[[], ResultT]) -> ResultT:
        def locked() -> ResultT:
            with self._lock:
                return call()

        return await asyncio.get_running_loop().run_in_executor(self._executor or shared_executor(), locked)


def _push_all(live: LiveStream, packets: list[Packet]) -> list[tuple[Update, float]]:
    return [(update, packet.arrived_s) for packet in packets if (update := live.push(packet)) is not None]


def _one_line(error: Exception) -> str:
    text = " ".join(str(error).split())
    return text if isinstance(error, (InputError, OSError)) and text else f"{type(error).__name__}: {text}"


@cache
def shared_executor() -> ThreadPoolExecutor:
    """Return the threads that the networks of all runners share: one per core, each with one thread of torch.

    Streams side by side scale better than torch's threads within one small network.
    """

    def settle() -> None:
        torch.get_num_threads()  # settles this thread's own default before it is lowered
        torch.set_num_threads(1)

    return ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="radarode-network", initializer=settle)

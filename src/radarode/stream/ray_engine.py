"""Streams computed by a Ray cluster: groups of streams in actors; those of a lost actor go on elsewhere.

A stream's state is fetched every few seconds. When its actor is lost, another one goes on from that state: a replay at
that place of its file, without a gap; a source that cannot be asked again where it is now, the time between as a gap.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from radarode.core.errors import InputError
from radarode.core.ray_cluster import connect_ray
from radarode.models.pretrained import Pretrained
from radarode.signal.timefrequency import make_transform
from radarode.stream.placement import Placement, groups_needed, place
from radarode.stream.ray_group import News, StreamGroup
from radarode.stream.spec import StreamSpec
from radarode.stream.trim import ends, trimmed
from radarode.stream.types import SourceFacts, StreamSettings, Update

PER_GROUP = 4
SAVE_EVERY_S = 2.0
WAIT_S = 1.0
STOP_S = 2.0
USUAL_CHANNELS = 50.0
QUICK_DEATH_S, LONGEST_PAUSE_S = 10.0, 10.0
"""An actor that is lost so soon makes its streams pause before they go on, for ever longer."""


class RayEngine:
    """Place streams on actors and remember where they are.

    Args:
        weights: of all streams.
        streams: that will run.
        settings: of all streams.
        per_group: streams that an actor may hold.
        save_every_s: how often a stream's state is fetched, which is what a lost actor costs.

    Raises:
        InputError: Ray is not installed, or its cluster cannot be reached.
    """

    def __init__(
        self,
        weights: Pretrained,
        streams: Sequence[StreamSpec],
        settings: StreamSettings | None = None,
        per_group: int = PER_GROUP,
        save_every_s: float = SAVE_EVERY_S,
    ) -> None:
        try:
            import ray
        except ImportError:
            raise InputError("--engine ray needs Ray. Install it: pip install 'radarode[ray]'.") from None
        if per_group < 1:
            raise InputError.of("per_group", "at least 1", per_group)
        count = groups_needed(len(streams), per_group)
        self._release = connect_ray(count)
        self._loads = {spec.name: float(spec.options.get("channels") or USUAL_CHANNELS) for spec in streams}
        self._most, self._save_every_s, self._settings = per_group, save_every_s, settings
        self._weights = ray.put(weights)
        self.freqs_hz: NDArray[np.floating] = make_transform(**weights.transform).freqs_hz
        self._actors: dict[int, Any] = {}
        self._next = 0
        self.placement: Placement = {}
        for _ in range(count):
            self._add()

    def runner(self, spec: StreamSpec) -> RayRunner:
        """Return a fresh runner."""
        return RayRunner(self, spec)

    def recording(self, runner: Any) -> Mapping[str, Any] | None:
        """Return path, bytes and error of what the runner records on its machine, or None."""
        return runner.recording

    def mark(self, runner: Any, at_s: float, text: str) -> None:
        """Write an event into what the runner records."""
        runner.mark(at_s, text)

    async def close(self) -> None:
        """End all actors and take leave of the cluster."""
        import ray

        for actor in self._actors.values():
            ray.kill(actor)
        self._actors.clear()
        await asyncio.to_thread(self._release)

    def actor_of(self, name: str) -> tuple[int, Any]:
        """Return (number, actor) of a stream's group; it is placed if it has none."""
        if len(self._loads) > self._most * len(self._actors):
            self._add()
        self.placement = place(self._loads, self._actors, self._most, self.placement)
        return self.placement[name], self._actors[self.placement[name]]

    def lost(self, group: int) -> None:
        """Take note that a group's actor is gone; its streams are placed anew when they ask."""
        self._actors.pop(group, None)

    def learned(self, name: str, facts: SourceFacts) -> None:
        """Take note of how much is to be done for a stream."""
        self._loads[name] = float(facts.channels)

    def _add(self) -> None:
        import ray

        made = ray.remote(StreamGroup).options(num_cpus=1, max_restarts=0, max_task_retries=0)
        self._actors[self._next] = made.remote(self._weights, self._settings, self._save_every_s)  # type: ignore[union-attr]
        self._next += 1


class RayRunner:
    """Follow one stream wherever it is computed, as `Runner` would run it here.

    Args:
        engine: which places it.
        spec: the stream.

    Attributes:
        state, error, listeners: as those of `Runner`.
        recording: path, bytes and error of what it records, or None.
        moves: how often it went on elsewhere.
    """

    def __init__(self, engine: RayEngine, spec: StreamSpec) -> None:
        self.spec = spec
        self.state: Literal["starting", "running", "ended", "failed"] = "starting"
        self.error: str | None = None
        self.listeners: list[Callable[[SourceFacts | Update], None]] = []
        self.recording: dict[str, Any] | None = None
        self.moves = 0
        self._engine = engine
        self._actor: Any = None
        self._saved: bytes | None = None
        self._told: tuple[int, int, int, int] | None = None
        self._due: SourceFacts | None = None

    async def run(self) -> None:
        """Run until the source ends or fails; cancelled, end the stream where it is."""
        from ray.exceptions import RayActorError

        deaths = 0
        try:
            while True:
                group, self._actor = self._engine.actor_of(self.spec.name)
                begun_s = time.monotonic()
                try:
                    return await self._follow()
                except RayActorError:
                    self._engine.lost(group)
                    self.moves += 1
                    deaths = deaths + 1 if time.monotonic() - begun_s < QUICK_DEATH_S else 0
                    await asyncio.sleep(min(LONGEST_PAUSE_S, 0.25 * 2 ** min(deaths, 10)) if deaths > 1 else 0)
        finally:
            await asyncio.shield(self._stop())

    def mark(self, at_s: float, text: str) -> None:
        """Write an event into what the stream records."""
        if self._actor is not None:
            self._actor.mark.remote(self.spec.name, at_s, text)

    async def _follow(self) -> None:
        refusal = await self._actor.start.remote(self.spec, self._saved)
        if refusal is not None:
            self.state, self.error = "failed", refusal
            return
        while True:
            news: News = await self._actor.news.remote(self.spec.name, WAIT_S)
            self.recording = news.recording
            for item in news.items:
                self._take(item)
            self._saved = news.saved or self._saved
            if news.state in ("ended", "failed"):
                self.state, self.error = news.state, news.error  # type: ignore[assignment]
                return
            self.state = news.state  # type: ignore[assignment]

    def _take(self, item: SourceFacts | Update) -> None:
        """Pass on what is new; facts of a stream that only moved are none."""
        if isinstance(item, SourceFacts):
            self._engine.learned(self.spec.name, item)
            if self._told is None:
                self._tell(item)
            else:
                self._due = item
            return
        if not item.rcg.size and item.signal == "no signal":
            return self._tell(item)
        if self._due is not None:
            if item.rcg_first == 0:
                self._told = None
                self._tell(self._due)
            self._due = None
        new = item if self._told is None else trimmed(item, self._told)
        self._told = ends(item) if self._told is None else tuple(map(max, ends(item), self._told))  # type: ignore[assignment]
        if new is not None:
            self._tell(new)

    def _tell(self, what: SourceFacts | Update) -> None:
        for listener in tuple(self.listeners):
            listener(what)

    async def _stop(self) -> None:
        from ray.exceptions import RayError

        if self._actor is not None:
            with contextlib.suppress(RayError, TimeoutError):
                async with asyncio.timeout(STOP_S):
                    await self._actor.stop.remote(self.spec.name)

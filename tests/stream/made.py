"""Updates whose content is known: a sine as ECG, one beat a second, noise as motion."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import TypeVar

import numpy as np

from radarode.core.types import Beats
from radarode.stream.types import Packet, Source, SourceFacts, Update

FS = 200
R_OFFSET_S = 0.25
DRAWN_ERROR = 0.01
FACTS = SourceFacts("Äbc d", 3, 200.0, "acceleration", simulated=True)
T = TypeVar("T")


def truth(n: int, first: int = 0) -> np.ndarray:
    return np.sin(2 * np.pi * (first + np.arange(n)) / FS).astype(np.float32)


def beats_in(start: int, stop: int) -> Beats:
    r_s = np.arange(R_OFFSET_S, stop / FS, 1.0)
    r_s = r_s[r_s >= start / FS]
    return Beats(r_s, np.ones(len(r_s)), np.full(len(r_s), 0.9))


def updates(
    seconds: float, *, hop: int = 100, draw: int = 500, settle: int = 1600, gap: tuple[int, int] | None = None
) -> Iterator[Update]:
    """Yield consecutive updates; the drawn ECG is off by 0.01, the settled one exact, and the last one settles all."""
    n = round(seconds * FS)
    noise = np.random.default_rng(0).normal(size=(3, n)) * [[1.0], [2.0], [3.0]]
    motion, ecg = noise.astype(np.float32), truth(n)
    if gap is not None:
        ecg[slice(*gap)] = np.nan
    drawn = settled = 0
    for start in range(0, n, hop):
        end = min(n, start + hop)
        drawn_to = n if end == n else max(drawn, end - draw)
        settled_to = n if end == n else max(settled, end - settle)
        yield Update(
            rcg_first=start,
            rcg=motion[:, start:end],
            frames_first=0,
            frames=np.empty((71, 0), np.float32),
            drawn_first=drawn,
            drawn=ecg[drawn:drawn_to] + np.float32(DRAWN_ERROR),
            drawn_beats=beats_in(drawn, drawn_to),
            settled_first=settled,
            settled=ecg[settled:settled_to],
            settled_beats=beats_in(settled, settled_to),
            signal="ok",
            quality=0.9,
            heart_rate_bpm=60.0,
            lag_s=draw / FS,
        )
        drawn, settled = drawn_to, settled_to


async def take(
    source: Source, enough: Callable[[list[SourceFacts | Packet]], bool], timeout_s: float = 20.0
) -> list[SourceFacts | Packet]:
    """Return what a source sends until it is enough, or ends."""
    items: list[SourceFacts | Packet] = []
    stream = aiter(source.packets())
    try:
        async with asyncio.timeout(timeout_s):
            async for item in stream:
                items.append(item)
                if enough(items):
                    break
    finally:
        await stream.aclose()  # type: ignore[attr-defined]
    return items


def packets_of(items: list[SourceFacts | Packet]) -> list[Packet]:
    return [item for item in items if isinstance(item, Packet)]


def facts_of(items: list[SourceFacts | Packet]) -> list[SourceFacts]:
    return [item for item in items if isinstance(item, SourceFacts)]


async def until(true: Callable[[], bool], timeout_s: float = 10.0) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(timeout_s):
        while not true():
            await asyncio.sleep(0.02)


def run(work: Awaitable[T]) -> T:
    return asyncio.run(work)  # type: ignore[arg-type]

"""A stream without a network: its runner makes updates of a simulated heart, as the real one would."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Any

import httpx
import numpy as np
import websockets

from radarode.core.errors import InputError
from radarode.core.types import Beats
from radarode.monitor.server import listen, serve
from radarode.monitor.service import Service
from radarode.monitor.settings import MonitorSettings
from radarode.stream.spec import StreamSpec
from radarode.stream.types import Counts, Signal, SourceFacts, Update

FREQS_HZ = np.geomspace(1.0, 25.0, 20)
HOP = 100
FRAMES = 15
LAG = 500
NO_BEATS = Beats(np.empty(0), np.empty(0), np.empty(0))


def facts(name: str = "fake", channels: int = 3, simulated: bool = True) -> SourceFacts:
    return SourceFacts(name, channels, 200.0, "acceleration", simulated)


def make_update(
    hop: int,
    *,
    bpm: float | None = 60.0,
    signal: Signal = "ok",
    quality: float = 0.9,
    lost: int = 0,
    channels: int = 3,
) -> Update:
    """Make the update of the numbered hop: 0.5 s of motion, of ECG 2.5 s and of settled ECG 5 s behind it."""
    rng = np.random.default_rng(hop)
    first = hop * HOP
    drawn, settled = (max(0, first - LAG), max(0, first - 2 * LAG))
    rcg = rng.standard_normal((channels, HOP)).astype(np.float32) * np.arange(1, channels + 1)[:, None]
    return Update(
        rcg_first=first,
        rcg=rcg.astype(np.float32),
        frames_first=hop * FRAMES,
        frames=rng.random((len(FREQS_HZ), FRAMES)).astype(np.float32),
        drawn_first=drawn,
        drawn=ecg(drawn, first + HOP - LAG, bpm),
        drawn_beats=beats(drawn, first + HOP - LAG, bpm),
        settled_first=settled,
        settled=ecg(settled, first + HOP - 2 * LAG, bpm),
        settled_beats=beats(settled, first + HOP - 2 * LAG, bpm),
        signal=signal,
        quality=quality,
        heart_rate_bpm=bpm if quality >= 0.3 else None,
        lag_s=LAG / 200,
        drift_ppm=12.0,
        counts=Counts(samples=first + HOP, lost_samples=lost),
    )


def silent_update(hop: int, lost: int = 0) -> Update:
    """Make what a runner tells when nothing arrives."""
    empty = np.empty((3, 0), np.float32)
    none = np.empty(0, np.float32)
    at, counts = hop * HOP, Counts(samples=hop * HOP, lost_samples=lost)
    frames = np.empty((len(FREQS_HZ), 0), np.float32)
    return Update(
        at, empty, hop * FRAMES, frames, max(0, at - LAG), none, NO_BEATS, max(0, at - 2 * LAG), none, NO_BEATS,
        "no signal", 0.0, None, LAG / 200, None, counts,
    )  # fmt: skip


def ecg(first: int, end: int, bpm: float | None) -> np.ndarray:
    at_s = np.arange(first, max(first, end)) / 200
    if bpm is None:
        return np.full(at_s.shape, np.nan, np.float32)
    phase_s = (at_s + 30 / bpm) % (60 / bpm) - 30 / bpm
    return np.exp(-((phase_s / 0.02) ** 2)).astype(np.float32)


def beats(first: int, end: int, bpm: float | None) -> Beats:
    if bpm is None or end <= first:
        return NO_BEATS
    period = 60 / bpm
    r_s = np.arange(np.ceil(first / 200 / period), np.ceil(end / 200 / period)) * period
    return Beats(r_s, np.full(len(r_s), period), np.full(len(r_s), 0.9))


class FakeRunner:
    """Send updates every `hop_s`; each text of a source is something that a source may do."""

    def __init__(self, spec: StreamSpec, engine: FakeEngine) -> None:
        self.spec, self._engine = spec, engine
        self.state: Any = "starting"
        self.error: str | None = None
        self.listeners: list[Callable[[SourceFacts | Update], None]] = []
        self.closed = False
        self.marks: list[tuple[float, str]] = []

    async def run(self) -> None:
        source = self.spec.source
        try:
            if source == "never":
                await asyncio.sleep(3600)
            if source == "bug":
                raise ZeroDivisionError("a bug")
            if source == "fails" or (source == "fails once" and self._engine.made[self.spec.name] == 1):
                raise InputError("the source cannot be reached.")
            self.state = "running"
            self.tell(facts(self.spec.name))
            if source == "fed":
                await asyncio.sleep(3600)
            for hop in range(40 if source == "short" else 10**9):
                self.tell(make_update(hop))
                await asyncio.sleep(self._engine.hop_s)
            self.state = "ended"
        finally:
            self.closed = True

    def tell(self, what: SourceFacts | Update) -> None:
        for listener in self.listeners:
            listener(what)


class FakeEngine:
    """Make fake runners and remember them."""

    freqs_hz = FREQS_HZ

    def __init__(self, hop_s: float = 0.5) -> None:
        self.hop_s = hop_s
        self.made: dict[str, int] = {}
        self.runners: list[FakeRunner] = []
        self.closed = False

    def runner(self, spec: StreamSpec) -> FakeRunner:
        self.made[spec.name] = self.made.get(spec.name, 0) + 1
        self.runners.append(FakeRunner(spec, self))
        return self.runners[-1]

    def recording(self, runner: Any) -> Mapping[str, Any] | None:
        return {"path": runner.spec.sinks[0], "bytes": 7, "error": None} if runner.spec.sinks else None

    def mark(self, runner: Any, at_s: float, text: str) -> None:
        runner.marks.append((at_s, text))

    async def close(self) -> None:
        self.closed = True


class Running:
    """Serve fake streams on a free port for the length of a block, in this event loop."""

    def __init__(self, *sources: str, settings: MonitorSettings | None = None, hop_s: float = 0.05) -> None:
        self.settings = settings or MonitorSettings(port=0)
        self.engine = FakeEngine(hop_s)
        specs = [StreamSpec(f"stream {number}", source) for number, source in enumerate(sources or ("run",))]
        self.service = Service(specs, self.engine, self.settings)
        self.stop = asyncio.Event()

    async def __aenter__(self) -> Running:
        listening = listen(self.settings)
        self.port = listening.getsockname()[1]
        ready = asyncio.Event()
        self._serving = asyncio.ensure_future(serve(self.service, listening, lambda _: ready.set(), self.stop))
        await asyncio.wait_for(ready.wait(), 5.0)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.stop.set()
        await asyncio.wait_for(self._serving, 8.0)

    async def feed(self, seconds: float) -> None:
        """Give the first stream, whose source is "fed", so much at once."""
        await until(lambda: self.service.lines[0].live)
        first = round(self.service.lines[0].watch.stream_s * 2)
        for hop in range(first, first + round(2 * seconds)):
            self.engine.runners[0].tell(make_update(hop))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def connect(self, **options: Any) -> websockets.connect:
        return websockets.connect(
            f"ws://127.0.0.1:{self.port}/ws", proxy=None, compression=None, **{"max_queue": None, **options}
        )

    async def get(self, path: str, **headers: str) -> httpx.Response:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        async with httpx.AsyncClient(trust_env=False, timeout=10.0) as client:
            return await client.get(f"{self.url}{path}", headers=given)


async def next_of(socket: websockets.ClientConnection, kind: str, **wanted: Any) -> dict[str, Any]:
    """Return the next JSON message of a type, with these values."""
    async with asyncio.timeout(10.0):
        while True:
            message = await socket.recv()
            if isinstance(message, str):
                found = json.loads(message)
                if found["type"] == kind and all(found.get(name) == value for name, value in wanted.items()):
                    return found


async def until(condition: Callable[[], bool], at_most_s: float = 5.0) -> None:
    """Wait until something holds."""
    async with asyncio.timeout(at_most_s):
        while not condition():
            await asyncio.sleep(0.01)

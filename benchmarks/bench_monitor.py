"""Viewers of the monitor: how many watch one stream, what it costs, and how late they see it.

    python benchmarks/bench_monitor.py [--viewers 200] [--seconds 30]

The server runs in a process of its own with one stream whose updates are made up (50 channels, two a second, as a
network would give them), so that what is measured is the monitor alone. The viewers are websockets of this process.
Printed, one `name: value` per line: processor time of the server, messages lost, and the time from an update to its
ECG at a viewer.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import struct
import time
from multiprocessing.connection import Connection
from typing import Any

import numpy as np
import websockets

from radarode.core.types import Beats
from radarode.monitor.protocol import unpack
from radarode.stream.types import Counts, SourceFacts, Update

CHANNELS, HOP, FRAMES, ROWS, BPM = 50, 100, 15, 71, 60.0
BEFORE_S = 60


class MadeRunner:
    """Tell updates twice a second; the drawn ECG's first value of each is when it was told."""

    def __init__(self) -> None:
        self.state: Any = "starting"
        self.error = None
        self.listeners: list[Any] = []
        self._rng = np.random.default_rng(0)

    async def run(self) -> None:
        self.state = "running"
        self.tell(SourceFacts("made up", CHANNELS, 200.0, "acceleration", True))
        begun_s = time.monotonic()
        for hop in range(10**9):
            due_s = begun_s + max(0, hop - 2 * BEFORE_S) * 0.5
            await asyncio.sleep(max(0.0, due_s - time.monotonic()))
            self.tell(self.update(hop))

    def tell(self, what: SourceFacts | Update) -> None:
        for listener in self.listeners:
            listener(what)

    def update(self, hop: int) -> Update:
        first, none = hop * HOP, np.empty(0)
        ecg = np.zeros(HOP, np.float32)
        ecg[0] = time.monotonic() % 1000
        r_s = np.array([first / 200]) if hop % 2 == 0 else none
        beats = Beats(r_s, np.ones(len(r_s)), np.ones(len(r_s)))
        return Update(
            first, self._rng.standard_normal((CHANNELS, HOP)).astype(np.float32), hop * FRAMES,
            self._rng.random((ROWS, FRAMES)).astype(np.float32), first, ecg, beats, first, ecg, beats, "ok", 0.9, BPM,
            2.5, 0.0, Counts(samples=first + HOP),
        )  # fmt: skip


class MadeEngine:
    freqs_hz = np.geomspace(1.0, 25.0, ROWS)

    def runner(self, spec: Any) -> Any:
        return MadeRunner()

    def recording(self, runner: Any) -> None:
        return None

    def mark(self, runner: Any, at_s: float, text: str) -> None:
        pass

    async def close(self) -> None:
        pass


def server(pipe: Connection, viewers: int) -> None:
    """Serve until the other end says stop; then tell processor time and counts."""
    from radarode.monitor.server import listen, serve
    from radarode.monitor.service import Service
    from radarode.monitor.settings import MonitorSettings
    from radarode.stream.spec import StreamSpec

    settings = MonitorSettings(port=0, max_clients=viewers)
    service = Service([StreamSpec("made up", "simulate")], MadeEngine(), settings)

    async def main() -> None:
        stop = asyncio.Event()
        asyncio.get_running_loop().add_reader(pipe.fileno(), heard)
        events.append(stop)
        await serve(service, listening, lambda url: pipe.send(url), stop)

    def heard() -> None:
        asked = pipe.recv()
        if asked == "stop":
            events[0].set()
        else:
            closed = sum(service.hub.closed.values())
            pipe.send((time.process_time(), service.hub.viewers, service.hub.dropped, closed))

    events: list[asyncio.Event] = []
    with listen(settings) as listening:
        asyncio.run(main())


async def view(url: str, seen: list[float], counts: list[int], until_s: float) -> None:
    async with websockets.connect(url, proxy=None, compression=None, max_queue=None) as socket:
        hello = False
        while time.monotonic() < until_s:
            message = await socket.recv()
            counts[0] += 1
            counts[1] += len(message)
            if isinstance(message, bytes) and message[1] == 1 and struct.unpack_from("<I", message, 8)[0] == HOP:
                if hello:
                    seen.append(time.monotonic() % 1000 - float(unpack(message)[5][0, 0]))
                hello = True


async def watch(url: str, viewers: int, seconds: float, pipe: Connection) -> dict[str, float]:
    seen, counts = list[float](), [0, 0]
    begun_s = time.monotonic()
    until_s = begun_s + seconds
    tasks = [asyncio.ensure_future(view(url, seen, counts, until_s)) for _ in range(viewers)]
    await asyncio.sleep(min(5.0, seconds / 3))
    pipe.send("count")
    cpu_s, connected, _, _ = pipe.recv()
    settled_s, already = time.monotonic(), len(seen)
    await asyncio.sleep(max(0.0, until_s - 1.0 - time.monotonic()))
    pipe.send("count")
    cpu_later_s, still, dropped, closed = pipe.recv()
    took_s = time.monotonic() - settled_s
    await asyncio.gather(*tasks)
    late_ms = 1000 * np.array(seen[already:])
    return {
        "viewers": connected,
        "viewers_at_the_end": still,
        "messages_dropped": dropped,
        "viewers_closed": closed,
        "server_cores": (cpu_later_s - cpu_s) / took_s,
        "messages_per_s": counts[0] / seconds,
        "mb_per_s": counts[1] / seconds / 1e6,
        "update_to_viewer_ms_median": float(np.median(late_ms)),
        "update_to_viewer_ms_p99": float(np.percentile(late_ms, 99)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--viewers", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=30.0)
    given = parser.parse_args()
    mine, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=server, args=(theirs, given.viewers), daemon=True)
    process.start()
    url = str(mine.recv()).replace("http", "ws") + "ws"
    try:
        for name, value in asyncio.run(watch(url, given.viewers, given.seconds, mine)).items():
            print(f"monitor_{name}: {value:.3g}")
    finally:
        mine.send("stop")
        process.join(10)


if __name__ == "__main__":
    main()

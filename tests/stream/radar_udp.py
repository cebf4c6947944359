"""A simulated radar whose packets can be sent, and a receiver's view of them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path

import numpy as np

from radarode.radar.extracted import ExtractSettings
from radarode.radar.fmcw import FmcwRadar
from radarode.radar.grid import VoxelGrid
from radarode.radar.readers.lanes import encode_lanes
from radarode.stream.player import Faults, Player
from radarode.stream.sources.dca1000 import Dca1000Source
from tests.radar.scene import CLUTTER, beat_signals, person, small_radar

SETTINGS = ExtractSettings(grid=VoxelGrid(x_m=(-0.2, 0.2), y_m=(-0.3, 0.3), shape=(5, 7, 6)), points=6)
WARMUP_S = 10.0


def radar() -> FmcwRadar:
    """One packet and a little more per frame."""
    return small_radar(samples=32)


@cache
def frames(seconds: float) -> np.ndarray:
    """Return (frame, chirp, rx, sample) of a person at 0.45 m, simulated."""
    rng, n = np.random.default_rng(3), round(seconds * 200)
    targets, _ = person(radar(), n, 0.45, rng)
    return 300 * beat_signals(radar(), targets + CLUTTER, n, 0.3, rng)


def capture(folder: Path, seconds: float) -> Path:
    """Return a raw file of the scene."""
    path = folder / "capture.bin"
    if not path.exists():
        encode_lanes(frames(seconds), radar()).tofile(path)
    return path


def source(speed: float = 1.0, **options: object) -> Dca1000Source:
    """Return a source on a free port."""
    given = {"settings": SETTINGS, "warmup_s": WARMUP_S, "port": 0, "speed": speed, **options}
    return Dca1000Source(radar(), **given)  # type: ignore[arg-type]


@asynccontextmanager
async def playing(
    path: Path, to: Dca1000Source, faults: Faults | None = None, speed: float = 1.0
) -> AsyncIterator[Player]:
    """Send a capture to a source from another thread, once it listens."""
    async with asyncio.timeout(10):
        while to.port == 0:
            await asyncio.sleep(0.01)
    player = Player(path, radar(), faults, speed)
    thread = threading.Thread(target=player.play, args=("127.0.0.1", to.port))
    thread.start()
    try:
        yield player
        while thread.is_alive():
            await asyncio.sleep(0.05)
    finally:
        player.stop()
        await asyncio.to_thread(thread.join)

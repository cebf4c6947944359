"""A simulated person, live, for as long as it runs."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from radarode.core.constants import FS_HZ
from radarode.core.errors import InputError
from radarode.core.types import STATUSES, Status
from radarode.simulate import Conditions, person_of
from radarode.simulate.endless import Block, endless_motion
from radarode.simulate.pace import parse_pace
from radarode.stream.sources.clocked import PACKET_S, Clock
from radarode.stream.types import Packet, SourceFacts

SEED = 20_001
"""A person that the default weights never saw."""

MOST_CHANNELS = 1024
"""Of a live simulation: far more than a network computes in time."""

KEPT_BEATS = 10_000
"""True R peaks that are kept, about two hours of them."""


@dataclass(frozen=True, slots=True)
class SimulatedSettings:
    """Choose what a live simulation shows.

    Attributes:
        heart_bpm: a heart rate, or "SECONDS:BPM,SECONDS:BPM" for one that changes (0 stands still); None is the
            person's own.
        status: MMECG status.
        channels: observed points of the chest.
        snr_db: level of the constant noise; None is the person's own.
        movement: body movements a minute; None is the status's own rate.
        ectopic: premature beats a minute.
        irregular: atrial-fibrillation-like rhythm.

    Raises:
        InputError: a status that does not exist, or a number of channels out of range.
    """

    heart_bpm: float | str | None = None
    status: Status = "NB"
    channels: int = 50
    snr_db: float | None = None
    movement: float | None = None
    ectopic: float = 0.0
    irregular: bool = False

    def __post_init__(self) -> None:
        if self.status not in STATUSES:
            raise InputError.of("status", f"one of {', '.join(STATUSES)}", repr(self.status))
        if not isinstance(self.channels, int) or not 1 <= self.channels <= MOST_CHANNELS:
            raise InputError.of("channels", f"a whole number between 1 and {MOST_CHANNELS}", repr(self.channels))

    def conditions(self) -> Conditions:
        """Return them as the simulator takes them."""
        return Conditions(self.snr_db, self.channels, self.movement, self.ectopic, self.irregular)


class SimulatedSource:
    """Send the motion of a virtual person in packets of 0.1 s, with index and device time, without end.

    Args:
        seed: everything follows from it.
        speed: seconds of stream per second; infinity sends as fast as it is taken.
        settings: what to show.

    Raises:
        InputError: a value out of range.
    """

    def __init__(self, seed: int = SEED, *, speed: float = 1.0, settings: SimulatedSettings | None = None) -> None:
        Clock(speed)
        if seed < 0:
            raise InputError.of("seed", "not negative", seed)
        self.seed, self.speed, self.settings = seed, speed, settings or SimulatedSettings()
        self._conditions = self.settings.conditions()
        self._pace = () if self.settings.heart_bpm is None else parse_pace(self.settings.heart_bpm)
        self._r_s: deque[float] = deque(maxlen=KEPT_BEATS)

    async def packets(self) -> AsyncIterator[SourceFacts | Packet]:
        """Yield facts, then packets for ever; each call begins anew."""
        settings = self.settings
        rng = np.random.default_rng([self.seed, 2])
        motion = endless_motion(person_of(self.seed, 0), settings.status, rng, self._conditions, self._pace)
        self._r_s.clear()
        yield SourceFacts(
            name=f"simulated person {self.seed}",
            channels=settings.channels,
            fs_hz=FS_HZ,
            kind="acceleration",
            simulated=True,
            warnings=("SIMULATED motion",),
        )
        clock, coming = Clock(self.speed), asyncio.create_task(_next(motion))
        try:
            while True:
                block = await coming
                coming = asyncio.create_task(_next(motion))
                async for packet in self._cut(block, clock):
                    yield packet
        finally:
            coming.cancel()

    async def _cut(self, block: Block, clock: Clock) -> AsyncIterator[Packet]:
        step, sent = round(PACKET_S * FS_HZ), 0
        for start in range(0, block.rcg.shape[1], step):
            first = block.first + start
            arrived_s = await clock.wait((first + step) / FS_HZ)
            due = int(np.searchsorted(block.r_s, (first + step) / FS_HZ))
            self._r_s.extend(block.r_s[sent:due].tolist())
            sent = due
            yield Packet(block.rcg[:, start : start + step], arrived_s, first, clock.device_s(first / FS_HZ))

    def lost(self) -> int:
        """Return 0: nothing is lost on the way."""
        return 0

    def r_peaks_s(self) -> NDArray[np.float64]:
        """Return the true R peaks of what was sent so far (the last 10 000), in stream time."""
        return np.array(self._r_s)


async def _next(motion: Iterator[Block]) -> Block:
    return await asyncio.to_thread(lambda: next(motion))

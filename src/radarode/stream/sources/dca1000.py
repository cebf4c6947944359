"""Packets of a DCA1000 over UDP: a radar, live.

    socket ─ thread ─► batches ─ executor ─► packets in order ─► frames ─► `radar.live` ─► motion of points, in mm

Nothing of this runs in the event loop. The facts are known, and the first packets handed over, once points are chosen:
after the warm-up, with somebody in view. `progress` tells what goes on meanwhile.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from radarode.core.errors import InputError
from radarode.radar.describe_file import read_radar
from radarode.radar.description import FmcwRadar, Radar
from radarode.radar.extracted import FULL_HZ, LEAST_ECG_HZ, ExtractSettings
from radarode.radar.live import LiveExtractor, Moved
from radarode.radar.packet_events import Frames, Gap, LinkCounts, Restarted
from radarode.radar.packet_stream import PacketStream
from radarode.radar.readers.consistency import check_consistency
from radarode.radar.readers.lanes import encode_lanes, full_scale
from radarode.stream.receiver import Batch, Receiver
from radarode.stream.types import Packet, SourceFacts

PORT = 4098
_WAIT_S = 0.2
_ROUND_S = 0.04
_PACKET_S = 0.25
_BURST, _HASTE = 8, 4.0
"""More packets than that at once are handed over at so many times the radar's pace."""

_JUDGED_S = 1.0
_PROBED_FRAMES = 64
_MOST_SATURATED = 0.01


class Dca1000Source:
    """Receive a chirping radar's raw samples and hand over the motion of points on the chest, in millimetres.

    Packets carry the number of their first frame, counted from the start of the radar. Frames that were lost are NaN,
    or passed over where more than a quarter of a second is missing.

    Args:
        radar: a preset's name, a TOML file, a TI .cfg, or a description.
        host: address to listen on.
        port: UDP port; 0 takes a free one.
        settings: how points are found.
        warmup_s: so much is collected before.
        name: for people.
        speed: seconds of the radar per second of this machine, for captures that are replayed faster.

    Attributes:
        extractor: what finds the points.
        speed: as given; a runner waits for its network above 1.

    Raises:
        InputError: the radar does not chirp or is too slow for an ECG, or a value is out of range.
    """

    def __init__(
        self,
        radar: str | Path | Radar,
        host: str = "127.0.0.1",
        port: int = PORT,
        *,
        settings: ExtractSettings | None = None,
        warmup_s: float = 20.0,
        name: str | None = None,
        speed: float = 1.0,
    ) -> None:
        self.radar = _chirping(read_radar(radar) if isinstance(radar, str | Path) else radar)
        self.extractor = LiveExtractor(self.radar, settings, warmup_s)
        self._link = PacketStream(self.radar)
        self._host, self.port, self.speed = host, port, speed
        self._name = name or f"{self.radar.name} at UDP {host}:{port}"
        self._receiver: Receiver | None = None
        self._judged: tuple[str, ...] | None = None
        self._probe = np.empty((0, *self.radar.frame_shape), dtype=np.complex64)
        self._newest = 0

    @property
    def counts(self) -> LinkCounts:
        """Return what happened to packets so far."""
        return self._link.counts

    @property
    def progress(self) -> str:
        """Return what goes on, one line."""
        unused = (self._receiver.foreign, self._receiver.overflowed) if self._receiver else (0, 0)
        words = ("came from other addresses and are not used", "were dropped, as this machine is too slow")
        other = "".join(f"; {count} datagrams {what}" for count, what in zip(unused, words, strict=True) if count)
        if self._link.counts.received:
            return f"{self.extractor.progress}{other}"
        refused = self._link.counts.damaged
        seen = f"; {refused} datagrams are none of a DCA1000{other}" if refused else other
        return f"waiting for packets on UDP {self._host}:{self.port}{seen}"

    def lost(self) -> int:
        """Return how many packets are missing between the first and the last; damaged ones are among them."""
        return self._link.counts.lost

    async def packets(self) -> AsyncIterator[SourceFacts | Packet]:
        """Yield facts once points are chosen, then motion; facts again when the radar was started anew.

        Raises:
            InputError: the port cannot be opened, or the samples do not fit the description of the radar.
        """
        loop = asyncio.get_running_loop()
        self._receiver = Receiver(self._host, self.port)
        self.port = self._receiver.port
        worker = ThreadPoolExecutor(1, thread_name_prefix="dca1000")
        try:
            while True:
                found = await loop.run_in_executor(worker, self._round)
                slowly = len(found) > _BURST
                for item in found:
                    yield item
                    if slowly and isinstance(item, Packet):  # or a queue behind would drop what waited for the search
                        await asyncio.sleep(_PACKET_S / (_HASTE * self.speed))
                await asyncio.sleep(_ROUND_S)
        finally:
            receiver, self._receiver = self._receiver, None
            worker.shutdown(wait=False)
            await asyncio.shield(loop.run_in_executor(None, receiver.close))

    def _round(self) -> list[SourceFacts | Packet]:
        """Work off what has arrived."""
        assert self._receiver is not None
        found: list[SourceFacts | Packet] = []
        for batch in self._receiver.take(_WAIT_S):
            found += self._work(batch)
        return found

    def _work(self, batch: Batch) -> list[SourceFacts | Packet]:
        found: list[SourceFacts | Packet] = []
        for event in self._link.add(batch.packets, batch.lengths):
            known = self.extractor.channels
            if isinstance(event, Restarted):
                self.extractor.restart()
                self._newest = 0
                found += [self._facts()] if known else []
                continue
            moved = self._extract(event)
            found += [self._facts()] if self.extractor.channels and not known else []
            found += [packet for part in moved for packet in self._cut(part, batch.arrived_s)]
        return found

    def _extract(self, event: Frames | Gap) -> list[Moved]:
        if isinstance(event, Gap):
            self._newest = event.first + event.count
            return self.extractor.gap(event.count)
        if self._newest < event.first:  # joined in the middle of the stream
            self.extractor.gap(event.first - self._newest)
        self._newest = event.first + len(event.frames)
        self._judge(event)
        return self.extractor.push(event.frames, event.lost)

    def _judge(self, event: Frames) -> None:
        """Check once whether the samples fit the description of the radar.

        Raises:
            InputError: another order or sample count fits far better.
        """
        if self._judged is not None:
            return
        self._probe = np.concatenate([self._probe, event.frames[event.lost == 0][:_PROBED_FRAMES]])
        if len(self._probe) < _PROBED_FRAMES:
            return
        values = encode_lanes(self._probe, self.radar)
        warnings = check_consistency(
            lambda first, count: values[first : first + count], len(values), self.radar, self._name
        )
        saturated = full_scale(values, self.radar)
        if saturated > _MOST_SATURATED:
            warnings = (*warnings, f"{saturated:.1%} of the samples stand at full scale; lower the gain")
        self._judged, self._probe = warnings, self._probe[:0].copy()

    def _facts(self) -> SourceFacts:
        rate_hz = self.radar.frame_rate_hz
        slow = (f"{rate_hz:.4g} frames/s instead of {FULL_HZ:g}: beats are timed less exactly",)
        return SourceFacts(
            self._name,
            self.extractor.channels,
            rate_hz,
            "displacement",
            "simulated" in self.radar.name.lower(),
            (*(self._judged or ()), *self.extractor.warnings, *(slow if rate_hz < FULL_HZ else ())),
        )

    def _cut(self, moved: Moved, arrived_s: float) -> list[Packet]:
        """Return packets of at most a quarter of a second, each with the time at which its last frame arrived."""
        rate_hz = self.radar.frame_rate_hz
        step = max(1, math.floor(_PACKET_S * rate_hz))
        motion_mm = (1000.0 * moved.displacement_m).astype(np.float32)
        packets = []
        for at in range(0, motion_mm.shape[1], step):
            part = motion_mm[:, at : at + step]
            behind = self._newest - (moved.first + at + part.shape[1])
            if not np.isnan(part).all():  # a gap shows in the number of the next packet
                packets.append(Packet(part, arrived_s - max(0, behind) / rate_hz / self.speed, moved.first + at))
        return packets


def _chirping(radar: Radar) -> FmcwRadar:
    if not isinstance(radar, FmcwRadar):
        raise InputError(f"a DCA1000 stands behind a chirping radar; {radar.name} describes a {radar.kind} radar.")
    if radar.frame_rate_hz < LEAST_ECG_HZ:
        raise InputError(
            f"{radar.name} sends {radar.frame_rate_hz:.4g} frames/s, too few for an ECG; {LEAST_ECG_HZ:g} are needed. "
            "Set the radar up for more."
        )
    return radar

"""Replay a recorded file as if it were measured now, or faster."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator
from pathlib import Path

from radarode.core.errors import InputError
from radarode.core.types import Motion, Recording
from radarode.data.capture import refuse_rate_only
from radarode.data.load import load
from radarode.stream.sources.clocked import PACKET_S, Clock
from radarode.stream.types import Packet, SourceFacts


class ReplaySource:
    """Send a recording in packets of 0.1 s, with index and, in real time, device time.

    What is sent is the RCG that `radarode.load` makes of the file, at 200 Hz and of the kind "acceleration": resampling
    and differentiation are the reader's, over the whole file, so that a replayed stream can be compared sample by
    sample with the offline reconstruction. Gaps are sent as NaN.

    Args:
        path: any file that `radarode.load` reads.
        speed: seconds of recording per second; infinity sends as fast as it is taken.
        loop: begin again at the end, as a source that restarts.
        fs_hz: sampling rate, for tables that do not state it.
        motion: what the sensor measured, for files that do not state it.
        start_s: where in the file the first pass begins, rounded down to a packet; may be set later, to go on there.

    Raises:
        InputError: speed or start is out of range.
    """

    def __init__(
        self,
        path: Path | str,
        *,
        speed: float = 1.0,
        loop: bool = False,
        fs_hz: float | None = None,
        motion: Motion | None = None,
        start_s: float = 0.0,
    ) -> None:
        Clock(speed)
        if not 0 <= start_s < math.inf:
            raise InputError.of("start_s", "not negative", start_s)
        self.start_s = start_s
        self.path, self.speed, self.loop = Path(path), speed, loop
        self.recording: Recording | None = None
        self._fs_hz, self._motion = fs_hz, motion

    async def packets(self) -> AsyncIterator[SourceFacts | Packet]:
        """Yield facts, then packets until the file ends; with `loop`, facts and packets again and again.

        Raises:
            InputError, FileNotFoundError: the file cannot be read, or carries no ECG.
        """
        recording = await asyncio.to_thread(load, self.path, fs_hz=self._fs_hz, motion=self._motion)
        refuse_rate_only(recording, self.path)
        self.recording = recording
        start = int(self.start_s / PACKET_S + 1e-6) * round(PACKET_S * recording.fs_hz)
        while True:
            yield self._facts(recording)
            clock, step = Clock(self.speed), round(PACKET_S * recording.fs_hz)
            for first in range(start, recording.rcg.shape[1], step):
                motion = recording.rcg[:, first : first + step]
                arrived_s = await clock.wait((first + motion.shape[1]) / recording.fs_hz)
                yield Packet(motion, arrived_s, first, clock.device_s(first / recording.fs_hz))
            if not self.loop:
                return
            start = 0

    def lost(self) -> int:
        """Return 0: a file loses nothing."""
        return 0

    def _facts(self, recording: Recording) -> SourceFacts:
        warnings = [f"replayed from {self.path.name}, recorded earlier"]
        if self.speed != 1:
            warnings.append(f"replayed at {self.speed:g} times its speed")
        warnings += [
            f"{key}: {recording.notes[key]}" for key in ("dropped_channels", "dropouts") if key in recording.notes
        ]
        return SourceFacts(
            name=self.path.stem,
            channels=recording.n_channels,
            fs_hz=recording.fs_hz,
            kind="acceleration",
            simulated=recording.simulated,
            warnings=tuple(warnings),
        )

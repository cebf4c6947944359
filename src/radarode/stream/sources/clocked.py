"""Send packets when they are due: what file replay and simulation share."""

from __future__ import annotations

import asyncio
import math
import time

from radarode.core.errors import InputError

PACKET_S = 0.1
"""Length of a packet."""

SPEED_LIMITS = (0.01, 1000.0)


class Clock:
    """Wait until a moment of the stream is due.

    Args:
        speed: seconds of stream per second; 1 is real time, infinity does not wait.

    Raises:
        InputError: the speed is out of range.
    """

    def __init__(self, speed: float = 1.0) -> None:
        low, high = SPEED_LIMITS
        if not (low <= speed <= high or speed == math.inf):
            raise InputError.of("speed", f"between {low:g} and {high:g}, or inf", speed)
        self.speed = speed
        self._started_s: float | None = None

    async def wait(self, stream_s: float) -> float:
        """Return `time.monotonic()` once `stream_s` seconds of stream are over; the first call starts the clock.

        What is late already is not waited for, so that a stream that was held up catches up. Others get their turn in
        any case.
        """
        now_s = time.monotonic()
        if self._started_s is None:
            self._started_s = now_s - (0.0 if math.isinf(self.speed) else stream_s / self.speed)
        due_s = self._started_s + (0.0 if math.isinf(self.speed) else stream_s / self.speed)
        await asyncio.sleep(max(0.0, due_s - now_s))
        return time.monotonic()

    def device_s(self, stream_s: float) -> float | None:
        """Return the device time of a packet: that of the recording, or None unless it runs at its own speed.

        A recording that is replayed at four times its speed has no clock that drifts.
        """
        return stream_s if self.speed == 1 else None

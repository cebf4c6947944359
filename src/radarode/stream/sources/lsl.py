"""Lab Streaming Layer: the motion of a numeric outlet on this network.

What the outlet may say about itself in its description (`desc`): `kind` (displacement, velocity or acceleration) and
`simulated` ("true"). Needs the extra `lsl`.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeVar, cast

import numpy as np

from radarode.core.errors import InputError
from radarode.core.types import FS_LIMITS_HZ, MOTIONS, Motion
from radarode.stream.sources.clocked import PACKET_S
from radarode.stream.types import Packet, SourceFacts

if TYPE_CHECKING:
    from pylsl import StreamInfo, StreamInlet

LOOK_S = 0.5
"""Longest that one look for a stream blocks its thread, and so the end of the source."""

INFO_S = 5.0
BUFFER_S = 30
T = TypeVar("T")


class LslSource:
    """Receive an LSL stream; when its outlet vanishes, wait for it to come back.

    Time stamps are handed on as device time, on the clock of the sending machine. An outlet that returns under a new
    identity is a source that restarted: it is described anew.

    Args:
        stream: the stream's name, or `type=TYPE` for the first stream of that type.
        timeout_s: how long to wait for it at the start.
        kind: what the sensor measures; None takes what the outlet says, or acceleration with a warning.

    Raises:
        InputError: pylsl is not installed, or a value is out of range.
    """

    def __init__(self, stream: str, *, timeout_s: float = 10.0, kind: Motion | None = None) -> None:
        import_pylsl()
        if not stream.removeprefix("type="):
            raise InputError.of("stream", "the name of an LSL stream, or type=TYPE", repr(stream))
        if kind is not None and kind not in MOTIONS:
            raise InputError.of("kind", f"one of {', '.join(MOTIONS)}", repr(kind))
        if not 0 < timeout_s <= 3600:
            raise InputError.of("timeout_s", "above 0 and at most 3600", timeout_s)
        self.stream, self.timeout_s, self.kind = stream, timeout_s, kind
        self.reconnects = 0

    async def packets(self) -> AsyncIterator[SourceFacts | Packet]:
        """Yield facts, then packets of about 0.1 s; facts again behind another outlet.

        Raises:
            InputError: no such stream in time, or none that can be reached; an irregular or absurd rate; text instead
                of numbers.
        """
        broken = import_pylsl().util
        thread = ThreadPoolExecutor(1, thread_name_prefix="lsl-source")
        identity, deadline_s = None, time.monotonic() + self.timeout_s
        try:
            while True:
                found = await self._find(thread, deadline_s)
                try:
                    inlet, info = await _in(thread, lambda found=found: _open(found))
                    if info.uid() != identity:
                        yield self._facts(info)
                    identity, deadline_s = info.uid(), math.inf
                    async for packet in _receive(thread, inlet, info.nominal_srate()):
                        yield packet
                except (broken.LostError, broken.TimeoutError):
                    if identity is None and time.monotonic() >= deadline_s:
                        raise InputError(
                            f"the LSL stream {self.stream!r} was found but could not be reached within "
                            f"{self.timeout_s:g} s. Check that a firewall between both machines lets LSL pass."
                        ) from None
                    self.reconnects += identity is not None
        finally:
            thread.shutdown(wait=False)

    def lost(self) -> int:
        """Return 0: LSL delivers all or breaks; what is missing shows in the time stamps."""
        return 0

    async def _find(self, thread: ThreadPoolExecutor, deadline_s: float) -> StreamInfo:
        pylsl = import_pylsl()
        prop, value = ("type", self.stream[5:]) if self.stream.startswith("type=") else ("name", self.stream)
        while (left_s := deadline_s - time.monotonic()) > 0:
            look_s = min(LOOK_S, left_s)
            found = await _in(thread, lambda look_s=look_s: pylsl.resolve_byprop(prop, value, timeout=look_s))
            if found:
                return found[0]
        raise InputError(
            f"no LSL stream of the {prop} {value!r} within {self.timeout_s:g} s. "
            "Start it, and check that both machines share a network that lets multicast pass."
        )

    def _facts(self, info: StreamInfo) -> SourceFacts:
        pylsl = import_pylsl()
        fs_hz, (low, high) = info.nominal_srate(), FS_LIMITS_HZ
        if fs_hz == pylsl.IRREGULAR_RATE:
            raise InputError(f"the LSL stream {info.name()!r} has an irregular rate; motion needs a steady one.")
        if not low <= fs_hz <= high:
            raise InputError.of("nominal_srate", f"between {low:g} and {high:g} Hz", fs_hz)
        if info.channel_format() == pylsl.cf_string:
            raise InputError(f"the LSL stream {info.name()!r} sends text; motion must be numbers.")
        said = info.desc().child_value("kind")
        kind = self.kind or (said if said in MOTIONS else "acceleration")
        warnings = () if self.kind or said in MOTIONS else ("the stream does not say what it measures; taken for RCG",)
        return SourceFacts(
            name=info.name(),
            channels=info.channel_count(),
            fs_hz=fs_hz,
            kind=cast(Motion, kind),
            simulated=info.desc().child_value("simulated") == "true",
            warnings=warnings,
        )


def import_pylsl() -> Any:
    """Return the module `pylsl`.

    Raises:
        InputError: it or liblsl is not installed.
    """
    try:
        import pylsl
    except (ImportError, RuntimeError) as error:
        raise InputError("LSL needs pylsl. Install it: pip install 'radarode[lsl]'.") from error
    return pylsl


def _open(found: StreamInfo) -> tuple[StreamInlet, StreamInfo]:
    pylsl = import_pylsl()
    inlet = pylsl.StreamInlet(found, max_buflen=BUFFER_S, recover=False)
    info = inlet.info(timeout=INFO_S)
    if info.channel_format() != pylsl.cf_string:
        inlet.open_stream(timeout=INFO_S)
    return inlet, info


async def _receive(thread: ThreadPoolExecutor, inlet: StreamInlet, fs_hz: float) -> AsyncIterator[Packet]:
    most = max(1, round(PACKET_S * fs_hz))
    while True:
        samples, stamps_s = await _in(thread, lambda: inlet.pull_chunk(timeout=PACKET_S, max_samples=most))
        arrived_s = time.monotonic()
        for start, stop in _steady(np.asarray(stamps_s), fs_hz):
            motion = np.ascontiguousarray(np.asarray(samples)[start:stop].T, dtype=np.float32)
            yield Packet(motion, arrived_s, None, float(stamps_s[start]))


def _steady(stamps_s: np.ndarray, fs_hz: float) -> list[tuple[int, int]]:
    """Return the runs of samples without a jump of half a second or more in their time stamps.

    Example:
        >>> _steady(np.array([0.0, 0.01, 2.0, 2.01]), 100.0)
        [(0, 2), (2, 4)]
    """
    if not len(stamps_s):
        return []
    jumps = np.flatnonzero(np.abs(np.diff(stamps_s) - 1 / fs_hz) >= 0.5) + 1
    edges = [0, *jumps.tolist(), len(stamps_s)]
    return list(pairwise(edges))


async def _in(thread: ThreadPoolExecutor, work: Callable[[], T]) -> T:
    """Do blocking work in the source's own thread, so that sources never wait for each other."""
    return await asyncio.get_running_loop().run_in_executor(thread, work)

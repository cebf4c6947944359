"""Send a stored capture as packets of a DCA1000, with faults that are drawn beforehand and counted exactly."""

from __future__ import annotations

import math
import socket
import struct
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from radarode.core.errors import InputError
from radarode.radar.capture import open_capture
from radarode.radar.fmcw import FmcwRadar
from radarode.radar.readers.lanes import frame_bytes
from radarode.radar.readers.packets import DATA_BYTES, HEADER_BYTES
from radarode.radar.readers.stream import StreamCapture

Watch = Callable[[float], None]
"""Progress: called with the seconds of the capture that were sent."""

_TICK_S = 0.002
_AT_ONCE = 512
_LATEST = 4
"""A late packet comes after at most so many of its successors."""


@dataclass(frozen=True)
class Faults:
    """Say what happens to packets.

    Attributes:
        lost: share that is not sent.
        reordered: share that is sent after 1 to 4 of its successors.
        corrupt: share that is damaged on its way so that the damage shows.
        blackout_s: begin and length of a time during which nothing is sent, in seconds of the capture; None for none.
        seed: draws which.

    Raises:
        InputError: a value is out of range.
    """

    lost: float = 0.0
    reordered: float = 0.0
    corrupt: float = 0.0
    blackout_s: tuple[float, float] | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("lost", "reordered", "corrupt"):
            if not 0 <= getattr(self, name) <= 0.3:
                raise InputError.of(name, "a share between 0 and 0.3", getattr(self, name))
        if self.blackout_s is not None and not (self.blackout_s[0] >= 0 and self.blackout_s[1] > 0):
            raise InputError.of("blackout", "START:SECONDS, both in seconds", self.blackout_s)
        if self.seed < 0:
            raise InputError.of("seed", "0 or more", self.seed)


@dataclass(slots=True)
class Played:
    """Count what was done to packets; each counts once.

    Attributes:
        packets: of the capture so far.
        intact: sent in their turn.
        reordered: sent late.
        lost: not sent.
        blacked_out: not sent during the blackout.
        corrupt: sent damaged.
        seconds: it took.
    """

    packets: int = 0
    intact: int = 0
    reordered: int = 0
    lost: int = 0
    blacked_out: int = 0
    corrupt: int = 0
    seconds: float = field(default=0.0)

    @property
    def missing(self) -> int:
        """Return how many packets a receiver must find missing."""
        return self.lost + self.blacked_out + self.corrupt

    def to_dict(self) -> dict[str, float]:
        """Return the counts by name, `missing` among them."""
        return {**asdict(self), "missing": self.missing}


class Player:
    """Send a capture.

    Args:
        path: a DCA1000 .bin, or a log of packets; what the log itself lacks is sent as zeros.
        radar: its description.
        faults: what happens to packets; the first and the last always arrive, so that losses can be counted exactly.
        speed: seconds of capture per second.

    Attributes:
        n_packets: of the capture.
        played: what was done so far.

    Raises:
        FileNotFoundError: there is no such file.
        InputError: it is no capture of a DCA1000, or a value is out of range.
    """

    def __init__(self, path: Path | str, radar: FmcwRadar, faults: Faults | None = None, speed: float = 1.0) -> None:
        if not 0.01 <= speed <= 1000:
            raise InputError.of("speed", "between 0.01 and 1000", speed)
        capture = open_capture(path, radar, max_lost=0.9, check=False)
        if not isinstance(capture, StreamCapture):
            raise InputError(
                f"{path} is no capture of a DCA1000, so it was never sent as packets. Name a .bin or a log."
            )
        self._capture, self.faults, self.speed = capture, faults or Faults(), speed
        self._per_s = frame_bytes(radar) * radar.frame_rate_hz / DATA_BYTES
        self._n_bytes = capture.n_frames * frame_bytes(radar)
        self.n_packets = math.ceil(self._n_bytes / DATA_BYTES)
        self.duration_s = capture.duration_s
        self.played = Played()
        self._stopped = False
        self._rng = np.random.default_rng(self.faults.seed)
        self._fate = self._fates()

    def play(self, host: str, port: int, watch: Watch | None = None) -> Played:
        """Send everything, paced; returns when done, with `played`.

        Raises:
            InputError: the address is none.
        """
        try:
            family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
        except (OSError, UnicodeError) as error:
            why = getattr(error, "strerror", "no host name")
            raise InputError(f"there is no host {host} to send to ({why}).") from error
        begun_s = time.monotonic()
        with socket.socket(family, socket.SOCK_DGRAM) as sender:
            for number, datagram in self._due():
                if self._stopped:
                    break
                due_s = begun_s + number / self._per_s / self.speed
                while (wait_s := due_s - time.monotonic()) > 0:
                    if watch is not None:
                        watch(number / self._per_s)
                    time.sleep(max(_TICK_S, min(wait_s, 0.1)))
                if datagram is not None:
                    sender.sendto(datagram, address)
                self.played.seconds = time.monotonic() - begun_s
        return self.played

    def stop(self) -> None:
        """End `play`, from another thread."""
        self._stopped = True

    def _fates(self) -> NDArray[np.str_]:
        """Return (packet,) what happens to each: "", "lost", "late", "corrupt" or "blackout"."""
        n, faults = self.n_packets, self.faults
        fate = np.full(n, "", dtype="<U8")
        free = np.arange(1, n - 1)
        if faults.blackout_s is not None:
            begin, end = (round(at * self._per_s) for at in (faults.blackout_s[0], sum(faults.blackout_s)))
            dark = (free >= begin) & (free < end)
            fate[free[dark]] = "blackout"
            free = free[~dark]
        drawn = self._rng.permutation(free)
        for name, share in (("lost", faults.lost), ("corrupt", faults.corrupt), ("late", faults.reordered)):
            count = min(round(share * n), len(drawn))
            fate[drawn[:count]], drawn = name, drawn[count:]
        return fate

    def _due(self) -> Iterator[tuple[int, bytes | None]]:
        """Yield (number from 0, datagram or None) in order of sending."""
        late: list[tuple[int, bytes]] = []
        for number, data in self._data():
            fate, played = str(self._fate[number]), self.played
            packet = struct.pack("<IIH", number + 1, number * DATA_BYTES & 0xFFFFFFFF, number * DATA_BYTES >> 32) + data
            played.packets += 1
            if fate == "late":
                late.append((number + int(self._rng.integers(1, _LATEST + 1)), packet))
                played.reordered += 1
            elif fate in ("lost", "blackout"):
                played.lost += fate == "lost"
                played.blacked_out += fate == "blackout"
                yield number, None
            else:
                played.corrupt += fate == "corrupt"
                played.intact += fate == ""
                yield number, self._damaged(packet) if fate else packet
            over = number == self.n_packets - 1
            ready = [packet for when, packet in late if over or when <= number]
            late = [] if over else [(when, packet) for when, packet in late if when > number]
            yield from ((number, packet) for packet in ready)

    def _damaged(self, packet: bytes) -> bytes:
        """Return a packet with damage that shows: in its number, in its byte count, or in its size; or garbage."""
        kind = int(self._rng.integers(5))
        flipped = bytearray(packet)
        if kind == 0:
            flipped[int(self._rng.integers(4))] ^= int(self._rng.integers(1, 256))
        elif kind == 1:
            flipped[4 + int(self._rng.integers(6))] ^= int(self._rng.integers(1, 256))
        elif kind == 2:
            return packet[: int(self._rng.integers(HEADER_BYTES + 1))]
        elif kind == 3:
            return packet + self._rng.bytes(DATA_BYTES + int(self._rng.integers(1, 4000)))
        else:
            return b"\xff\xff\xff\xff" + self._rng.bytes(int(self._rng.integers(7, 1400)))
        return bytes(flipped)

    def _data(self) -> Iterator[tuple[int, bytes]]:
        """Yield (number from 0, data) of every packet."""
        for first in range(0, self.n_packets, _AT_ONCE):
            begin, end = first * DATA_BYTES, min((first + _AT_ONCE) * DATA_BYTES, self._n_bytes)
            block = self._capture.values(begin // 2, (end - begin) // 2).tobytes()
            for at in range(0, len(block), DATA_BYTES):
                yield first + at // DATA_BYTES, block[at : at + DATA_BYTES]

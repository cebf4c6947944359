"""What a stream of DCA1000 packets turns into, what is counted on the way, and how their headers are read."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from radarode.radar.readers.packets import DATA_BYTES, HEADER_BYTES

_NUMBERS = 2**32


@dataclass(frozen=True, slots=True, eq=False)
class Frames:
    """Hold whole frames.

    Attributes:
        first: number of the first, counted from the radar's start.
        frames: (frame, chirp, rx, sample) complex64, zeros where samples were lost.
        lost: (frame,) share of the bytes that was lost.
    """

    first: int
    frames: NDArray[np.complex64]
    lost: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Gap:
    """Tell that of `count` frames from number `first` on nothing arrived."""

    first: int
    count: int


@dataclass(frozen=True, slots=True)
class Restarted:
    """Tell that the radar began anew: frames are counted from 0 again."""


Event = Frames | Gap | Restarted


@dataclass(slots=True)
class LinkCounts:
    """Count packets since the beginning, restarts included.

    Attributes:
        received: used.
        lost: missing between the first and the last; those on their way count until they arrive.
        repeated: came more than once, beyond the first time.
        late: came after their frame was given out, and so are among the lost, unless they came twice.
        damaged: not packets of a DCA1000, contradict themselves, or stand alone far ahead.
        restarts: times the radar began anew.
    """

    received: int = 0
    lost: int = 0
    repeated: int = 0
    late: int = 0
    damaged: int = 0
    restarts: int = 0


def read_headers(
    packets: NDArray[np.uint8], lengths: NDArray[np.integer]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
    """Read the headers of packets.

    Args:
        packets: (packet, byte) payloads, at least 10 bytes wide.
        lengths: (packet,) bytes of each.

    Returns:
        (packet,) places in units of full packets, bytes of data, and whether number, byte count and size go together.
    """
    head = np.ascontiguousarray(packets[:, :HEADER_BYTES])
    number = head[:, :4].copy().view("<u4")[:, 0].astype(np.int64)
    low = head[:, 4:8].copy().view("<u4")[:, 0].astype(np.int64)
    count = low + (head[:, 8:10].copy().view("<u2")[:, 0].astype(np.int64) << 32)
    size = np.asarray(lengths, dtype=np.int64) - HEADER_BYTES
    place, rest = np.divmod(count, DATA_BYTES)
    sound = (size >= 1) & (size <= DATA_BYTES) & (rest == 0) & ((place + 1) % _NUMBERS == number)
    return place, size, sound

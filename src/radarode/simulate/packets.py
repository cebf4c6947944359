"""Send a raw stream as packets of a DCA1000, some of which are lost or come late."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from radarode.core.errors import InputError
from radarode.radar.readers.packet_log import PACKET
from radarode.radar.readers.packets import DATA_BYTES

_AT_ONCE = 4096
"""Packets written at a time; even, so that pairs that swap stay together."""


@dataclass(frozen=True)
class Link:
    """Say how packets fare.

    Attributes:
        lost: share that never arrives. The last packet always does: of a log that ends early nobody can tell the loss.
        lost_run: packets lost in a row.
        reordered: share that arrives after its successor.

    Raises:
        InputError: a value is out of range.
    """

    lost: float = 0.0
    lost_run: int = 1
    reordered: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.lost <= 0.9:
            raise InputError.of("lost", "a share between 0 and 0.9", self.lost)
        if not 1 <= self.lost_run <= 100_000:
            raise InputError.of("lost_run", "between 1 and 100000 packets", self.lost_run)
        if not 0 <= self.reordered <= 0.2:
            raise InputError.of("reordered", "a share between 0 and 0.2", self.reordered)


@dataclass(frozen=True, eq=False)
class Sent:
    """Tell what happened to the packets, exactly.

    Attributes:
        n_packets: packets sent.
        lost: (lost,) their numbers, from 1, increasing.
        late: (late,) numbers of packets that arrived after their successor, increasing.
    """

    n_packets: int
    lost: NDArray[np.int64]
    late: NDArray[np.int64]


def plan_packets(n_bytes: int, link: Link, rng: np.random.Generator) -> Sent:
    """Draw which packets of a stream are lost or late: exactly the shares asked for, rounded.

    Args:
        n_bytes: length of the stream.
        link: shares.
        rng: source of randomness.

    Example:
        >>> sent = plan_packets(1456 * 1000, Link(lost=0.1), np.random.default_rng(0))
        >>> sent.n_packets, len(sent.lost)
        (1000, 100)
    """
    n = -(-n_bytes // DATA_BYTES)
    lost = _lost(n, link, rng)
    pairs = np.arange(0, n - 2, 2)
    pairs = pairs[~lost[pairs] & ~lost[pairs + 1]]
    n_late = min(round(link.reordered * n), len(pairs))
    late = np.sort(rng.permutation(pairs)[:n_late])
    return Sent(n, np.flatnonzero(lost) + 1, late + 1)


def write_packets(path: Path, blocks: Iterable[NDArray[np.int16]], sent: Sent) -> int:
    """Write a log of the packets that arrive, in the order in which they do, as `packet_log` reads it.

    Args:
        path: file to write.
        blocks: the stream.
        sent: what happens to its packets.

    Returns:
        Bytes of the stream.

    Raises:
        ValueError: the stream has not as many packets as planned.
    """
    number, total = 0, 0
    with path.open("wb") as file:
        for data in _pieces(blocks, _AT_ONCE * DATA_BYTES):
            table = np.zeros(-(-len(data) // DATA_BYTES), dtype=PACKET)
            counts = DATA_BYTES * (number + np.arange(len(table), dtype=np.int64))
            table["number"] = number + 1 + np.arange(len(table))
            table["low"], table["high"] = counts & 0xFFFFFFFF, counts >> 32
            padded = np.zeros(len(table) * DATA_BYTES, dtype=np.uint8)
            padded[: len(data)] = data
            table["data"] = padded.reshape(-1, DATA_BYTES)
            arrived = table[_arrival(number, len(table), sent)].tobytes()
            file.write(arrived[: len(arrived) - (len(padded) - len(data))])
            number, total = number + len(table), total + len(data)
    if number != sent.n_packets:
        raise ValueError(f"{sent.n_packets} packets were planned, and the stream has {number}")
    return total


def _lost(n: int, link: Link, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Return (packet,) which are lost: runs from random places, as many as wanted, never the last packet."""
    lost = np.zeros(n, dtype=bool)
    left = min(round(link.lost * n), n - 1)
    for start in rng.permutation(n - 1):
        if left == 0:
            break
        run = np.arange(start, min(start + link.lost_run, n - 1))
        run = run[~lost[run]][:left]
        lost[run] = True
        left -= len(run)
    return lost


def _arrival(before: int, count: int, sent: Sent) -> NDArray[np.int64]:
    """Return which of the packets numbered `before` + 1, ... arrive, by place, in order of arrival."""
    order = np.arange(count)
    late = sent.late[(sent.late > before) & (sent.late <= before + count)] - before - 1
    order[late], order[late + 1] = late + 1, late
    lost = sent.lost[(sent.lost > before) & (sent.lost <= before + count)] - before - 1
    kept = np.ones(count, dtype=bool)
    kept[lost] = False
    return order[kept[order]]


def _pieces(blocks: Iterable[NDArray[np.int16]], size: int) -> Iterator[NDArray[np.uint8]]:
    """Yield the bytes of a stream in pieces of `size`, the last one as long as it is."""
    rest = np.empty(0, dtype=np.uint8)
    for block in blocks:
        rest = np.concatenate([rest, block.view(np.uint8)])
        whole = len(rest) // size * size
        for start in range(0, whole, size):
            yield rest[start : start + size]
        rest = rest[whole:]
    if len(rest):
        yield rest

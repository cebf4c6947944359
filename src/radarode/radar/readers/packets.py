"""Packets of a DCA1000: where each belongs in the stream, and what is missing.

The payload of each UDP packet is a number (4 bytes, from 1), a byte count (6 bytes) and data, at most 1456 bytes, all
little-endian. The byte count tells how many bytes of data were sent before this packet, that is where its data belong.
Lost packets leave zeros there; repeated packets are used once; the order of arrival does not matter.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from radarode.core.errors import InputError
from radarode.radar.capture import Capture
from radarode.radar.capture_facts import CaptureFacts, CaptureOptions, PacketCounts
from radarode.radar.description import FmcwRadar, Radar
from radarode.radar.readers.lanes import frame_bytes
from radarode.radar.readers.stream import StreamCapture, require_fmcw, whole_frames

HEADER_BYTES = 10
DATA_BYTES = 1456
_LARGEST_STRETCH = 1000
"""A stream is at most this many times what was received, so that a damaged count cannot claim a large memory."""


_WIDEST_READ, _LEAST_READ = 4, 65_536
"""Packets that lie in at most so much more of the file than they hold (times, plus bytes) are read at once."""


@dataclass(frozen=True)
class Packets:
    """List the packets of a log in order of arrival.

    Attributes:
        number: (packet,) int64, as sent.
        count: (packet,) int64, bytes of data sent before.
        offset: (packet,) int64, where their data start in the file.
        length: (packet,) int64, bytes of data.
    """

    number: np.ndarray
    count: np.ndarray
    offset: np.ndarray
    length: np.ndarray

    def take(self, which: np.ndarray) -> Packets:
        """Return some of them, by mask or index."""
        return Packets(self.number[which], self.count[which], self.offset[which], self.length[which])


class PacketCapture(StreamCapture):
    """Read frames of a log of packets, from their places in the file.

    Args:
        radar: its description.
        source: the log.
        packets: those to use, sorted by byte count and without overlap.
        base: byte count at which the first frame starts.
        facts: what was found.
    """

    def __init__(self, radar: FmcwRadar, source: Path, packets: Packets, base: int, facts: CaptureFacts) -> None:
        super().__init__(radar, source, facts)
        self._packets, self._base = packets, base

    def values(self, first: int, count: int) -> np.ndarray:
        """Return `count` int16 numbers of the stream from number `first`; lost ones are 0."""
        start, stop = self._base + 2 * first, self._base + 2 * (first + count)
        out = np.zeros(stop - start, dtype=np.uint8)
        packets = self._packets
        begin = max(int(np.searchsorted(packets.count, start, side="right")) - 1, 0)
        end = int(np.searchsorted(packets.count, stop))
        if begin < end:
            self._copy(begin, end, start, out)
        return out.view("<i2")

    def _copy(self, begin: int, end: int, start: int, out: np.ndarray) -> None:
        """Copy the data of packets [begin, end) to their places in `out`, which begins at byte count `start`."""
        part = self._packets.take(np.arange(begin, end))
        first, last = int(part.offset.min()), int((part.offset + part.length).max())
        if last - first > _WIDEST_READ * int(part.length.sum()) + _LEAST_READ and end - begin > 1:
            middle = (begin + end) // 2
            self._copy(begin, middle, start, out)
            self._copy(middle, end, start, out)
            return
        block = np.fromfile(self.source, dtype=np.uint8, count=last - first, offset=first)
        if block.size != last - first:
            raise InputError(f"{self.source} became shorter while it was read. Open it again.")
        for at, length, offset in zip(part.count.tolist(), part.length.tolist(), part.offset.tolist(), strict=True):
            low, high = max(at, start), min(at + length, start + out.size)
            if low < high:
                source = offset - first + low - at
                out[low - start : high - start] = block[source : source + high - low]


def open_packets(
    path: Path, packets: Packets, radar: Radar | None, options: CaptureOptions, found: tuple[str, tuple[str, ...]]
) -> Capture:
    """Make a capture of the packets of a log.

    Args:
        path: the log.
        packets: its packets in order of arrival.
        radar: the description.
        options: how strictly it is judged.
        found: name of the layout, and warnings so far.

    Raises:
        InputError: no packets, numbers and byte counts that do not go together, or too much lost or saturated.
    """
    described = require_fmcw(radar, path.name)
    kept, damaged, first_number = _sound(packets, path.name)
    used, repeated, reordered = _sorted(kept)
    size = frame_bytes(described)
    base = int(used.count[0]) // size * size if options.from_first_packet else 0
    if options.from_first_packet:
        first_number = int(used.number[0])
    n_bytes = int(used.count[-1] + used.length[-1]) - base
    _check_lost(int(used.length.sum()), n_bytes, options, path.name, int(used.count[0]) > size)
    n_frames, dropped, warnings = whole_frames(n_bytes, described, path.name)
    lost = 1 - _covered(used, base + size * np.arange(n_frames + 1)) / size
    missing = int(used.number[-1]) - first_number + 1 - len(used.number)
    counts = PacketCounts(len(used.number), max(missing, 0), repeated, reordered, damaged)
    facts = CaptureFacts(found[0], n_frames, lost.astype(np.float32), None, counts, dropped, (*found[1], *warnings))
    capture = PacketCapture(described, path, used, base, facts)
    capture.judge(options)
    return capture


def _sound(packets: Packets, what: str) -> tuple[Packets, int, int]:
    """Return packets whose byte count goes with their number, how many do not, and the first number ever sent."""
    if not len(packets.number):
        raise InputError(f"{what} holds no packets of a DCA1000. Record the data port, UDP 4098.")
    payload = int(np.bincount(packets.length).argmax())
    shift = packets.count - packets.number * payload
    values, times = np.unique(shift, return_counts=True)
    usual = int(values[times.argmax()])
    sound = shift == usual
    if 2 * int(sound.sum()) < len(sound) or usual % payload or usual > 0:
        raise InputError(
            f"the byte counts of the packets in {what} do not go with their numbers: it is not a DCA1000 log, or holds "
            "several recordings. Store each recording by itself."
        )
    return packets.take(sound), int((~sound).sum()), -usual // payload


def _sorted(packets: Packets) -> tuple[Packets, int, int]:
    """Return packets in order and once each, how many were repeated, and how many came late."""
    order = np.argsort(packets.count, kind="stable")
    ordered = packets.take(order)
    first = np.concatenate(([True], np.diff(ordered.count) > 0))
    arrived = np.sort(order[first])
    counts = packets.count[arrived]
    reordered = int((counts < np.maximum.accumulate(counts)).sum())
    used = ordered.take(first)
    room = np.diff(used.count, append=used.count[-1] + used.length[-1])
    clipped = Packets(used.number, used.count, used.offset, np.minimum(used.length, room))
    return clipped, int((~first).sum()), reordered


def _check_lost(received: int, n_bytes: int, options: CaptureOptions, what: str, late: bool) -> None:
    lost = 1 - received / n_bytes
    if lost <= options.max_lost and n_bytes <= _LARGEST_STRETCH * received:
        return
    hint = "Record it again, or allow more"
    if late:
        hint = "Its first packets are missing: record it again, or start with from_first_packet"
    raise InputError(f"{what} lost {lost:.1%} of its bytes, more than max_lost = {options.max_lost:.1%}. {hint}.")


def _covered(packets: Packets, edges: np.ndarray) -> np.ndarray:
    """Return how many received bytes lie between neighbouring edges (byte counts)."""
    before = np.concatenate(([0], np.cumsum(packets.length)))
    index = np.searchsorted(packets.count, edges, side="right") - 1
    inside = np.clip(edges - packets.count[index], 0, packets.length[index])
    return np.diff(np.where(index < 0, 0, before[index] + inside))

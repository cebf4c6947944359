"""Packets of a DCA1000 as they arrive, to frames: reordered, zero-filled, counted exactly.

The byte count of a packet says where its data belong (see `readers/packets`). A frame is given out as soon as it is
complete; one that lacks something once packets well beyond it have arrived, with zeros for what is missing. A packet
far ahead of the rest (the link was down) or behind it (the radar was started anew) is believed only when others follow
close by, so that a damaged header moves nothing.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from radarode.radar.fmcw import FmcwRadar
from radarode.radar.packet_events import Event, Frames, Gap, LinkCounts, Restarted, read_headers
from radarode.radar.readers.lanes import decode_lanes, frame_bytes
from radarode.radar.readers.packets import DATA_BYTES, HEADER_BYTES

LARGEST_BYTES = HEADER_BYTES + DATA_BYTES
_BELIEVED = 4
"""So many packets that go on close to each other make a jump ahead, or back to the start, true.

A jump back to anywhere else needs a quarter of a second of them: old packets that were held up somewhere look the same.
"""

_JUMP_S = 1.0
_LEAST_JUMP = 64


class PacketStream:
    """Put packets in order and give out frames.

    Args:
        radar: the radar.
        reorder_s: how late a packet may come, in time of the stream.

    Attributes:
        counts: what happened so far.
    """

    def __init__(self, radar: FmcwRadar, reorder_s: float = 0.05) -> None:
        self.radar = radar
        self._size = frame_bytes(radar)
        per_s = self._size * radar.frame_rate_hz / DATA_BYTES
        self._reorder = max(8, math.ceil(reorder_s * per_s))
        self._jump = max(_LEAST_JUMP, math.ceil(_JUMP_S * per_s))
        per_frame = math.ceil(self._size / DATA_BYTES) + 1
        self._room = self._jump + self._reorder + 2 * per_frame
        slots = self._room + per_frame
        self._believed = max(_BELIEVED, self._jump // 4)
        self._data = np.zeros((slots, DATA_BYTES), dtype=np.uint8)
        self._length = np.full(slots, -1, dtype=np.int64)
        self.counts = LinkCounts()
        self._lost_before = 0
        self._begun = False
        self._suspects: list[tuple[int, NDArray[np.uint8]]] = []
        self._past = np.zeros(self._reorder, dtype=np.bool_)
        self._begin(0, 0)

    def add(self, packets: NDArray[np.uint8], lengths: NDArray[np.integer]) -> list[Event]:
        """Take packets in order of arrival.

        Args:
            packets: (packet, byte) payloads, each in a row of its own; rows are at least 1467 bytes wide.
            lengths: (packet,) bytes of each payload; longer ones than a row may be given as its width.

        Returns:
            What is known by now, in order.
        """
        place, size, sound = read_headers(packets, lengths)
        self.counts.damaged += int((~sound).sum())
        rows = np.flatnonzero(sound)
        events: list[Event] = []
        while len(rows):
            if not self._begun:
                self._start(int(place[rows[0]]))
            far = (place[rows] >= self._first + self._room) | (place[rows] < self._first - self._reorder)
            stop = int(np.argmax(far)) if far.any() else len(rows)
            if stop:
                self._suspect_none()
                self._store(place[rows[:stop]], size[rows[:stop]], packets[rows[:stop]])
                events += self._complete(self._due())
            else:
                row, stop = rows[0], 1
                events += self._suspect(int(place[row]), packets[row, HEADER_BYTES : HEADER_BYTES + size[row]].copy())
            rows = rows[stop:]
        self.counts.lost = self._lost_before + max(0, self._highest + 1 - self._origin - self._used)
        return events

    def flush(self) -> list[Event]:
        """Give out what is there of the frames that packets have reached, as at the end of a stream."""
        return self._complete((self._highest + 1) * DATA_BYTES // self._size) if self._begun else []

    def _due(self) -> int:
        """Return the number of the first frame that packets may still come for."""
        return (self._highest + 1 - self._reorder) * DATA_BYTES // self._size

    def _begin(self, frame: int, origin: int) -> None:
        """Expect frame number `frame` next; packets are counted from number `origin` on."""
        self._frame, self._first = frame, frame * self._size // DATA_BYTES
        self._origin, self._highest, self._used = origin, origin - 1, 0
        self._data[:], self._length[:], self._past[:] = 0, -1, False

    def _start(self, place: int) -> None:
        """Begin with the frame after the first packet, or with the first frame of the stream if that is near."""
        near = place <= self._reorder
        self._begin(0 if near else -(-place * DATA_BYTES // self._size), 0 if near else place)
        self._begun = True

    def _store(self, place: NDArray[np.int64], size: NDArray[np.int64], packets: NDArray[np.uint8]) -> None:
        """Copy packets, each to its place."""
        at = place - self._first
        early = at < 0
        fresh, index = np.unique(at[~early], return_index=True)
        rows = np.flatnonzero(~early)[index]
        new = self._length[fresh] < 0
        fresh, rows = fresh[new], rows[new]
        old = at[early & (place >= self._origin)] + len(self._past)
        known = int(self._past[old].sum())
        self.counts.late += len(old) - known
        self.counts.repeated += int((~early).sum()) - len(fresh) + known
        self._data[fresh] = packets[rows, HEADER_BYTES:LARGEST_BYTES]
        for slot, row in zip(fresh[size[rows] < DATA_BYTES], rows[size[rows] < DATA_BYTES], strict=True):
            self._data[slot, size[row] :] = 0
        self._length[fresh] = size[rows]
        counted = int((place[rows] >= self._origin).sum())
        self._used += counted
        self.counts.received += counted
        if len(rows):
            self._highest = max(self._highest, int(place[rows].max()))

    def _complete(self, due: int) -> list[Event]:
        """Give out frames that are complete, and all before frame number `due`."""
        count = -(-(self._highest + 1) * DATA_BYTES // self._size) - self._frame
        if count <= 0:
            return []
        edges = (self._frame + np.arange(count + 1)) * self._size - self._first * DATA_BYTES
        held = np.maximum(self._length, 0)
        before = np.concatenate([[0], np.cumsum(held)])
        slot = np.minimum(edges // DATA_BYTES, len(held) - 1)
        covered = np.diff(before[slot] + np.minimum(edges - slot * DATA_BYTES, held[slot]))
        give = max(0, min(count, due - self._frame))
        while give < count and covered[give] == self._size:
            give += 1
        if give == 0:
            return []
        values = self._data.reshape(-1)[edges[0] : edges[give]].view("<i2")
        lost = (1 - covered[:give] / self._size).astype(np.float32)
        found = Frames(self._frame, decode_lanes(values, self.radar), lost)
        self._forward(self._frame + give)
        return [found]

    def _forward(self, frame: int) -> None:
        """Make room: frames before `frame` were given out."""
        first = frame * self._size // DATA_BYTES
        drop, used = first - self._first, max(0, self._highest + 1 - self._first)
        arrived = np.zeros(drop, dtype=np.bool_)
        arrived[: min(drop, used)] = self._length[: min(drop, used)] >= 0
        self._past = np.concatenate([self._past, arrived[-len(self._past) :]])[-len(self._past) :]
        keep = max(0, used - drop)
        self._data[:keep], self._length[:keep] = self._data[used - keep : used].copy(), self._length[used - keep : used]
        self._data[keep:used], self._length[keep:used] = 0, -1
        self._frame, self._first = frame, first

    def _suspect(self, place: int, data: NDArray[np.uint8]) -> list[Event]:
        """Keep a packet from far off; believe it when it is not alone."""
        if self._suspects and abs(place - self._suspects[-1][0]) > self._reorder:
            self._suspect_none()
        if any(place == other for other, _ in self._suspects):
            self.counts.repeated += 1
            return []
        self._suspects.append((place, data))
        lowest = min(other for other, _ in self._suspects)
        sure = lowest > self._highest or lowest <= self._reorder
        if len(self._suspects) < (_BELIEVED if sure else self._believed):
            return []
        taken, self._suspects = self._suspects, []
        places = np.array([number for number, _ in taken])
        events = self._jump_ahead(lowest) if lowest > self._highest else self._restart(lowest)
        table = np.zeros((len(taken), LARGEST_BYTES), dtype=np.uint8)
        for row, (_, part) in zip(table, taken, strict=True):
            row[HEADER_BYTES : HEADER_BYTES + len(part)] = part
        self._store(places, np.array([len(part) for _, part in taken]), table)
        return events + self._complete(self._due())

    def _suspect_none(self) -> None:
        """Give up packets from far off that nothing followed."""
        behind = sum(place < self._first for place, _ in self._suspects)
        self.counts.late += behind
        self.counts.damaged += len(self._suspects) - behind
        self._suspects = []

    def _jump_ahead(self, place: int) -> list[Event]:
        """Go on at a packet far ahead: what is there is given out, what is between is a gap."""
        events = self._complete(-(-(self._highest + 1) * DATA_BYTES // self._size))
        target = max(self._frame, (place - self._reorder) * DATA_BYTES // self._size)
        if target > self._frame:
            events.append(Gap(self._frame, target - self._frame))
            self._forward(target)
        return events

    def _restart(self, place: int) -> list[Event]:
        """Begin anew: the radar counts from the start again."""
        events = self.flush()
        self._lost_before += max(0, self._highest + 1 - self._origin - self._used)
        self.counts.restarts += 1
        self._start(place)
        return [*events, Restarted()]
